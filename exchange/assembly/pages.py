"""The operators' pages of an exchange, put on its application; what they show lies in
`web.pages`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aiohttp import web

from exchange.assembly.statistics import statistics_report
from exchange.clocks import WallClock
from exchange.journey.added_partners import AddedPartners
from exchange.journey.check import Checking
from exchange.journey.mailbox import LetterJobs, Mailboxes
from exchange.journey.worker_thread import WorkerThread
from exchange.ports import Channel
from exchange.ports.receiver_states import Receivers
from exchange.settings import Settings
from exchange.statistics.cuts import load as load_cuts
from exchange.statistics.rows import load as load_rows
from exchange.storage.ledger import SqlLedger
from exchange.web.api.disclosures import Disclosures
from exchange.web.api.message_search import MessageSearch
from exchange.web.api.receivers import ReceiverOperations
from exchange.web.api.stubs import StubOperations
from exchange.web.app import Parts
from exchange.web.figures.process_figures import ProcessLooks
from exchange.web.nodes.page import NodesPage
from exchange.web.pages.audit import AuditPage
from exchange.web.pages.cases import CasePages
from exchange.web.pages.forms.dead_letters import DeadLetterPage
from exchange.web.pages.forms.disclosures import DisclosurePage
from exchange.web.pages.forms.stubs import StubPage
from exchange.web.pages.forms.validate import ValidatePage
from exchange.web.pages.live import live_page
from exchange.web.pages.messages import MessagePages
from exchange.web.pages.partners import PartnerPages
from exchange.web.pages.runs import RunsPage
from exchange.web.pages.statistics import StatisticsPage


@dataclass(frozen=True, slots=True)
class PageParts:
    """What the pages are made of beside the application's parts; `held` counts deliveries in
    memory.
    """

    ledger: SqlLedger
    channels: Sequence[Channel]
    checking: Checking
    worker_thread: WorkerThread
    mailboxes: Mailboxes
    letter_jobs: LetterJobs
    receiver_states: Receivers
    added_partners: AddedPartners
    search: MessageSearch
    stubs: StubOperations
    disclosures: Disclosures
    held: Callable[[], int]


def attach_pages(app: web.Application, own: PageParts, parts: Parts, settings: Settings) -> None:
    """Add every page."""
    guard, directory, ledger = parts.sign_in.guard, parts.directory, own.ledger
    rows = load_rows()
    live_page(
        snapshots=parts.snapshots,
        conditions=parts.conditions,
        ledger=ledger,
        directory=directory,
        channels=own.channels,
        catalogue=parts.catalogue,
        rows=rows,
        process=process_looks(own, parts).take,
        nodes=parts.nodes,
    ).attach(app, guard)
    MessagePages(
        ledger=ledger,
        search=own.search,
        catalogue=parts.catalogue,
        channels=own.channels,
        clock=parts.clock,
        retention=settings.retention,
    ).attach(app, guard)
    CasePages(ledger, directory, parts.clock, own.channels).attach(app)
    DeadLetterPage(ledger, own.mailboxes, own.letter_jobs).attach(app, guard)
    sectors = load_cuts(rows).names["sector"]
    PartnerPages(
        directory=directory,
        conditions=parts.conditions,
        receivers=ReceiverOperations(own.receiver_states, parts.conditions, directory, parts.clock),
        added=own.added_partners,
        channels=own.channels,
        sectors=sectors,
        clock=parts.clock,
    ).attach(app, guard)
    ValidatePage(own.checking, own.worker_thread, parts.catalogue).attach(app)
    NodesPage(parts.nodes, parts.clock, parts.worker).attach(app)
    StubPage(own.stubs, parts.clock).attach(app, guard)
    DisclosurePage(own.disclosures, parts.catalogue).attach(app, guard)
    AuditPage(ledger).attach(app, guard)
    reporting = partial(statistics_report, ledger.where)
    statistics = StatisticsPage(rows, reporting, parts.clock)
    statistics.attach(app, guard)
    RunsPage(Path(settings.simulations.folder), ledger, statistics).attach(app)


def process_looks(own: PageParts, parts: Parts) -> ProcessLooks:
    """What tells of this process."""
    where = own.ledger.where
    return ProcessLooks(
        written=lambda: own.ledger.written,
        held=own.held,
        path=where if isinstance(where, Path) else None,
        is_wall_clock=isinstance(parts.clock, WallClock),
        now=time.monotonic,
    )

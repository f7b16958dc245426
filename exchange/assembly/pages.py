"""The operators' pages of an exchange, put on its application; what they show lies in
`web.pages`.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from exchange.assembly.statistics import statistics_report
from exchange.clocks import WallClock
from exchange.statistics.rows import load as load_rows
from exchange.web.api.message_search import MessageSearch
from exchange.web.app import Parts
from exchange.web.pages.audit import AuditPage
from exchange.web.pages.cases import CasePages
from exchange.web.pages.dead_letters import DeadLetterPage
from exchange.web.pages.live import live_page
from exchange.web.pages.messages import MessagePages
from exchange.web.pages.partners import PartnerPages
from exchange.web.pages.statistics import StatisticsPage
from exchange.web.pages.validate import ValidatePage
from exchange.web.process_figures import ProcessLooks

if TYPE_CHECKING:
    from exchange.assembly.exchange import Exchange


def attach_pages(
    exchange: Exchange, app: web.Application, parts: Parts, search: MessageSearch
) -> None:
    """Add every page."""
    guard, directory, ledger = parts.sign_in.guard, exchange.directory, exchange.ledger
    channels = [*exchange.channels.values()]
    live_page(
        snapshots=parts.snapshots,
        conditions=parts.conditions,
        ledger=ledger,
        directory=directory,
        channels=channels,
        catalogue=exchange.catalogue,
        process=process_looks(exchange).take,
    ).attach(app, guard)
    MessagePages(ledger, search, exchange.catalogue, channels).attach(app)
    CasePages(ledger, directory, exchange.clock, channels).attach(app)
    DeadLetterPage(ledger, exchange.letter_jobs).attach(app)
    PartnerPages(directory, parts.conditions, channels).attach(app)
    ValidatePage(exchange.checking, exchange.worker_thread, exchange.catalogue).attach(app)
    AuditPage(ledger).attach(app, guard)
    reporting = partial(statistics_report, ledger.where)
    StatisticsPage(load_rows(), reporting, exchange.clock).attach(app, guard)


def process_looks(exchange: Exchange) -> ProcessLooks:
    """What tells of this process."""
    where = exchange.ledger.where
    return ProcessLooks(
        written=lambda: exchange.ledger.written,
        held=lambda: exchange.dispatcher.held,
        path=where if isinstance(where, Path) else None,
        is_wall_clock=isinstance(exchange.clock, WallClock),
        now=time.monotonic,
    )

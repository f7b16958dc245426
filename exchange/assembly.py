"""The one place that picks concrete classes: ledger, clock, ids, transport, journey, from the settings; no behaviour of its own."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path

from aiohttp import web

from exchange import discovery
from exchange.clocks import SequentialIds, WallClock
from exchange.errors import SettingsError
from exchange.journey.accept import Acceptance
from exchange.journey.answer import Asking
from exchange.journey.attempt import Attempts
from exchange.journey.check import Checking
from exchange.journey.deliver import Bounds, Dispatcher
from exchange.journey.desk import ChannelDesk
from exchange.journey.forget import Forgetting
from exchange.journey.mailbox import Mailboxes
from exchange.journey.retry import RetryPolicy
from exchange.journey.validate import Judge
from exchange.ports import Channel, Clock, Ids, Transport
from exchange.settings import Settings, load
from exchange.statistics.count import DIMENSIONS, Line, Period, count
from exchange.statistics.rows import Rows
from exchange.statistics.rows import load as load_rows
from exchange.storage.days import day_of_date
from exchange.storage.sqlite import SqliteLedger
from exchange.web.api import Api
from exchange.web.app import Parts, build
from exchange.web.snapshot import Snapshots
from exchange.web.transport import HttpTransport
from schemas import official
from schemas.catalogue import Catalogue
from schemas.directory import DEFAULT_PATH, Directory
from schemas.directory import load as load_directory


def ledger_path(settings: Settings, url: str | None = None) -> Path:
    """The ledger's file, by the settings or the address given.

    Raises:
        SettingsError: when the address names another kind of ledger.
    """
    address = url or settings.storage.url
    scheme, separator, rest = address.partition("sqlite:///")
    if scheme or not separator or not rest:
        raise SettingsError(f"storage.url: {address!r} is not sqlite:///PATH")
    return Path(rest)


def checking(settings: Settings | None = None, clock: Clock | None = None) -> Checking:
    """What judges messages without taking them in."""
    settings = settings or load()
    catalogue = _catalogue(settings)
    judge = Judge(catalogue, settings.identity.allow_real_persons, settings.limits.violations_max)
    return Checking(judge, catalogue, discovery.channels(), _directory(settings), clock or WallClock())


async def statistics_lines(
    path: Path, year: int, since: datetime.date | None = None, until: datetime.date | None = None
) -> tuple[Rows, list[Line], Period]:
    """The lines of the statistics from the ledger file: of days [since, until), or of all that it holds."""
    rows = load_rows()
    ledger = SqliteLedger(path)
    await ledger.open()
    try:
        first = day_of_date(since) if since else 0
        last = day_of_date(until) if until else 1 << 31
        days = [values[0] for values, *_ in await ledger.totals(("period",), first, last, daily=True)]
        totals = await ledger.totals(DIMENSIONS, first, last, daily=True)
    finally:
        await ledger.close()
    whole = (until - since).days if since and until else 0
    period = Period(year, whole or (max(days) - min(days) + 1 if days else 0))
    known = [message_type.name for message_type in Catalogue.load()]
    return rows, count(rows, totals, _directory(load()), known, period), period


def _catalogue(settings: Settings) -> Catalogue:
    if not settings.schemas.official:
        return Catalogue.load()
    try:
        return official.load(settings.schemas.official)
    except ValueError as error:
        raise SettingsError(f"schemas.{error}") from error


def _directory(settings: Settings) -> Directory:
    return load_directory(settings.partners.directory or DEFAULT_PATH)


class Exchange:
    """The exchange put together: open it, serve with its desks, close it."""

    def __init__(
        self,
        settings: Settings,
        worker: int = 0,
        clock: Clock | None = None,
        ids: Ids | None = None,
        transport: Transport | None = None,
        channels: Mapping[str, Channel] | None = None,
    ) -> None:
        self.settings = settings
        self.worker = worker
        self.clock: Clock = clock or WallClock()
        self.ids: Ids = ids or SequentialIds(self.clock, worker)
        self.channels = dict(channels if channels is not None else discovery.channels())
        self.directory = _directory(settings)
        self.catalogue = _catalogue(settings)
        storage, deliveries = settings.storage, settings.deliveries
        self.ledger = SqliteLedger(ledger_path(settings), storage.group_max, storage.compression_level, storage.readers_cache_mib)
        self._own_transport = HttpTransport(settings.partners.address, deliveries.answer_bytes_max) if transport is None else None
        self.transport: Transport = transport or self._own_transport  # type: ignore[assignment]
        policy = RetryPolicy(
            deliveries.attempts_max,
            deliveries.first_backoff_seconds,
            deliveries.backoff_seconds_max,
            deliveries.deadline_seconds,
            settings.seed,
        )
        self.attempts = Attempts(
            self.ledger, self.channels, self.transport, self.directory, self.clock, policy, deliveries.timeout_seconds
        )
        self.lanes = [lane for lane in range(64) if lane % settings.server.workers == worker]
        bounds = Bounds(
            deliveries.concurrent_max,
            deliveries.concurrent_receiver_max,
            deliveries.ready_max,
            deliveries.ready_bytes_max,
            deliveries.poll_seconds,
        )
        self.dispatcher = Dispatcher(self.ledger, self.attempts, self.directory, self.clock, bounds, self.lanes)
        self.judge = Judge(self.catalogue, settings.identity.allow_real_persons, settings.limits.violations_max)
        self.checking = Checking(self.judge, self.catalogue, self.channels, self.directory, self.clock)
        self.acceptance = Acceptance(self.ledger, self.judge, self.directory, self.clock, self.ids, self.dispatcher, worker)
        self.asking = Asking(self.ledger, self.acceptance, self.attempts, self.clock, deliveries.ask_seconds)
        self.mailboxes = Mailboxes(self.ledger, self.clock, deliveries.lease_messages_max, deliveries.lease_seconds_max)
        self.forgetting = Forgetting(self.ledger, self.clock, settings.retention)

    def desk(self, channel: Channel) -> ChannelDesk:
        """The desk of a channel."""
        return ChannelDesk(channel, self.ledger, self.acceptance, self.asking, self.mailboxes, self.directory, self.clock)

    def application(self) -> web.Application:
        """The worker's application."""
        snapshots = Snapshots(self.ledger, self.clock, tuple(self.channels))
        parts = Parts(
            limits=self.settings.limits,
            directory=self.directory,
            channels=self.channels.values(),
            desk=self.desk,
            ledger=self.ledger,
            clock=self.clock,
            snapshots=snapshots,
            api=Api(self.ledger, self.mailboxes, self.checking, snapshots, self.catalogue),
            held=lambda: self.dispatcher.held,
            open=self.open,
            close=self.close,
            worker=self.worker,
        )
        return build(parts)

    async def open(self, deliver: bool = True) -> None:
        """Open the ledger, take up what a crash left, begin to deliver."""
        await self.ledger.open()
        if self._own_transport is not None:
            await self._own_transport.open()
        if deliver:
            await self.asking.recover(self.lanes)
            self.dispatcher.start()
            if self.worker == 0:
                self.forgetting.start()

    async def close(self) -> None:
        """Stop in the reverse order; nothing acknowledged is lost."""
        await self.forgetting.stop()
        await self.dispatcher.stop()
        await self.ledger.close()
        if self._own_transport is not None:
            await self._own_transport.close()

"""The one place that picks concrete classes: ledger, clock, ids, transport, journey, from the
settings; no behaviour of its own.
"""

from __future__ import annotations

import asyncio
import datetime
import heapq
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from aiohttp import web

from exchange import discovery
from exchange.clocks import SequentialIds, WallClock
from exchange.errors import SettingsError
from exchange.journey.accept import Acceptance
from exchange.journey.answer import Asking
from exchange.journey.aside import Aside
from exchange.journey.attempt import Attempts
from exchange.journey.check import Checking
from exchange.journey.deliver import Bounds, Dispatcher
from exchange.journey.desk import ChannelDesk
from exchange.journey.forget import Forgetting
from exchange.journey.lanes import NumberedLanes
from exchange.journey.mailbox import Mailboxes
from exchange.journey.retry import RetryPolicy
from exchange.journey.validate import Judge
from exchange.journey.watch import Watching
from exchange.ports import Channel, Clock, Ids, Transport, Watch
from exchange.schemas import official
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.directory import DEFAULT_PATH, Directory
from exchange.schemas.directory import load as load_directory
from exchange.settings import Settings, load
from exchange.statistics.breakdown import asked_table
from exchange.statistics.count import Line, Period
from exchange.statistics.coverage import coverage
from exchange.statistics.cuts import load as load_cuts
from exchange.statistics.history import History
from exchange.statistics.peaks import Peaks
from exchange.statistics.report import Report, report_of
from exchange.statistics.rows import LANGUAGES, Rows
from exchange.statistics.rows import load as load_rows
from exchange.statistics.tally import Tally
from exchange.storage.migrate import migrate_sqlite
from exchange.storage.rollups import Rollups
from exchange.storage.sqlite import SqliteLedger
from exchange.web.api import Api
from exchange.web.app import Parts, build
from exchange.web.pages.live import live_page
from exchange.web.snapshot import Snapshots
from exchange.web.transport import HttpTransport

#: What a run of so many days counted is compared with the published figures by the minute, not by
#: the day.
SHORT_DAYS = 2
MINUTES_A_DAY = 1440


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
    channels = discovery.channels(settings.recognition.enabled)
    return Checking(judge, catalogue, channels, _directory(settings), clock or WallClock())


async def statistics_lines(
    path: Path,
    year: int,
    since: datetime.date | None = None,
    until: datetime.date | None = None,
    scale: float = 1.0,
) -> tuple[Rows, list[Line], Period]:
    """The lines of the statistics from the ledger file: of days [since, until), or of all that it
    holds.
    """
    report = await asyncio.to_thread(statistics_report, path, year, since, until, scale)
    return report.rows, list(report.lines), report.period


def statistics_report(
    path: Path | Sequence[Path],
    year: int,
    since: datetime.date | None = None,
    until: datetime.date | None = None,
    scale: float = 1.0,
    by: Sequence[str] = (),
) -> Report:
    """All of the statistics from the ledger file (or from several, as a simulation has them), in
    one pass over the counters.

    Counted are the days [since, until) that the ledger holds, an end that is not named being its
    own; without any those of `year`, else all that it holds; compared with the figures published
    for `year`, times `scale` (0.001 for a simulation at 1/1000). Of a ledger that holds two days or
    less, the time is taken to the minute: a quarter of an hour is not compared with a day. `by`
    adds a table by these dimensions (see `exchange.statistics.breakdown`), the last of the report.

    Raises:
        ValueError: when a dimension is unknown.
    """
    settings = load()
    rows = load_rows()
    cuts = load_cuts(rows)
    directory, catalogue = _directory(settings), Catalogue.load()
    known = [message_type.name for message_type in catalogue]
    tables = [*cuts.tables, *([asked_table(by)] if by else [])]
    peaks = Peaks()
    paths = [path] if isinstance(path, Path) else path
    for ledger in paths:
        migrate_sqlite(ledger)
    with ExitStack() as stack:
        ledgers = [stack.enter_context(Rollups(ledger)) for ledger in paths]
        history = History([kept for each in ledgers for kept in each.partners()], directory)
        covered = coverage(since, until, year, [days for each in ledgers for days in each.held()])
        first, end = covered.first, covered.end
        tally = Tally.of(rows, history, known, cuts.bands, tables, cuts.groups)
        if "hour" in by:
            for day, *dimensions, hour, count, items, size in heapq.merge(
                *(each.hours(first, end) for each in ledgers), key=_day
            ):
                tally.add(day, tuple(dimensions), count, items, size, hour)  # type: ignore[arg-type]
        else:
            for day, *dimensions, count, items, size in heapq.merge(
                *(each.days(first, end) for each in ledgers)
            ):
                tally.add(day, tuple(dimensions), count, items, size)  # type: ignore[arg-type]
        peaks.take(heapq.merge(*(each.sums(first, end, own_doors()) for each in ledgers)))
    days: float = len(covered.held)
    if peaks.minutes and not (since and until) and days <= SHORT_DAYS:
        days = (peaks.minutes[1] - peaks.minutes[0] + 1) / MINUTES_A_DAY
    asked = None if covered.whole else covered.asked
    names = {**cuts.names, **_names(history.newest, catalogue)}
    return report_of(tally, cuts, names, Period(year, days, scale, asked), covered, peaks)


def own_doors() -> list[tuple[str, str]]:
    """The doors (channel, door) by which watches put in what the exchange itself sends, at moments
    of its own choosing.
    """
    return [
        (name, watch.door)
        for name, channel in discovery.channels().items()
        for watch in channel.watches
        if watch.door
    ]


def _day(row: tuple[Any, ...]) -> int:
    day: int = row[0]
    return day


def _names(directory: Directory, catalogue: Catalogue) -> dict[str, dict[str, Mapping[str, str]]]:
    return {
        "partner": {partner.id: dict.fromkeys(LANGUAGES, partner.name) for partner in directory},
        "message-type": {message_type.name: message_type.titles for message_type in catalogue},
        "channel": {name: channel.titles for name, channel in discovery.channels().items()},
        "process": {
            name: title
            for channel in discovery.channels().values()
            for name, title in channel.processes.items()
        },
    }


def _catalogue(settings: Settings) -> Catalogue:
    if not settings.schemas.official:
        return Catalogue.load()
    try:
        return official.load(settings.schemas.official)
    except ValueError as error:
        raise SettingsError(f"schemas.{error}") from error


def _directory(settings: Settings) -> Directory:
    return load_directory(settings.partners.directory or DEFAULT_PATH)


def warm_up(catalogue: Catalogue, channels: Iterable[Channel]) -> None:
    """Compile the schemas of every message type that one of these channels carries."""
    families = {family for channel in channels for family in channel.families}
    for message_type in catalogue:
        if message_type.folder.name in families:
            catalogue.schema(message_type.name)


def _policy(settings: Settings) -> RetryPolicy:
    deliveries = settings.deliveries
    return RetryPolicy(
        deliveries.attempts_max,
        deliveries.first_backoff_seconds,
        deliveries.backoff_seconds_max,
        deliveries.deadline_seconds,
        settings.seed,
    )


def _bounds(settings: Settings) -> Bounds:
    deliveries = settings.deliveries
    return Bounds(
        deliveries.concurrent_max,
        deliveries.concurrent_receiver_max,
        deliveries.ready_max,
        deliveries.ready_bytes_max,
        deliveries.poll_seconds,
    )


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
        directory: Directory | None = None,
        lanes: NumberedLanes | None = None,
    ) -> None:
        self.settings = settings
        self.worker = worker
        self.clock: Clock = clock or WallClock()
        self.ids: Ids = ids or SequentialIds(self.clock, worker)
        known = discovery.channels(settings.recognition.enabled) if channels is None else channels
        self.channels = dict(known)
        self.directory = directory or _directory(settings)
        self.catalogue = _catalogue(settings)
        storage, deliveries = settings.storage, settings.deliveries
        self.ledger = SqliteLedger(
            ledger_path(settings),
            storage.group_max,
            storage.compression_level,
            storage.readers_cache_mib,
            storage.durable,
        )
        self._own_transport = (
            HttpTransport(settings.partners.address, deliveries.answer_bytes_max)
            if transport is None
            else None
        )
        self.transport: Transport = transport or self._own_transport  # type: ignore[assignment]
        self.attempts = Attempts(
            self.ledger,
            self.channels,
            self.transport,
            self.directory,
            self.clock,
            _policy(settings),
            deliveries.timeout_seconds,
        )
        self.lanes = lanes or NumberedLanes(worker, settings.server.workers)
        self.dispatcher = Dispatcher(
            self.ledger, self.attempts, self.directory, self.clock, _bounds(settings), self.lanes
        )
        self.judge = Judge(
            self.catalogue, settings.identity.allow_real_persons, settings.limits.violations_max
        )
        self.checking = Checking(
            self.judge, self.catalogue, self.channels, self.directory, self.clock
        )
        self.aside = Aside(settings.limits.loop_bytes_max)
        self.acceptance = Acceptance(
            self.ledger,
            self.judge,
            self.directory,
            self.clock,
            self.ids,
            self.dispatcher,
            self.aside,
            worker,
        )
        self.asking = Asking(
            self.ledger, self.acceptance, self.attempts, self.clock, deliveries.ask_seconds
        )
        self.mailboxes = Mailboxes(
            self.ledger, self.clock, deliveries.lease_messages_max, deliveries.lease_seconds_max
        )
        self.forgetting = Forgetting(self.ledger, self.clock, settings.retention)
        self.watching = Watching(self._watches(), self.clock)

    def _watches(self) -> list[tuple[Channel, Watch, ChannelDesk]]:
        return [
            (channel, watch, self.desk(channel))
            for channel in self.channels.values()
            for watch in channel.watches
        ]

    def warm_up(self) -> None:
        """Compile the schemas of every message type that a channel carries, for no first caller
        should wait for it.
        """
        warm_up(self.catalogue, self.channels.values())

    def desk(self, channel: Channel) -> ChannelDesk:
        """The desk of a channel."""
        files = self.settings.files.directory
        folder = files / channel.name if files is not None else None
        return ChannelDesk(
            channel,
            self.ledger,
            self.acceptance,
            self.asking,
            self.mailboxes,
            self.directory,
            self.clock,
            folder,
        )

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
            api=Api(
                self.ledger, self.mailboxes, self.checking, self.aside, snapshots, self.catalogue
            ),
            held=lambda: self.dispatcher.held,
            open=self.open,
            close=self.close,
            worker=self.worker,
        )
        app = build(parts)
        live_page(
            snapshots, self.ledger, self.directory, self.channels.values(), self.catalogue
        ).attach(app)
        return app

    async def open(self, deliver: bool = True) -> None:
        """Open the ledger, take up what a crash left, begin to deliver."""
        await self.ledger.open()
        await self.ledger.begin(self.clock.now(), list(self.directory))
        if self._own_transport is not None:
            await self._own_transport.open()
        if deliver:
            await self.asking.recover(self.lanes.takers())
            self.dispatcher.start()
            if self.worker == 0:
                self.forgetting.start()
                self.watching.start()

    async def hold(self) -> None:
        """Keep that the ledger is held up to now."""
        await self.ledger.hold(self.clock.now())

    async def close(self) -> None:
        """Stop in the reverse order; nothing acknowledged is lost."""
        await self.watching.stop()
        await self.forgetting.stop()
        await self.dispatcher.stop()
        self.aside.close()
        await self.hold()
        await self.ledger.close()
        if self._own_transport is not None:
            await self._own_transport.close()

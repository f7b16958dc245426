"""The one place that picks concrete classes: ledger, clock, ids, transport, journey, from the
settings; no behaviour of its own.
"""

from __future__ import annotations

import asyncio
import datetime
import heapq
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from operator import itemgetter
from pathlib import Path

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
from exchange.statistics.cuts import load as load_cuts
from exchange.statistics.peaks import Peaks
from exchange.statistics.report import Report, report_of
from exchange.statistics.rows import LANGUAGES, Rows
from exchange.statistics.rows import load as load_rows
from exchange.statistics.tally import Tally
from exchange.storage.days import date_of_day, day_of_date
from exchange.storage.migrate import migrate_sqlite
from exchange.storage.operators import SqliteOperators
from exchange.storage.rollups import Rollups
from exchange.storage.sqlite import SqliteLedger
from exchange.web.access.sign_in import SignIn
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

    Counted are the days [since, until), else those of `year` that the ledger holds, else all that
    it holds; compared with the figures published for `year`, times `scale` (0.001 for a simulation
    at 1/1000). Give both days for a whole year that was simulated, so that the published figures
    are taken whole even where nothing came on its first day. Of a ledger that holds two days or
    less, the time is taken to the minute: a quarter of an hour is not compared with a day. `by`
    adds a table by these dimensions (see `exchange.statistics.breakdown`), the last of the report.

    Raises:
        ValueError: when a dimension is unknown.
        LedgerError: when a file is no ledger, or can't be read.
    """
    settings = load()
    rows = load_rows()
    cuts = load_cuts(rows)
    directory, catalogue = _directory(settings), Catalogue.load()
    known = [message_type.name for message_type in catalogue]
    tables = [*cuts.tables, *([asked_table(by)] if by else [])]
    tally = Tally.of(rows, directory, known, cuts.bands, tables, cuts.groups)
    peaks = Peaks()
    paths = [path] if isinstance(path, Path) else path
    for ledger in paths:
        migrate_sqlite(ledger, create=False)
    with ExitStack() as stack:
        ledgers = [stack.enter_context(Rollups(ledger)) for ledger in paths]
        bounds = [each for rollups in ledgers if (each := rollups.bounds())]
        first, end = _counted_days(since, until, bounds, year)
        if "hour" in by:
            for day, *dimensions, hour, count, items, size in heapq.merge(
                *(each.hours(first, end) for each in ledgers), key=itemgetter(0)
            ):
                tally.add(day, tuple(dimensions), count, items, size, hour)  # type: ignore[arg-type]
        else:
            for day, *dimensions, count, items, size in heapq.merge(
                *(each.days(first, end) for each in ledgers)
            ):
                tally.add(day, tuple(dimensions), count, items, size)  # type: ignore[arg-type]
        peaks.take(heapq.merge(*(each.sums(first, end, own_doors()) for each in ledgers)))
    if tally.days and not (since and until):
        first, end = max(first, min(tally.days)), min(end, max(tally.days) + 1)
    days: float = end - first if tally.days or (since and until) else 0
    if peaks.minutes and not (since and until) and days <= SHORT_DAYS:
        days = (peaks.minutes[1] - peaks.minutes[0] + 1) / MINUTES_A_DAY
    span = (date_of_day(first), date_of_day(end - 1)) if end > first and days else None
    names = {**cuts.names, **_names(directory, catalogue)}
    return report_of(tally, cuts, names, Period(year, max(days, 0), scale), span, peaks)


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


def _counted_days(
    since: datetime.date | None,
    until: datetime.date | None,
    bounds: Sequence[tuple[int, int]],
    year: int,
) -> tuple[int, int]:
    """The day numbers [first, end) to count; `bounds` are the first and the last day of each ledger
    that has any.
    """
    first, end = (
        (min(each[0] for each in bounds), max(each[1] for each in bounds) + 1) if bounds else (0, 0)
    )
    if since is None and until is None:
        january, next_january = (
            day_of_date(datetime.date(year, 1, 1)),
            day_of_date(datetime.date(year + 1, 1, 1)),
        )
        if first < next_january and end > january:
            first, end = max(first, january), min(end, next_january)
    return day_of_date(since) if since else first, day_of_date(until) if until else end


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


def _ledger(settings: Settings, node: int, owner: str, clock: Clock) -> SqliteLedger:
    storage = settings.storage
    return SqliteLedger(
        ledger_path(settings),
        storage.group_max,
        storage.compression_level,
        storage.readers_cache_mib,
        storage.durable,
        node=node,
        name=owner,
        clock=clock,
    )


class Exchange:
    """The exchange put together: open it, serve with its desks, close it.

    `worker` is its number among those that share the ledger, the node that it writes as; `owner`
    says in the ledger who that is. Once it is open, `ledger.ownership` has its epoch.
    """

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
        owner: str = "",
    ) -> None:
        self.settings = settings
        self.worker = worker
        self.clock: Clock = clock or WallClock()
        self.ids: Ids = ids or SequentialIds(self.clock, worker)
        known = discovery.channels(settings.recognition.enabled) if channels is None else channels
        self.channels = dict(known)
        self.directory = directory or _directory(settings)
        self.catalogue = _catalogue(settings)
        deliveries = settings.deliveries
        self.ledger = _ledger(settings, worker, owner, self.clock)
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
        # (Sessions last by the wall's time, however fast the exchange's own passes.)
        sign_in = SignIn(self.settings, SqliteOperators(self.ledger), WallClock())
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
            sign_in=sign_in,
            worker=self.worker,
        )
        app = build(parts)
        live_page(
            snapshots, self.ledger, self.directory, self.channels.values(), self.catalogue
        ).attach(app, sign_in.guard)
        return app

    async def open(self, deliver: bool = True) -> None:
        """Open the ledger, take up what a crash left, begin to deliver."""
        await self.ledger.open()
        if self._own_transport is not None:
            await self._own_transport.open()
        if deliver:
            await self.asking.recover(self.lanes.takers())
            self.dispatcher.start()
            if self.worker == 0:
                self.forgetting.start()
                self.watching.start()

    async def close(self) -> None:
        """Stop in the reverse order; nothing acknowledged is lost."""
        await self.watching.stop()
        await self.forgetting.stop()
        await self.dispatcher.stop()
        await self.attempts.stop()
        self.aside.close()
        await self.ledger.close()
        if self._own_transport is not None:
            await self._own_transport.close()

"""The statistics of a ledger: its counters, the rows, cuts and names put together as a report."""

from __future__ import annotations

import datetime
import heapq
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from operator import itemgetter
from pathlib import Path

from exchange import discovery
from exchange.assembly.parts import directory_of
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.directory import Directory
from exchange.settings import load
from exchange.statistics.breakdown import asked_table
from exchange.statistics.count import MINUTES_A_DAY, Period
from exchange.statistics.coverage import coverage
from exchange.statistics.cuts import load as load_cuts
from exchange.statistics.days import minutes_of
from exchange.statistics.history import History
from exchange.statistics.peaks import Peaks
from exchange.statistics.report import Report, report_of
from exchange.statistics.rows import LANGUAGES
from exchange.statistics.rows import load as load_rows
from exchange.statistics.tally import Tally
from exchange.storage.counters.rollups import Rollups
from exchange.storage.postgresql_server.address import Server
from exchange.storage.snapshot import Where, require_ledger

#: A ledger of so many days may hold no whole one.
SHORT_DAYS = 2


def statistics_report(
    where: Where | Sequence[Path],
    year: int,
    since: datetime.date | None = None,
    until: datetime.date | None = None,
    scale: float = 1.0,
    by: Sequence[str] = (),
    *,
    simulated: bool = False,
) -> Report:
    """All of the statistics from the ledger (or from several files, as a simulation has them), in
    one pass over the counters.

    Counted are the days [since, until) that the ledger holds, an end that is not named being its
    own; without any those of `year`, else all that it holds; compared with the figures published
    for `year`, times `scale` (0.001 for a simulation at 1/1000). Of a ledger that holds two days or
    less the report tells the minutes from the first count to the last, and without days named
    compares by them: a quarter of an hour is not compared with a day (`simulated` days are whole).
    `by` adds a table by these dimensions (see `exchange.statistics.breakdown`), the last of the
    report.

    Raises:
        ValueError: when a dimension is unknown.
        LedgerError: when one is no ledger, or can't be read.
    """
    settings = load()
    rows = load_rows()
    cuts = load_cuts(rows)
    directory, catalogue = directory_of(settings), Catalogue.load()
    known = [message_type.name for message_type in catalogue]
    tables = [*cuts.tables, *([asked_table(by)] if by else [])]
    peaks = Peaks()
    places: Sequence[Where] = [where] if isinstance(where, (Path, Server)) else where
    for place in places:
        require_ledger(place)
    with ExitStack() as stack:
        ledgers = [stack.enter_context(Rollups(place)) for place in places]
        history = History([kept for each in ledgers for kept in each.partners()], directory)
        covered = coverage(since, until, year, [days for each in ledgers for days in each.held()])
        first, end = covered.first, covered.end
        tally = Tally.of(rows, history, known, cuts.bands, tables, cuts.groups)
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
        peaks.take(heapq.merge(*(each.sums(first, end, own_endpoints()) for each in ledgers)))
    days: float = len(covered.held)
    minutes, day_minutes = None, float(MINUTES_A_DAY)
    if covered.held and covered.in_all <= SHORT_DAYS and not simulated:
        minutes = peaks.minutes[1] - peaks.minutes[0] + 1 if peaks.minutes else 0
        day_minutes = sum(map(minutes_of, covered.held)) / len(covered.held)
        if since is None and until is None:
            days = minutes / day_minutes
    asked = None if covered.whole else covered.asked
    names = {**cuts.names, **_names(history.newest, catalogue)}
    period = Period(
        year=year,
        days=days,
        scale=scale,
        asked_days=asked,
        minutes=minutes,
        day_minutes=day_minutes,
    )
    return report_of(tally, cuts, names, period, covered, peaks)


def own_endpoints() -> list[tuple[str, str]]:
    """The endpoints (channel, endpoint) by which watches put in what the exchange itself
    sends, at moments of its own choosing.
    """
    return [
        (name, watch.endpoint)
        for name, channel in discovery.channels().items()
        for watch in channel.watches
        if watch.endpoint
    ]


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

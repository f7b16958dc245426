"""All that is published of a period in one object: lines, shares, bands, tables, peaks; made from a
tally, written elsewhere.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exchange.statistics.breakdown import ITEM, NAMED_BY, Figures, with_noughts
from exchange.statistics.count import Line, Period, lines_of
from exchange.statistics.coverage import Coverage
from exchange.statistics.cuts import BandOf, Cuts, ShareOf, TableOf, Title
from exchange.statistics.days import date_of, is_working_day
from exchange.statistics.peaks import Peak, Peaks
from exchange.statistics.rows import Rows
from exchange.statistics.tally import Tally

#: What a table tells of a cell; one of cases tells CASES besides: how many began, and messages
#: delivered for each.
MEASURES = ("messages", "items", "bytes", "share_percent")
CASES = ("cases", "messages_a_case")

Names = Mapping[str, Mapping[str, Title]]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a whole, in per cent of what was counted and of what was published; None where it
    is not known. `withheld`: what is None of what was counted could give a small count away.
    """

    title: Title
    counted: float | None
    counted_percent: float | None
    published: float | None
    published_percent: float | None
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class Share:
    """Parts beside each other."""

    cut: ShareOf
    parts: Sequence[Part]


@dataclass(frozen=True, slots=True)
class BandDay:
    """A day against a band: `place` is -1 below, 0 within, 1 above; None on days that the band does
    not speak of.
    """

    date: datetime.date
    count: float
    working: bool
    place: int | None


@dataclass(frozen=True, slots=True)
class Band:
    """Every day held of the period against the ends of a band, already times the scale."""

    cut: BandOf
    low: float
    high: float
    days: Sequence[BandDay]

    @property
    def outside(self) -> list[BandDay]:
        """The working days that are not within."""
        return [day for day in self.days if day.place]


@dataclass(frozen=True, slots=True)
class Table:
    """A table by dimensions: rows of (keys, figures, share of the messages in per cent), sorted by
    their keys; figures and share are None where they are withheld. `measures` are told of a cell:
    all, or of open data the messages alone.
    """

    cut: TableOf
    columns: tuple[str, ...]
    rows: Sequence[tuple[tuple[str, ...], Figures | None, float | None]]
    measures: tuple[str, ...] = MEASURES


@dataclass(frozen=True, slots=True)
class Report:
    """What was counted from `first` to `last` (both included; None when nothing is held), beside
    what was published. `asked` is the first and the last day that were asked for.
    """

    rows: Rows
    cuts: Cuts
    names: Names
    period: Period
    first: datetime.date | None
    last: datetime.date | None
    lines: Sequence[Line]
    shares: Sequence[Share]
    bands: Sequence[Band]
    tables: Sequence[Table]
    channels: Mapping[str, Mapping[str, int]]
    peaks: Sequence[Peak]
    hours: Mapping[tuple[int, int], float]
    asked: tuple[datetime.date, datetime.date] | None = None
    held_days: int = 0
    open_data: bool = False
    #: Ids of the tables that would be open data, but can't be protected.
    not_offered: tuple[str, ...] = ()
    #: Why the report is no open data although its small counts are withheld, by language.
    not_open: Mapping[str, str] | None = None
    #: Why figures that were published before are published again; empty when they aren't.
    revision: str = ""

    def name(self, column: str, key: str, language: str) -> str:
        """What a key of a column is called; the key itself when nobody named it."""
        kind = "direction" if column.endswith("-end") else NAMED_BY.get(column, column)
        title = self.names.get(kind, {}).get(key)
        return title[language] if title else key


def report_of(
    tally: Tally,
    cuts: Cuts,
    names: Names,
    period: Period,
    covered: Coverage,
    peaks: Peaks,
) -> Report:
    """The report of a tally that is full, of the days that are covered."""
    span = covered.span
    lines = lines_of(tally.rows, tally.sums, period)
    by_id = {line.row.id: line for line in lines}
    return Report(
        rows=tally.rows,
        cuts=cuts,
        names=names,
        period=period,
        first=span[0] if span else None,
        last=span[1] if span else None,
        lines=lines,
        shares=[_share(cut, by_id) for cut in cuts.shares],
        bands=[
            band
            for cut in cuts.bands
            if (band := _band(cut, by_id, tally.band_days[cut.row], period, covered))
        ],
        tables=[
            _table(
                breakdown.table,
                breakdown.columns,
                with_noughts(breakdown, {ITEM: cuts.names[ITEM]}, covered.held),
            )
            for breakdown in tally.breakdowns
        ],
        channels={name: dict(kinds) for name, kinds in sorted(tally.channels.items())},
        peaks=peaks.busiest(),
        hours=peaks.mean_hours(),
        held_days=len(covered.held),
        asked=(date_of(covered.first), date_of(covered.end - 1)) if covered.asked else None,
    )


def _share(cut: ShareOf, by_id: Mapping[str, Line]) -> Share:
    def total(names: Sequence[str], published: bool) -> float | None:
        figures = [by_id[name].published if published else by_id[name].counted for name in names]
        numbers = [value for value in figures if isinstance(value, (int, float))]
        return sum(numbers) if len(numbers) == len(names) else None

    counted, published = total(cut.of, False), total(cut.of, True)
    titles = cut.short or [by_id[name].row.title for name in cut.parts]
    entries = [
        (title, total([name], False), total([name], True))
        for title, name in zip(titles, cut.parts, strict=True)
    ]
    if cut.rest is not None:
        entries.append(
            (
                cut.rest,
                _left(counted, [e[1] for e in entries]),
                _left(published, [e[2] for e in entries]),
            )
        )
    return Share(
        cut,
        [
            Part(
                title=title,
                counted=c,
                counted_percent=_percent(c, counted),
                published=p,
                published_percent=_percent(p, published),
            )
            for title, c, p in entries
        ],
    )


def _left(whole: float | None, parts: Sequence[float | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return None if whole is None or len(known) < len(parts) else whole - sum(known)


def _percent(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else 100 * part / whole


def _band(
    cut: BandOf,
    by_id: Mapping[str, Line],
    counts: Mapping[int, float],
    period: Period,
    covered: Coverage,
) -> Band | None:
    ends = by_id[cut.row].published
    if not isinstance(ends, tuple) or not covered.held:
        return None
    if period.no_whole_day or period.days < len(covered.held):
        # What is below the band may be half a day.
        return None
    low, high = ends[0] * period.scale, ends[1] * period.scale
    days = []
    for number in sorted(covered.held):
        date = date_of(number)
        working = is_working_day(date)
        count = counts.get(number, 0)
        place = (count > high) - (count < low) if working else None
        days.append(BandDay(date, count, working, place))
    return Band(cut, low, high, days)


def _table(
    cut: TableOf, columns: tuple[str, ...], cells: Mapping[tuple[str, ...], Figures]
) -> Table:
    # Deliveries counted at both ends stand twice: their shares are of each direction's own total.
    ends = [index for index, column in enumerate(columns) if column.endswith("-end")]
    totals: dict[tuple[str, ...], int] = {}
    for key, figures in cells.items():
        of = tuple(key[index] for index in ends)
        totals[of] = totals.get(of, 0) + figures.messages
    rows: list[tuple[tuple[str, ...], Figures | None, float | None]] = []
    for key, figures in sorted(cells.items()):
        whole = totals[tuple(key[index] for index in ends)]
        rows.append((key, figures, 100 * figures.messages / whole if whole else 0.0))
    return Table(cut, columns, rows, (*MEASURES, *CASES) if cut.cases else MEASURES)

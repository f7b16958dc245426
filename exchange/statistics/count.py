"""From counters to the lines of the exchange statistics: counted beside published; nothing that
reads or prints.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from exchange.schemas.directory import Directory
from exchange.statistics.rows import Published, Row, Rows, Selection, Side

#: The dimensions that the counters must be summed by, in this order:
#: `ledger.totals(by=DIMENSIONS)`.
DIMENSIONS = ("channel", "message_type", "sender", "receiver", "endpoint", "kind")
KIND = "delivered"
#: The kind of what tables of cases count besides.
BEGUN = "begun"

#: A sum of counters: the values of DIMENSIONS, how many, items in them, bytes in them.
Total = tuple[tuple[Any, ...], int, int, int]
State = Literal["counted", "no-type-yet", "withheld"]


@dataclass(frozen=True, slots=True)
class Line:
    """A row with its figures. `counted` is None when no message type of the row exists yet, or when
    the figure is withheld for being small (`state` says which), never 0.

    `published` is the figure of the year compared with, `expected` the same scaled to the traffic
    that was counted. `missing` names the rows that a sum leaves out for having no type yet.
    """

    row: Row
    counted: float | None
    published: Published | None
    expected: Published | tuple[float, float] | float | None
    missing: tuple[str, ...] = ()
    withheld: bool = False

    @property
    def state(self) -> State:
        """Whether the row could be counted, and may be told."""
        if self.withheld:
            return "withheld"
        return "no-type-yet" if self.counted is None else "counted"

    @property
    def difference(self) -> float | None:
        """Counted less expected; 0 inside a band, or when it rounds to the published figure. None
        when either is not known.
        """
        if self.counted is None or self.expected is None:
            return None
        if isinstance(self.expected, tuple):
            low, high = self.expected
            return min(self.counted - low, 0) or max(self.counted - high, 0)
        if self.row.rounded_to > 1 and isinstance(self.published, int) and self.published:
            step = self.row.rounded_to * self.expected / self.published
            if abs(self.counted - self.expected) <= step / 2:
                return 0
        return self.counted - self.expected

    @property
    def share_percent(self) -> float | None:
        """Counted in per cent of the whole year's published figure; None for a band, and where
        either is not known.
        """
        if self.counted is None or not self.published or isinstance(self.published, tuple):
            return None
        return 100 * self.counted / self.published

    @property
    def difference_percent(self) -> float | None:
        """The difference in per cent of what was expected (of the end of the band that was
        passed).
        """
        difference = self.difference
        if difference is None or self.expected is None:
            return None
        if difference == 0:
            return 0.0
        base = (
            self.expected
            if not isinstance(self.expected, tuple)
            else self.expected[0 if difference < 0 else 1]
        )
        return 100 * difference / base if base else None


@dataclass(frozen=True, slots=True)
class Period:
    """What was counted: `days` calendar days, compared with published `year`, at `scale` of its
    traffic (1: all of it).
    """

    year: int
    days: float = 366
    scale: float = 1.0

    @property
    def whole(self) -> bool:
        """Whether it is a year: then counted and expected may be compared row by row, before that
        only their shares.
        """
        return self.days >= 365


def count(
    rows: Rows,
    totals: Iterable[Total],
    directory: Directory,
    known_types: Collection[str],
    period: Period,
) -> list[Line]:
    """The lines of the statistics, in the order of `rows`. Reads `totals` once and keeps one number
    a row.
    """
    sums: dict[str, float] = {row.id: 0 for row in rows.rows if row.can_count(known_types)}
    for values, messages, items, _bytes in totals:
        facts = dict(zip(DIMENSIONS, values, strict=True))
        if facts["kind"] != KIND:
            continue
        for row in row_hits(rows, facts, directory):
            if row.id in sums:
                sums[row.id] += messages if row.measure == "messages" else items
    return lines_of(rows, sums, period)


def row_hits(rows: Rows, facts: Mapping[str, str], directory: Directory) -> list[Row]:
    """The rows that select deliveries with these dimensions."""
    return [
        row
        for row in rows.rows
        if any(selects(selection, facts, directory) for selection in row.select)
    ]


def lines_of(rows: Rows, sums: Mapping[str, float], period: Period) -> list[Line]:
    """The lines, from the sums by row id; a row without a sum has no message type yet."""
    return [_line(row, sums, period) for row in rows.rows]


def selects(selection: Selection, facts: Mapping[str, str], directory: Directory) -> bool:
    """Whether deliveries with these dimensions are among those selected."""
    return (
        selection.covers(facts["message_type"])
        and (not selection.channels or facts["channel"] in selection.channels)
        and (not selection.endpoints or facts["endpoint"] in selection.endpoints)
        and _is(selection.sender, facts["sender"], directory)
        and _is(selection.receiver, facts["receiver"], directory)
    )


def _is(side: Side, partner_id: str, directory: Directory) -> bool:
    if side == Side():
        return True
    if side.partner and partner_id not in side.partner:
        return False
    partner = directory.get(partner_id)
    if partner is None:
        return not (side.sector or side.country or side.country_not)
    return (
        (not side.sector or partner.sector in side.sector)
        and (not side.country or partner.country in side.country)
        and partner.country not in side.country_not
    )


def _line(row: Row, sums: Mapping[str, float], period: Period) -> Line:
    parts = row.sum_of or (row.id,)
    present = [sums[name] for name in parts if name in sums]
    counted = sum(present) if present else None
    if counted is not None and row.per_day:
        counted = counted / period.days if period.days else 0
    published = row.published.get(period.year)
    missing = tuple(name for name in row.sum_of if name not in sums)
    return Line(row, counted, published, _scaled(published, period, row), missing)


def _scaled(
    published: Published | None, period: Period, row: Row
) -> Published | tuple[float, float] | float | None:
    """A year's figure for the traffic counted: by its scale and, unless it is one of a day, its
    share of the year.
    """
    if published is None:
        return None
    year_days = 366 if period.year % 4 == 0 else 365
    factor = period.scale if row.per_day else period.scale * period.days / year_days
    if factor == 1:
        return published
    return (
        (published[0] * factor, published[1] * factor)
        if isinstance(published, tuple)
        else published * factor
    )

"""From counters to the lines of the exchange statistics: counted beside published; nothing that
reads or prints.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from exchange.schemas.directory import Directory
from exchange.statistics.rows import Published, Row, Rows, Selection, Side, When

#: The dimensions that the counters must be summed by, in this order:
#: `ledger.totals(by=DIMENSIONS)`.
DIMENSIONS = ("channel", "message_type", "sender", "receiver", "endpoint", "kind")
#: The kind of counter that tells when: accepted for a receiver, taken by it. After it, parted by a
#: colon, a counter of items of a kind names that.
KINDS: Mapping[When, str] = {"sent": "queued", "received": "delivered"}
KIND = KINDS["received"]
#: The kind of what tables of cases count besides.
BEGUN = "begun"

MINUTES_A_DAY = 1440

#: A sum of counters: the values of DIMENSIONS, how many, items in them, bytes in them.
Total = tuple[tuple[Any, ...], int, int, int]
State = Literal["counted", "no-type-yet", "withheld", "not-held", "no-whole-day"]


@dataclass(slots=True)
class RowSum:
    """What a row selects: at its own moment (`counted`, and `messages` whatever its unit), when
    sent and when received.
    """

    counted: float = 0
    sent: float = 0
    received: float = 0
    messages: float = 0


@dataclass(frozen=True, slots=True)
class Line:
    """A row with its figures. `counted` is None when no message type of the row exists yet, when
    nothing of the period is held, when a rate has no whole day, or when the figure is withheld for
    being small (`state` says which), never 0.

    `published` is the figure of the year compared with, `expected` the same scaled to the traffic
    that was counted; `whole` says whether the period is held as a whole. `sent` and `received` are
    the same selection at both moments. `missing` names the rows that a sum leaves out for having no
    type yet. `messages` is what a sum of rows in several units is in messages; None for others.
    """

    row: Row
    counted: float | None
    published: Published | None
    expected: Published | tuple[float, float] | float | None
    missing: tuple[str, ...] = ()
    withheld: bool = False
    why: State = "counted"
    whole: bool = True
    sent: float | None = None
    received: float | None = None
    messages: float | None = None

    @property
    def state(self) -> State:
        """Whether the row could be counted, and may be told."""
        return "withheld" if self.withheld else self.why

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
        """Counted in per cent of the whole year's published figure; None for a band, where
        either is not known, and where only a part of the period is held.
        """
        if self.counted is None or not self.published or isinstance(self.published, tuple):
            return None
        if not self.whole:
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
    """What was counted: `days` calendar days that the ledger holds of the `asked_days` (None: no
    more), compared with published `year`, at `scale` of its traffic (1: all of it). `minutes` are
    those from the first count to the last of a ledger that may hold no whole day; None of others.
    `day_minutes` is how long its days are, on average: clocks are changed twice a year.
    """

    year: int
    days: float = 366
    scale: float = 1.0
    asked_days: float | None = None
    minutes: int | None = None
    day_minutes: float = MINUTES_A_DAY

    @property
    def no_whole_day(self) -> bool:
        """Whether less than a day is held of the day or two."""
        return self.minutes is not None and self.minutes < self.day_minutes

    @property
    def complete(self) -> bool:
        """Whether the ledger holds all that was asked for."""
        return self.asked_days is None or self.days >= self.asked_days

    @property
    def whole(self) -> bool:
        """Whether it is a year: then counted and expected may be compared row by row, before that
        only their shares.
        """
        return self.complete and self.days >= 365


def count(
    rows: Rows,
    totals: Iterable[tuple[Directory, Iterable[Total]]],
    known_types: Collection[str],
    period: Period,
) -> list[Line]:
    """The lines of the statistics, in the order of `rows`. Reads `totals`, each with the partners
    as they were then, once and keeps three numbers a row.
    """
    sums = sums_of(rows, known_types)
    for directory, counted in totals:
        for values, messages, items, _bytes in counted:
            facts = dict(zip(DIMENSIONS, values, strict=True))
            for hit in row_hits(rows, facts, directory):
                if hit.row.id in sums:
                    hit.add(sums[hit.row.id], messages, items)
    return lines_of(rows, sums, period)


def sums_of(rows: Rows, known_types: Collection[str]) -> dict[str, RowSum]:
    """An empty sum for each row that can count anything: one of its types is known, or a row that
    it adds up can.
    """
    able = {row.id for row in rows.rows if row.can_count(known_types)}
    return {row.id: RowSum() for row in rows.rows if row.id in able or able & {*row.sum_of}}


@dataclass(frozen=True, slots=True)
class Hit:
    """A row that selects a counter, which figure of it counts, and when: `own` is the row's own
    moment.
    """

    row: Row
    of_items: bool
    when: When
    own: bool

    def add(self, total: RowSum, messages: int, items: int) -> None:
        """Add a counter to the row's sum."""
        figure = items if self.of_items else messages
        if self.own:
            total.counted += figure
            total.messages += messages
        if self.when == "sent":
            total.sent += figure
        else:
            total.received += figure


def row_hits(rows: Rows, facts: Mapping[str, str], directory: Directory) -> list[Hit]:
    """The rows that select deliveries with these dimensions, sums of rows among them."""
    moment, _, item = facts["kind"].partition(":")
    when = next((when for when, kind in KINDS.items() if kind == moment), None)
    if when is None:
        return []
    found: dict[str, Hit] = {}
    sums: list[Hit] = []
    for row in rows.rows:
        owns = [
            each.when == when
            for each in row.select
            if each.item == item and selects(each, facts, directory)
        ]
        if owns:
            of_items = row.measure == "items" and not row.sum_of
            found[row.id] = Hit(row, of_items, when, any(owns))
    for row in rows.rows:
        # What a sum names itself it counts as messages, and not again as the rows do.
        if row.sum_of and not any(selects(each, facts, directory) for each in row.select):
            parts = (found[name] for name in row.sum_of if name in found)
            sums += [Hit(row, part.of_items, when, part.own) for part in parts]
    return [*found.values(), *sums]


def lines_of(rows: Rows, sums: Mapping[str, RowSum], period: Period) -> list[Line]:
    """The lines, from the sums by row id; a row without a sum has no message type yet."""
    return [_line(row, sums, period) for row in rows.rows]


def selects(selection: Selection, facts: Mapping[str, str], directory: Directory) -> bool:
    """Whether deliveries with these dimensions are among those selected, whenever they count."""
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
    if (side.partner and partner_id not in side.partner) or partner_id in side.partner_not:
        return False
    partner = directory.get(partner_id)
    if partner is None:
        return not (side.sector or side.country or side.country_not)
    return (
        (not side.sector or partner.sector in side.sector)
        and (not side.country or partner.country in side.country)
        and partner.country not in side.country_not
    )


def _line(row: Row, sums: Mapping[str, RowSum], period: Period) -> Line:
    published = row.published.get(period.year)
    total = sums.get(row.id)
    why: State = "counted"
    if total is None:
        why = "no-type-yet"
    elif not period.days and period.minutes is None:
        why = "not-held"
    elif row.per_day and period.days < 1:
        why = "no-whole-day"
    figures: list[float | None] = [None, None, None, None]
    if total is not None and why == "counted":
        figures = [total.counted, total.sent, total.received, total.messages]
        if row.per_day:
            figures = [figure / period.days for figure in figures if figure is not None]
    return Line(
        row,
        figures[0],
        published,
        _scaled(published, period, row),
        missing=tuple(name for name in row.sum_of if name not in sums),
        why=why,
        whole=period.complete,
        sent=figures[1],
        received=figures[2],
        messages=figures[3] if row.sum_of else None,
    )


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

"""Counts by any dimension: what each dimension says of a counter, and tables that add up by them;
no rows and no reading.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod

from exchange.schemas.directory import Directory, Partner
from exchange.statistics.count import BEGUN, KIND
from exchange.statistics.cuts import TableOf
from exchange.statistics.days import date_of
from exchange.statistics.rows import LANGUAGES, Row, covers

#: The country that messages are received in and sent from.
HOME = "FI"
UNKNOWN = "-"

#: Dimensions that follow from when; `hour` (of the day) only where minutes are read.
TIMES = ("year", "month", "week", "day", "weekday", "hour")
#: Dimensions that are a counter's own.
PLAIN = {
    "channel": "channel",
    "message-type": "message_type",
    "sender": "sender",
    "receiver": "receiver",
    "endpoint": "endpoint",
    "process": "process",
}
#: Dimensions of either end: what is sent counts once for the sender, what is received once for the
#: receiver.
ENDS = ("partner", "sector", "country")
#: Dimensions of one end, and those that look from Finland outwards.
SIDES = ("sender-sector", "receiver-sector", "sender-country", "receiver-country")
OUTWARD = ("direction", "foreign-country", "home-partner", "home-sector")
#: The id of the table that somebody asked for.
ASKED = "by"
#: Cells up to which a table has its noughts: in a larger one nobody would find what came.
CELLS_MAX = 1_000
#: What an item is, where its type tells its items apart: a table by it counts only those.
ITEM = "item"
DIMENSIONS = (*PLAIN, *ENDS, *SIDES, *OUTWARD, "flow", "group", ITEM, *TIMES)

#: What names a key of a dimension: partners by the directory, types by the catalogue, the others by
#: `cuts.toml`.
NAMED_BY = {
    **dict.fromkeys(("sender", "receiver", "partner", "home-partner"), "partner"),
    **dict.fromkeys(("sector", "sender-sector", "receiver-sector", "home-sector"), "sector"),
    **dict.fromkeys(
        ("country", "sender-country", "receiver-country", "foreign-country"), "country"
    ),
    **{
        name: name
        for name in (
            "channel",
            "message-type",
            "endpoint",
            "direction",
            "group",
            "weekday",
            "process",
            "item",
        )
    },
}


@dataclass(slots=True)
class Figures:
    """How much: messages delivered, items in them, bytes of them; conversations begun (cases),
    where the table counts them.
    """

    messages: int = 0
    items: int = 0
    bytes: int = 0
    begun: int = 0

    @property
    def messages_a_case(self) -> float | None:
        """Messages delivered for each case that began; None where none did."""
        return self.messages / self.begun if self.begun else None

    def add(self, messages: int, items: int, size: int) -> None:
        """Add some."""
        self.messages += messages
        self.items += items
        self.bytes += size


def columns_of(by: Sequence[str]) -> tuple[str, ...]:
    """The columns of a table by these dimensions: an end's dimension brings a direction with it.

    Raises:
        ValueError: naming the dimension that there is not.
    """
    columns: list[str] = []
    for name in by:
        if name not in DIMENSIONS:
            raise ValueError(f"no dimension {name}: {', '.join(DIMENSIONS)}")
        columns += [name, f"{name}-end"] if name in ENDS else [name]
    if len(set(columns)) != len(columns):
        raise ValueError("a dimension stands twice")
    return tuple(columns)


def asked_table(by: Sequence[str]) -> TableOf:
    """The table that somebody asked for by naming dimensions: no open data, since its counts add up
    with those of rows and other tables in ways that nobody looked at.

    Raises:
        ValueError: naming the dimension that there is not.
    """
    columns_of(by)
    return TableOf(ASKED, {language: " × ".join(by) for language in LANGUAGES}, tuple(by))


@dataclass(slots=True)
class Breakdown:
    """A table that fills: `cells` by the keys of its columns. Holds a number for each cell, however
    much is counted.
    """

    table: TableOf
    groups: Mapping[str, tuple[str, ...]]
    columns: tuple[str, ...] = ()
    cells: dict[tuple[str, ...], Figures] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.columns = columns_of(self.table.by)

    @property
    def timed(self) -> bool:
        """Whether a column is a time, so that keys differ from day to day."""
        return any(name in TIMES for name in self.table.by)

    def keys(
        self, facts: Mapping[str, str], partners: Directory, rows: Collection[Row]
    ) -> list[tuple[str | None, ...]]:
        """The cells that deliveries (or, in a table of cases, beginnings) with these dimensions
        belong to, with the partners as they were then and the rows that count them; None where the
        time goes. Empty: to none.
        """
        row, kind = self.table.row, facts["kind"]
        if kind == BEGUN:
            # Who gets what begins a case is not counted with it: a case is one, however many take
            # part in it.
            counts = self.table.cases and (row is None or row.covers(facts["message_type"]))
        elif row is not None:
            counts = any(each.id == row.id for each in rows)
        else:
            counts = kind.startswith(f"{KIND}:") if ITEM in self.table.by else kind == KIND
            types = self.table.types
            counts = counts and (not types or covers(types, facts["message_type"]))
        if not counts:
            return []
        choices = [self._values(name, facts, partners) for name in self.table.by]
        return [tuple(value for part in parts for value in part) for parts in product(*choices)]

    def add(
        self,
        key: tuple[str | None, ...],
        times: Mapping[str, str],
        messages: int,
        items: int,
        size: int,
        begun: bool = False,
    ) -> None:
        """Count into a cell, deliveries or beginnings."""
        if self.timed:
            key = tuple(
                times[self.columns[i]] if value is None else value for i, value in enumerate(key)
            )
        cell = self.cells.get(key)  # type: ignore[arg-type]
        if cell is None:
            cell = self.cells[key] = Figures()  # type: ignore[index]
        if begun:
            cell.begun += messages
        else:
            cell.add(messages, items, size)

    def _values(
        self, name: str, facts: Mapping[str, str], partners: Directory
    ) -> list[tuple[str | None, ...]]:
        if name in TIMES:
            return [(None,)]
        if name in PLAIN:
            return [(facts[PLAIN[name]] or UNKNOWN,)]
        if name == ITEM:
            return [(facts["kind"].partition(":")[2],)]
        if name == "group":
            return [(self._group(facts["message_type"]),)]
        sender, receiver = (
            partners.get(facts["sender"]),
            partners.get(facts["receiver"]),
        )
        if name in ENDS:
            ends = ((sender, facts["sender"], "sent"), (receiver, facts["receiver"], "received"))
            return [
                (_of(partner, name, partner_id), direction)
                for partner, partner_id, direction in ends
            ]
        if name in SIDES:
            end, _, what = name.partition("-")
            return [(_of(sender if end == "sender" else receiver, what, UNKNOWN),)]
        if name == "flow":
            ends_of = f"{_of(sender, 'sector', UNKNOWN)} > {_of(receiver, 'sector', UNKNOWN)}"
            return [(f"{facts['channel']}: {facts['message_type']}: {ends_of}",)]
        return [(value,) for value in _outward(name, sender, receiver, self.table.home_without)]

    def _group(self, message_type: str) -> str:
        return next(
            (name for name, opens in self.groups.items() if message_type.startswith(opens)), UNKNOWN
        )


def _of(partner: Partner | None, what: str, otherwise: str) -> str:
    if partner is None:
        return otherwise
    return {"partner": partner.id, "sector": partner.sector, "country": partner.country}[what]


def _outward(
    name: str, sender: Partner | None, receiver: Partner | None, without: frozenset[str]
) -> list[str]:
    """As seen from Finland: the direction, the other end's country, or each end that is in Finland
    (but for some sectors).
    """
    homes = [
        each
        for each in (sender, receiver)
        if each and each.country == HOME and each.sector not in without
    ]
    if name.startswith("home"):
        return [_of(partner, name.removeprefix("home-"), UNKNOWN) for partner in homes]
    sent_home = sender is None or sender.country == HOME
    got_home = receiver is None or receiver.country == HOME
    if not sent_home and not got_home:
        if name == "direction":
            return ["foreign"]
        return [f"{_of(sender, 'country', UNKNOWN)} > {_of(receiver, 'country', UNKNOWN)}"]
    if name == "direction":
        return ["domestic" if sent_home and got_home else "sent" if sent_home else "received"]
    other = receiver if sent_home else sender
    return [_of(other, "country", UNKNOWN)]


def with_noughts(
    breakdown: Breakdown, known: Mapping[str, Collection[str]], days: Collection[int]
) -> dict[tuple[str, ...], Figures]:
    """The cells with those that never came as noughts: each combination of what the columns have,
    and of the `known` keys of a column. `days` are those held (numbers), each with its own week and
    month, whatever came on it; hours are those that came. An end has both directions. More than
    `CELLS_MAX` are left as they are.
    """
    columns, cells = breakdown.columns, breakdown.cells
    if not cells:
        return cells
    # Columns that follow from one another are taken together, as they came.
    times = tuple(place for place, name in enumerate(columns) if name in TIMES)
    alone = [(place,) for place, name in enumerate(columns) if name not in TIMES]
    groups = [*alone, times] if times else alone
    values: list[list[tuple[str, ...]]] = []
    for places in groups:
        name = columns[places[0]]
        came = {tuple(key[place] for place in places) for key in cells}
        came |= {(key,) for key in known.get(name, ())}
        came |= {("sent",), ("received",)} if name.endswith("-end") else set()
        if places is times and "hour" not in columns:
            of_days = map(times_of, days)
            came |= {tuple(of_day[columns[place]] for place in places) for of_day in of_days}
        values.append(sorted(came))
    if prod(map(len, values)) > CELLS_MAX:
        return cells
    order = [place for places in groups for place in places]
    filled: dict[tuple[str, ...], Figures] = {}
    for chosen in product(*values):
        by_place = dict(zip(order, (value for part in chosen for value in part), strict=True))
        key = tuple(by_place[place] for place in range(len(columns)))
        filled[key] = cells.get(key) or Figures()
    return filled


def times_of(day: int, hour: int | None = None) -> dict[str, str]:
    """What the dimensions of time say of a day (a number) and an hour of it, in Finland."""
    date = date_of(day)
    year, week, weekday = date.isocalendar()
    return {
        "year": str(date.year),
        "month": f"{date:%Y-%m}",
        "week": f"{year}-W{week:02}",
        "day": date.isoformat(),
        "weekday": str(weekday),
        "hour": UNKNOWN if hour is None else f"{hour:02}",
    }

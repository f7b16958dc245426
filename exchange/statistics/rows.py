"""The rows of the exchange statistics as `rows.toml` defines them: titles, published figures, what
each selects; no counting.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

DEFAULT_PATH = Path(__file__).with_name("rows.toml")
LANGUAGES = ("fi", "sv", "en")

Measure = Literal["messages", "items"]
#: When a delivery counts: when the exchange accepted it for the receiver, or when the receiver took
#: it.
When = Literal["sent", "received"]
#: A published figure: a number, or the lower and upper end of a band.
Published = int | tuple[int, int]


@dataclass(frozen=True, slots=True)
class Side:
    """What an end of a delivery must be; an empty tuple asks nothing. `partner` is a
    partner's id.
    """

    partner: tuple[str, ...] = ()
    partner_not: tuple[str, ...] = ()
    sector: tuple[str, ...] = ()
    country: tuple[str, ...] = ()
    country_not: tuple[str, ...] = ()


def covers(types: Collection[str], message_type: str) -> bool:
    """Whether a message type is among them; one that ends in `*` stands for all that open so."""
    return any(
        message_type.startswith(t[:-1]) if t.endswith("*") else message_type == t for t in types
    )


@dataclass(frozen=True, slots=True)
class Selection:
    """Which deliveries count: all that is named must hold. A type ending in `*` stands for
    everything that opens so. `item` counts only the items of that kind.
    """

    types: tuple[str, ...]
    when: When = "received"
    item: str = ""
    channels: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    sender: Side = Side()
    receiver: Side = Side()

    def covers(self, message_type: str) -> bool:
        """Whether a message type is among `types`."""
        return covers(self.types, message_type)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the statistics. `words` are those of the publication, `outside` what they leave out;
    `published` is by year; `rounded_to` is the step it is published in (1: exact).

    A row selects deliveries, or adds up other rows (`sum_of`, their ids) and the messages, not the
    items, of what it selects besides; `per_day` divides by days.
    """

    id: str
    section: str
    title: Mapping[str, str]
    unit: str
    measure: Measure
    published: Mapping[int, Published]
    rounded_to: int = 1
    select: tuple[Selection, ...] = ()
    sum_of: tuple[str, ...] = ()
    per_day: bool = False
    words: str = ""
    outside: Mapping[str, str] = field(default_factory=dict)

    def can_count(self, known_types: Collection[str]) -> bool:
        """Whether it selects deliveries, and one of these message types is among them."""
        return any(selection.covers(name) for selection in self.select for name in known_types)

    def covers(self, message_type: str) -> bool:
        """Whether it selects deliveries of a message type."""
        return any(selection.covers(message_type) for selection in self.select)


@dataclass(frozen=True, slots=True)
class Rows:
    """The whole table: its rows in order and the titles of their sections."""

    rows: tuple[Row, ...]
    sections: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def years(self) -> list[int]:
        """The years of which figures are published."""
        return sorted({year for row in self.rows for year in row.published})


def load(path: Path = DEFAULT_PATH) -> Rows:
    """Read the definitions.

    Raises:
        ValueError: when a row stands twice, names an unknown section or row, or lacks a title or
        its words.
    """
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    sections = {entry["id"]: entry["title"] for entry in data["section"]}
    rows: dict[str, Row] = {}
    for entry in data["row"]:
        row = _row(entry)
        if row.id in rows:
            raise ValueError(f"{path.name}: {row.id} stands twice")
        if row.section not in sections:
            raise ValueError(f"{path.name}: {row.id} is in an unknown section, {row.section}")
        if set(row.title) != set(LANGUAGES):
            raise ValueError(f"{path.name}: {row.id} needs a title in {', '.join(LANGUAGES)}")
        if row.outside and set(row.outside) != set(LANGUAGES):
            raise ValueError(
                f"{path.name}: {row.id} needs what is outside in {', '.join(LANGUAGES)}"
            )
        if not row.words:
            raise ValueError(f"{path.name}: {row.id} needs the words of the publication")
        if not row.select and not row.sum_of:
            raise ValueError(f"{path.name}: {row.id} selects nothing and adds nothing up")
        rows[row.id] = row
    for row in rows.values():
        if bad := [name for name in row.sum_of if name not in rows or rows[name].sum_of]:
            raise ValueError(f"{path.name}: {row.id} adds up {', '.join(bad)}, which it can't")
    return Rows(tuple(rows.values()), sections)


def _row(entry: Mapping[str, Any]) -> Row:
    precision = entry.get("precision", "exact")
    return Row(
        id=entry["id"],
        section=entry["section"],
        title=entry["title"],
        unit=entry["unit"],
        measure=entry.get("measure", "messages"),
        published={int(year): _published(value) for year, value in entry["published"].items()},
        rounded_to=int(precision.removeprefix("rounded-to-"))
        if precision.startswith("rounded-to-")
        else 1,
        select=tuple(_selection(selection) for selection in entry.get("select", ())),
        sum_of=tuple(entry.get("sum_of", ())),
        per_day=entry.get("per") == "day",
        words=entry.get("words", ""),
        outside=entry.get("outside", {}),
    )


def _published(value: int | Sequence[int]) -> Published:
    return value if isinstance(value, int) else (value[0], value[1])


def _selection(entry: Mapping[str, Any]) -> Selection:
    values: dict[str, Any] = {}
    for name, value in entry.items():
        if name in ("sender", "receiver"):
            values[name] = Side(**{key: tuple(each) for key, each in value.items()})
        else:
            values[name] = value if isinstance(value, str) else tuple(value)
    return Selection(**values)

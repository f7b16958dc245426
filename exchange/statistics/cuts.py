"""How the statistics are cut besides their rows, as `cuts.toml` defines it: shares, bands, tables,
sums, names; no counting.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exchange.statistics.rows import LANGUAGES, Row, Rows

DEFAULT_PATH = Path(__file__).with_name("cuts.toml")

#: A text in every language.
Title = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ShareOf:
    """Rows compared with each other; `of` are the rows that make the whole, `rest` the title of
    what the parts leave of it.
    """

    id: str
    title: Title
    parts: tuple[str, ...]
    of: tuple[str, ...]
    short: tuple[Title, ...] = ()
    rest: Title | None = None


@dataclass(frozen=True, slots=True)
class BandOf:
    """A row whose published figure is a band for a working day."""

    row: str
    title: Title


@dataclass(frozen=True, slots=True)
class TableOf:
    """A table: what `row` selects (None: all that was delivered, of `types` where they are named),
    by dimensions; ends in Finland of some sectors left out.

    `cases` counts the conversations that began as well.
    """

    id: str
    title: Title
    by: tuple[str, ...]
    row: Row | None = None
    types: tuple[str, ...] = ()
    home_without: frozenset[str] = frozenset()
    open: bool = False
    cases: bool = False


@dataclass(frozen=True, slots=True)
class Cuts:
    """Everything of `cuts.toml`. `groups` maps a group's id (what its types open with) to those
    openings; `names` maps a dimension and a key of it to a title; `sums` are (total, parts) by row
    id.
    """

    shares: tuple[ShareOf, ...]
    bands: tuple[BandOf, ...]
    tables: tuple[TableOf, ...]
    sums: tuple[tuple[str, tuple[str, ...]], ...]
    groups: Mapping[str, tuple[str, ...]]
    names: Mapping[str, Mapping[str, Title]]
    sources: tuple[Title, ...]
    assumptions: tuple[Title, ...]


def load(rows: Rows, path: Path = DEFAULT_PATH) -> Cuts:
    """Read the definitions.

    Raises:
        ValueError: when a row that is named does not exist, a band's row has none, or a text lacks
        a language.
    """
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    by_id = {row.id: row for row in rows.rows}

    def known(names: Sequence[str]) -> tuple[str, ...]:
        if unknown := [name for name in names if name not in by_id]:
            raise ValueError(f"{path.name}: no row {', '.join(unknown)}")
        return tuple(names)

    groups = {entry["opens"][0]: tuple(entry["opens"]) for entry in data["group"]}
    names = {
        kind: data[kind]
        for kind in ("sector", "direction", "endpoint", "weekday", "country", "item")
    }
    names["group"] = {entry["opens"][0]: entry["title"] for entry in data["group"]}
    cuts = Cuts(
        shares=tuple(_share(entry, known) for entry in data["share"]),
        bands=tuple(BandOf(known([entry["row"]])[0], entry["title"]) for entry in data["band"]),
        tables=tuple(_table(entry, by_id, known) for entry in data["table"]),
        sums=tuple((known([entry["total"]])[0], known(entry["parts"])) for entry in data["sum"]),
        groups=groups,
        names=names,
        sources=tuple(data["source"]),
        assumptions=tuple(data["assumption"]),
    )
    _check(cuts, by_id, path.name)
    return cuts


def _share(entry: Mapping[str, Any], known: Any) -> ShareOf:
    parts = known(entry["parts"])
    return ShareOf(
        id=entry["id"],
        title=entry["title"],
        parts=parts,
        of=known(entry.get("of", parts)),
        short=tuple(entry.get("short", ())),
        rest=entry.get("rest"),
    )


def _table(entry: Mapping[str, Any], by_id: Mapping[str, Row], known: Any) -> TableOf:
    return TableOf(
        id=entry["id"],
        title=entry["title"],
        by=tuple(entry["by"]),
        row=by_id[known([entry["row"]])[0]] if "row" in entry else None,
        types=tuple(entry.get("types", ())),
        home_without=frozenset(entry.get("home_without", ())),
        open=entry.get("open", False),
        cases=entry.get("cases", False),
    )


def _check(cuts: Cuts, by_id: Mapping[str, Row], where: str) -> None:
    for band in cuts.bands:
        if not by_id[band.row].per_day or not all(
            isinstance(value, tuple) for value in by_id[band.row].published.values()
        ):
            raise ValueError(f"{where}: {band.row} is not published as a band for a day")
    for table in cuts.tables:
        if table.open and not (len(table.by) == 1 or table.by[1:] == ("direction",)):
            raise ValueError(f"{where}: {table.id} is open data: a dimension, perhaps direction")
    titled: list[tuple[str, Title]] = [(share.id, share.title) for share in cuts.shares]
    titled += [(table.id, table.title) for table in cuts.tables]
    titled += [
        (f"{kind} {key}", title) for kind, keys in cuts.names.items() for key, title in keys.items()
    ]
    titled += [("source", title) for title in cuts.sources] + [
        ("assumption", title) for title in cuts.assumptions
    ]
    for name, title in titled:
        if set(title) != set(LANGUAGES):
            raise ValueError(f"{where}: {name} needs a text in {', '.join(LANGUAGES)}")

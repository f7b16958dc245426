"""Withholding small counts from what is published as open data, so that no sum gives them away;
pure.

A count of 1 to 4 is withheld (threshold rule, n = 5), and with it what would tell it:

- Rows: every total that a withheld row is part of, all the way up, also when what its parts leave
  of it is small. No total is told over a withheld part, so nothing bounds the part from above.
- Tables: each direction of a table is a partition of a row that is told, and the SEDs of a sector
  are a partition of the sector. In a partition further counts are withheld, the smallest first,
  until at least two are and together they exceed the least they could be by 5. What one of them
  has less, another may have more, so each can be anything in an interval at least 5 wide. A whole
  that is withheld has all its parts withheld.
- A table that can't be protected so is not offered. Items and bytes are left out: they follow the
  messages too closely. Withheld counts of both kinds look the same. A count of 0 is told.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence

from exchange.statistics.breakdown import UNKNOWN, Figures
from exchange.statistics.count import Line
from exchange.statistics.report import Part, Report, Share, Table

THRESHOLD = 5

#: A cell of a table: `(table id, *keys)`.
Cell = tuple[Hashable, ...]
#: What stands for a table's id where a row of the statistics is meant.
ROWS = "rows"


@dataclasses.dataclass(frozen=True, slots=True)
class Partition:
    """Cells of a table whose sum is told: as another cell (`whole`), or as a row (None)."""

    whole: Cell | None
    parts: tuple[Cell, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class RowSum:
    """Rows that together hold `parts`, and perhaps more."""

    totals: tuple[str, ...]
    parts: tuple[str, ...]


def withheld_rows(
    counts: Mapping[str, float],
    sums: Collection[RowSum],
    alike: Collection[Collection[str]] = (),
    earlier: Collection[str] = (),
) -> set[str]:
    """The rows to withhold, those withheld `earlier` among them. `alike` names rows of the same
    deliveries, in different units: one tells nearly the other.
    """
    hidden = {name for name, count in counts.items() if _small(count)}
    hidden |= counts.keys() & earlier
    before = -1
    while len(hidden) != before:
        before = len(hidden)
        for each in sums:
            rest = sum(counts.get(name, 0) for name in each.totals)
            rest -= sum(counts.get(name, 0) for name in each.parts)
            if _small(rest) or not hidden.isdisjoint(each.parts):
                hidden.update(name for name in each.totals if counts.get(name))
        for names in alike:
            if not hidden.isdisjoint(names):
                hidden.update(name for name in names if counts.get(name))
    return hidden


def withheld_cells(
    counts: Mapping[Cell, int], partitions: Sequence[Partition], earlier: Collection[Cell] = ()
) -> tuple[set[Cell], list[Partition]]:
    """The cells of tables to withhold, those withheld `earlier` among them, and the partitions that
    can't be protected.

    Each cell may be a part of one partition, and the whole of another one below it.
    """
    hidden = {cell for cell, count in counts.items() if _small(count)}
    hidden |= counts.keys() & earlier
    inside = {
        each.whole: [cell for cell in each.parts if counts[cell]]
        for each in partitions
        if each.whole is not None
    }

    def slack(cell: Cell) -> int:
        # Who sees that its parts are withheld knows that each of them is at least 1.
        return counts[cell] - max(1, len(inside.get(cell, ())))

    failed: list[Partition] = []
    before = -1
    while len(hidden) + len(failed) != before:
        before = len(hidden) + len(failed)
        for each in partitions:
            parts = [cell for cell in each.parts if counts[cell]]
            if each.whole in hidden:
                hidden.update(parts)
                continue
            told = sorted(
                (cell for cell in parts if cell not in hidden),
                key=lambda cell: (counts[cell], str(cell)),
                reverse=True,
            )
            kept = [cell for cell in parts if cell in hidden]
            while kept and (len(kept) < 2 or sum(map(slack, kept)) < THRESHOLD):
                if told:
                    kept.append(told.pop())
                elif each.whole is not None:
                    kept.append(each.whole)
                    break
                else:
                    failed += [each] if each not in failed else []
                    break
            hidden.update(kept)
    return hidden, failed


def as_open_data(report: Report, before: Collection[Cell] = ()) -> Report:
    """What of a report may be published as open data: lines, shares and the tables marked so that
    can be protected, small counts withheld, and whatever was withheld `before` (see `withheld_of`).
    """
    counts = {
        line.row.id: float(round(line.counted * (report.period.days if line.row.per_day else 1)))
        for line in report.lines
        if line.counted is not None
    }
    rows_before = {str(cell[1]) for cell in before if cell[0] == ROWS}
    rows = withheld_rows(counts, _sums_of_rows(report), _alike(report), rows_before)
    tables, cells = _protected([table for table in report.tables if table.cut.open], report, before)
    offered = {table.cut.id for table in tables}
    return dataclasses.replace(
        report,
        lines=[_line(line, line.row.id in rows) for line in report.lines],
        shares=[_share(share, rows) for share in report.shares],
        tables=[_table(table, cells) for table in tables],
        not_offered=tuple(
            table.cut.id
            for table in report.tables
            if table.cut.open and table.cut.id not in offered
        ),
        bands=(),
        channels={},
        peaks=(),
        hours={},
        open_data=True,
    )


def withheld_of(opened: Report) -> list[Cell]:
    """What open data withhold: `(ROWS, row)`, and cells of tables."""
    rows: list[Cell] = [(ROWS, line.row.id) for line in opened.lines if line.withheld]
    return rows + [
        (table.cut.id, *key)
        for table in opened.tables
        for key, figures, _ in table.rows
        if figures is None
    ]


def _small(count: float) -> bool:
    return 0 < count < THRESHOLD


def _sums_of_rows(report: Report) -> list[RowSum]:
    sums = [RowSum((total,), parts) for total, parts in report.cuts.sums]
    sums += [RowSum((line.row.id,), line.row.sum_of) for line in report.lines if line.row.sum_of]
    sums += [
        RowSum(share.cut.of, share.cut.parts)
        for share in report.shares
        if share.cut.of != share.cut.parts
    ]
    return sums


def _alike(report: Report) -> list[list[str]]:
    alike: dict[object, list[str]] = {}
    for line in report.lines:
        if line.row.select and not line.row.sum_of:
            alike.setdefault(line.row.select, []).append(line.row.id)
    return [names for names in alike.values() if len(names) > 1]


def _protected(
    tables: Sequence[Table], report: Report, before: Collection[Cell]
) -> tuple[Sequence[Table], set[Cell]]:
    """The tables that can be offered together, and the cells of them to withhold."""
    while True:
        counts: dict[Cell, int] = {
            (table.cut.id, *key): figures.messages
            for table in tables
            for key, figures, _ in table.rows
            if figures is not None
        }
        partitions = [each for table in tables for each in _partitions(table, tables, report)]
        hidden, failed = withheld_cells(counts, partitions, before)
        if not failed:
            return tables, hidden
        lost = {cell[0] for each in failed for cell in each.parts}
        tables = [table for table in tables if table.cut.id not in lost]


def _partitions(table: Table, tables: Sequence[Table], report: Report) -> Iterator[Partition]:
    """Of a table: each direction (a row tells its sum), or of SEDs each sector of each direction
    where the table by sectors is offered too.
    """
    sectors = next((each for each in tables if each.columns[:1] == ("group",)), None)
    nested = sectors is not None and table.columns == ("message-type", *sectors.columns[1:])
    wholes: dict[tuple[str, ...], list[Cell]] = {}
    for key, _, _ in table.rows:
        of = (_group(key[0], report), *key[1:]) if nested else key[1:]
        wholes.setdefault(of, []).append((table.cut.id, *key))
    for of, cells in wholes.items():
        whole = (sectors.cut.id, *of) if nested and sectors is not None else None
        yield Partition(whole, tuple(cells))


def _group(message_type: str, report: Report) -> str:
    groups = report.cuts.groups.items()
    return next((name for name, opens in groups if message_type.startswith(opens)), UNKNOWN)


def _line(line: Line, hide: bool) -> Line:
    # The other moment of a row, and a sum in messages, are figures that no sum here looks after.
    line = dataclasses.replace(line, sent=None, received=None, messages=None)
    return dataclasses.replace(line, counted=None, withheld=True) if hide else line


def _share(share: Share, rows: Collection[str]) -> Share:
    hidden = [name in rows for name in share.cut.parts]
    # A share in per cent of a whole that is withheld would tell the whole.
    whole_hidden = any(name in rows for name in share.cut.of)
    if share.cut.rest is not None:
        hidden.append(whole_hidden or any(hidden))

    def part(entry: Part, hide: bool) -> Part:
        if hide:
            return dataclasses.replace(entry, counted=None, counted_percent=None, withheld=True)
        if whole_hidden:
            return dataclasses.replace(entry, counted_percent=None, withheld=True)
        return entry

    return Share(
        share.cut,
        [part(entry, hide) for entry, hide in zip(share.parts, hidden, strict=True)],
    )


def _table(table: Table, hidden: Collection[Cell]) -> Table:
    rows = [
        (key, None, None)
        if figures is None or (table.cut.id, *key) in hidden
        else (key, Figures(figures.messages), None)
        for key, figures, _ in table.rows
    ]
    return dataclasses.replace(table, rows=rows, measures=("messages",))

"""Withholding small counts from what is published as open data, so that they can't be worked out
from sums either; pure.

The rule: a count of 1 to 4 is withheld (threshold rule, n = 5). Where withheld counts stand in a
published sum, at least two of them are withheld and together they are at least 5 and more than one
each (else each is known to be 1), or a further one, the smallest, is withheld as well (secondary
suppression). Withheld counts of both kinds look the same. A count of 0 is told: nobody is in it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence

from exchange.statistics.count import Line
from exchange.statistics.report import Part, Report, Share, Table

THRESHOLD = 5

#: What is published: `("row", id)`, `("rest", share id)` or `(table id, *keys)`.
Cell = tuple[Hashable, ...]


def withheld_cells(counts: Mapping[Cell, float], sums: Iterable[Collection[Cell]]) -> set[Cell]:
    """The cells to withhold. Each of `sums` names cells of which any one follows from all the
    others.
    """
    hidden = {cell for cell, count in counts.items() if 0 < count < THRESHOLD}
    sets = [[cell for cell in each if cell in counts] for each in sums]
    changed = True
    while changed:
        changed = False
        for cells in sets:
            inside = [cell for cell in cells if cell in hidden]
            enough = max(THRESHOLD, len(inside) + 1)
            if not inside or (len(inside) > 1 and sum(counts[cell] for cell in inside) >= enough):
                continue
            candidates = [cell for cell in cells if cell not in hidden and counts[cell] > 0]
            if candidates:
                hidden.add(min(candidates, key=lambda cell: (counts[cell], str(cell))))
                changed = True
    return hidden


def as_open_data(report: Report) -> Report:
    """What of a report may be published as open data: lines, shares and the tables marked so, small
    counts withheld.
    """
    tables = [table for table in report.tables if table.cut.open]
    counts: dict[Cell, float] = {}
    for line in report.lines:
        if line.counted is not None:
            counts["row", line.row.id] = line.counted * (
                report.period.days if line.row.per_day else 1
            )
    for share in report.shares:
        if share.cut.rest is not None and share.parts[-1].counted is not None:
            counts["rest", share.cut.id] = share.parts[-1].counted
    for table in tables:
        counts.update(
            {
                (table.cut.id, *key): figures.messages
                for key, figures, _ in table.rows
                if figures is not None
            }
        )
    hidden = withheld_cells(counts, [*_sums_of_rows(report), *_sums_of_tables(report, tables)])
    lines = [_line(line, ("row", line.row.id) in hidden) for line in report.lines]
    return dataclasses.replace(
        report,
        lines=lines,
        shares=[_share(share, hidden) for share in report.shares],
        tables=[_table(table, hidden) for table in tables],
        bands=(),
        channels={},
        peaks=(),
        hours={},
        open_data=True,
    )


def _sums_of_rows(report: Report) -> Iterator[list[Cell]]:
    for total, parts in report.cuts.sums:
        yield [("row", total), *(("row", part) for part in parts)]
    for line in report.lines:
        if line.row.sum_of:
            yield [("row", line.row.id), *(("row", part) for part in line.row.sum_of)]
    for share in report.shares:
        if share.cut.rest is not None:
            yield [
                ("rest", share.cut.id),
                *(("row", name) for name in (*share.cut.parts, *share.cut.of)),
            ]


def _sums_of_tables(report: Report, tables: Sequence[Table]) -> Iterator[list[Cell]]:
    """The whole of each table, of each of its directions (rows tell these), and groups over the
    message types in them.
    """
    for table in tables:
        cells = [(table.cut.id, *key) for key, _, _ in table.rows]
        yield list(cells)
        for index, column in enumerate(table.columns, 1):
            if column == "direction" or column.endswith("-end"):
                for value in dict.fromkeys(cell[index] for cell in cells):
                    yield [cell for cell in cells if cell[index] == value]
        for other in tables:
            if table.columns[:1] == ("group",) and other.columns == (
                "message-type",
                *table.columns[1:],
            ):
                for cell in cells:
                    opens = report.cuts.groups.get(str(cell[1]), ())
                    inside = [
                        key
                        for key, _, _ in other.rows
                        if key[0].startswith(opens) and key[1:] == cell[2:]
                    ]
                    yield [cell, *((other.cut.id, *key) for key in inside)]


def _line(line: Line, hide: bool) -> Line:
    # The other moment of a row is a figure that no sum here looks after.
    line = dataclasses.replace(line, sent=None, received=None)
    return dataclasses.replace(line, counted=None, withheld=True) if hide else line


def _share(share: Share, hidden: Collection[Cell]) -> Share:
    cells: list[Cell] = [("row", name) for name in share.cut.parts]
    if share.cut.rest is not None:
        cells.append(("rest", share.cut.id))
    # A share in per cent of a whole that is withheld would tell the whole.
    whole_hidden = any(("row", name) in hidden for name in share.cut.of)

    def part(entry: Part, hide: bool) -> Part:
        if hide:
            return dataclasses.replace(entry, counted=None, counted_percent=None)
        return dataclasses.replace(entry, counted_percent=None) if whole_hidden else entry

    return Share(
        share.cut,
        [part(entry, cell in hidden) for entry, cell in zip(share.parts, cells, strict=True)],
    )


def _table(table: Table, hidden: Collection[Cell]) -> Table:
    rows = [
        (key, None, None) if (table.cut.id, *key) in hidden else (key, figures, percent)
        for key, figures, percent in table.rows
    ]
    return Table(table.cut, table.columns, rows)

"""A reader of open data who wants to know what is withheld: a linear programme over every figure
that is told and every sum that is known to hold; shares no code with the suppression.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from math import inf

from exchange.statistics.report import Report

#: What is known of rows, from their titles: totals with all their parts, and with some of them.
WHOLE = (
    ("eessi.total", ("eessi.received", "eessi.sent")),
    ("kelmu.queries", ("kelmu.queries.api", "kelmu.queries.ui")),
)
SOME = (
    (
        "kelmu.queries.ui",
        ("kelmu.queries.municipalities", "kelmu.queries.wellbeing-counties", "kelmu.queries.helsinki"),
    ),
    ("kelmu.queries.api", ("pension.kelmu-queries",)),
    ("kelmu.queries", ("pension.kelmu-queries",)),
    ("income.benefit-reports-received", ("income.benefit-reports-sent",)),
)  # fmt: skip

Name = tuple[str, ...]
#: Coefficients of a linear expression that is 0, or at least 0.
Expression = dict[Name, float]


class Attacker:
    """What follows from a report of open data. Every withheld count is known to be 1 or more."""

    def __init__(self, opened: Report) -> None:
        self._known: dict[Name, float | None] = {}
        for line in opened.lines:
            count = line.counted
            if count is not None and line.row.per_day:
                count = round(count * opened.period.days)
            if count is not None or line.withheld:
                self._known[("row", line.row.id)] = count
        for table in opened.tables:
            for key, figures, _ in table.rows:
                self._known[(table.cut.id, *key)] = None if figures is None else figures.messages
        self.withheld = [name for name, count in self._known.items() if count is None]
        self._equal = [self._sum(("row", total), [("row", p) for p in ps]) for total, ps in WHOLE]
        self._positive = [self._sum(("row", total), [("row", p) for p in ps]) for total, ps in SOME]
        for line in opened.lines:
            if line.row.sum_of:
                parts_of = [("row", part) for part in line.row.sum_of]
                # What such a row selects besides is no figure that is told.
                known = self._positive if line.row.select else self._equal
                known.append(self._sum(("row", line.row.id), parts_of))
        for share in opened.shares:
            if share.cut.rest is None:
                continue
            # What the parts leave is a figure that is told too.
            rest: Name = ("rest", share.cut.id)
            self._known[rest] = share.parts[-1].counted
            parts: list[Name] = [("row", part) for part in share.cut.parts]
            sums = self._sum(("row", share.cut.of[0]), [*parts, rest])
            self._equal.append(sums | {("row", more): 1.0 for more in share.cut.of[1:]})
        self._equal += self._of_tables(opened)

    def _of_tables(self, opened: Report) -> Iterator[Expression]:
        """Each direction of a table adds up to a row; the SEDs of a sector to the sector."""
        tables = {table.cut.id: table for table in opened.tables}
        for table in opened.tables:
            for direction in ("received", "sent"):
                cells: list[Name] = [
                    (table.cut.id, *k) for k, *_ in table.rows if k[1] == direction
                ]
                yield self._sum(("row", f"eessi.{direction}"), cells)
        if "eessi.by-sector" in tables and "eessi.by-sed" in tables:
            for (letter, direction), *_ in tables["eessi.by-sector"].rows:
                seds: list[Name] = [
                    ("eessi.by-sed", *key)
                    for key, *_ in tables["eessi.by-sed"].rows
                    if key[0].startswith(letter) and key[1] == direction
                ]
                yield self._sum(("eessi.by-sector", letter, direction), seds)

    def mistakes(self, report: Report) -> list[Expression]:
        """What is held to be so, and is not by the counts of the report that was opened: over such
        a belief a programme has no solution, and says nothing.
        """
        tables = [table for table in report.tables if table.cut.open]
        counts = Attacker(replace(report, tables=tables))._known

        def left(expression: Expression) -> float:
            return sum(factor * (counts[name] or 0) for name, factor in expression.items())

        wrong = [each for each in self._equal if self._usable(each) and abs(left(each)) > 1e-6]
        return wrong + [each for each in self._positive if self._usable(each) and left(each) < 0]

    @staticmethod
    def _sum(total: Name, parts: Sequence[Name]) -> Expression:
        return {total: 1.0, **dict.fromkeys(parts, -1.0)}

    def widths(self) -> dict[Name, float]:
        """How wide the interval of each withheld count is; infinite where nothing bounds it."""
        # (Half a second, which each process of a run would spend while it collects the tests.)
        from scipy.optimize import linprog

        names = [*self.withheld, *(n for n in self._known if n[0] == "rest")]
        names = [name for name in dict.fromkeys(names) if self._known[name] is None]
        place = {name: index for index, name in enumerate(names)}
        equal = [self._row(each, place) for each in self._equal if self._usable(each)]
        most = [self._row(each, place) for each in self._positive if self._usable(each)]
        found = {}
        for name in self.withheld:
            ends = []
            for sign in (1, -1):
                goal = [0.0] * len(names)
                goal[place[name]] = sign
                solved = linprog(
                    goal,
                    A_ub=[[-factor for factor in row] for row, _ in most] or None,
                    b_ub=[known for _, known in most] or None,
                    A_eq=[row for row, _ in equal] or None,
                    b_eq=[-known for _, known in equal] or None,
                    bounds=[(0 if each[0] == "rest" else 1, None) for each in names],
                )
                assert solved.status in (0, 3), solved.message  # 3: unbounded
                ends.append(sign * solved.fun if solved.status == 0 else sign * -inf)
            found[name] = float(next(b - a for a, b in pairwise(ends)))
        return found

    def _usable(self, expression: Expression) -> bool:
        """Whether every figure in it is told or withheld (some rows have no figure at all)."""
        return all(name in self._known for name in expression)

    def _row(self, expression: Expression, place: dict[Name, int]) -> tuple[list[float], float]:
        row, known = [0.0] * len(place), 0.0
        for name, factor in expression.items():
            count = self._known[name]
            if count is None:
                row[place[name]] += factor
            else:
                known += factor * count
        return row, known

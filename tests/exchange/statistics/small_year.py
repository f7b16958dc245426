"""A report in which few messages were counted, for the tests of open data; no test."""

from __future__ import annotations

import dataclasses
import random
from collections import Counter

from exchange.statistics.breakdown import Figures
from exchange.statistics.report import Report

SEDS = (
    "eessi.a009",
    "eessi.a010",
    "eessi.h001",
    "eessi.h002",
    "eessi.p6000",
    "eessi.p8000",
    "eessi.s040",
)
LINES = (
    "kelmu.queries.api",
    "kelmu.queries.ui",
    "kelmu.queries.helsinki",
    "payments.messages-sent",
)


def made(report: Report, seds: dict[tuple[str, str], int], rows: list[int], seed: int) -> Report:
    """The report with these SEDs counted by direction, spread over countries and months by chance,
    and these counts of LINES.
    """
    rng = random.Random(seed)
    spread: dict[str, Counter[tuple[str, str]]] = {}
    for (sed, direction), count in seds.items():
        for _ in range(count):
            keys = {
                "eessi.by-sed": sed,
                "eessi.by-sector": sed[:7],
                "eessi.by-country": rng.choice(("SE", "SE", "SE", "EE", "EE", "DE", "LV", "MT")),
                "eessi.by-month": f"2024-{rng.randint(1, 12):02}",
            }
            for table, key in keys.items():
                spread.setdefault(table, Counter())[key, direction] += 1
    sent, received = (
        sum(count for (_, way), count in seds.items() if way == each)
        for each in ("sent", "received")
    )
    counts = dict(zip(LINES, map(float, rows), strict=True))
    counts["kelmu.queries"] = counts["kelmu.queries.api"] + counts["kelmu.queries.ui"]
    counts["kelmu.queries.helsinki"] = min(
        counts["kelmu.queries.helsinki"], counts["kelmu.queries.ui"]
    )
    for none in ("wellbeing-counties", "municipalities"):
        counts[f"kelmu.queries.{none}"] = 0.0
    counts["pension.kelmu-queries"] = 0.0
    counts |= {"eessi.total": sent + received, "eessi.sent": sent, "eessi.received": received}
    lines = {
        line.row.id: dataclasses.replace(line, counted=counts.get(line.row.id, line.counted))
        for line in report.lines
    }
    for name, line in lines.items():
        if line.row.sum_of:
            of = sum(lines[part].counted or 0 for part in line.row.sum_of)
            lines[name] = dataclasses.replace(line, counted=of / report.period.days)
    tables = [
        dataclasses.replace(
            table,
            rows=[
                (key, Figures(count, count, 900 * count), 1.0)
                for key, count in sorted(spread.get(table.cut.id, Counter()).items())
            ],
        )
        for table in report.tables
    ]
    shares = []
    for share in report.shares:
        parts = [
            dataclasses.replace(part, counted=lines[name].counted)
            for part, name in zip(share.parts, share.cut.parts, strict=False)
        ]
        if share.cut.rest is not None:
            rest = sum(lines[name].counted or 0 for name in share.cut.of)
            rest -= sum(part.counted or 0 for part in parts)
            parts.append(dataclasses.replace(share.parts[-1], counted=rest))
        shares.append(dataclasses.replace(share, parts=parts))
    return dataclasses.replace(report, lines=list(lines.values()), tables=tables, shares=shares)

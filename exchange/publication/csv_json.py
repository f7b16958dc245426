"""A report as CSV and JSON for machines; no counting and no files."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

from exchange.publication.measures import measures, number
from exchange.publication.row_descriptions import all_meanings
from exchange.statistics.count import Line
from exchange.statistics.report import Band, Part, Report, Table
from exchange.statistics.suppression import THRESHOLD

#: The columns of `statistics.csv`. `scaled` is the published figure times the scale and the
#: period's share of the year; `difference` is counted less scaled. A band stands as `low..high`;
#: what is not known, or withheld, is empty.
COLUMNS = (
    "row",
    "title",
    "unit",
    "counted",
    "scaled",
    "published",
    "difference",
    "state",
    "held_days",
    "asked_days",
)


def to_csv(report: Report, language: str) -> str:
    """The rows of the statistics as a table with a head (RFC 4180), titles in one language."""
    return written(
        COLUMNS,
        (
            (
                line.row.id,
                line.row.title[language],
                line.row.unit,
                number(line.counted),
                number(line.expected),
                number(line.published),
                number(line.difference),
                line.state,
                report.held_days,
                asked_days(report),
            )
            for line in report.lines
        ),
    )


def table_csv(table: Table) -> str:
    """A table by dimensions, a line a cell, by keys; withheld figures are empty."""
    return written(
        (*table.columns, *table.measures),
        (
            (*key, *measures(table, figures, percent).values())
            for key, figures, percent in table.rows
        ),
    )


def to_json(report: Report) -> str:
    """Everything of a report as one document."""
    return json.dumps(document(report), ensure_ascii=False, indent=2) + "\n"


def document(report: Report) -> dict[str, Any]:
    """The report as JSON values: the period, the lines, shares, bands, tables, peaks, and what they
    rest on.
    """
    period = report.period
    return {
        "period": {
            "year": period.year,
            "first": report.first.isoformat() if report.first else None,
            "last": report.last.isoformat() if report.last else None,
            "days": number(period.days),
            "held_days": report.held_days,
            "asked_days": asked_days(report),
            "asked": [day.isoformat() for day in report.asked] if report.asked else None,
            "minutes": period.minutes,
            "scale": period.scale,
        },
        "open_data": {
            "suppressed": report.open_data,
            "not_open": dict(report.not_open) if report.not_open else None,
            "threshold": THRESHOLD if report.open_data else None,
            "not_offered": list(report.not_offered),
        },
        "sections": {name: dict(title) for name, title in report.rows.sections.items()},
        "rows": [_line(line, report) for line in report.lines],
        "shares": [
            {
                "id": share.cut.id,
                "title": dict(share.cut.title),
                "parts": [_part(part) for part in share.parts],
            }
            for share in report.shares
        ],
        "bands": [_band(band) for band in report.bands],
        "tables": [_table(table) for table in report.tables],
        "channels": {name: dict(kinds) for name, kinds in report.channels.items()},
        "busiest": [
            {**dataclasses.asdict(peak), "a_second": round(peak.a_second, 4)}
            for peak in report.peaks
        ],
        "hours": [
            {"weekday": weekday, "hour": hour, "deliveries_an_hour": number(count)}
            for (weekday, hour), count in report.hours.items()
        ],
        "sources": [dict(text) for text in report.cuts.sources],
        "assumptions": [dict(text) for text in report.cuts.assumptions],
        **({"revision": report.revision} if report.revision else {}),
    }


def asked_days(report: Report) -> int:
    """How many days were asked for."""
    return (report.asked[1] - report.asked[0]).days + 1 if report.asked else 0


def _line(line: Line, report: Report) -> dict[str, Any]:
    return {
        "section": line.row.section,
        "row": line.row.id,
        "title": dict(line.row.title),
        "unit": line.row.unit,
        "state": line.state,
        "counted": number(line.counted),
        "scaled": number(line.expected),
        "published": number(line.published),
        "difference": number(line.difference),
        "difference_percent": number(line.difference_percent),
        "share_percent": number(line.share_percent),
        "sent": number(line.sent),
        "received": number(line.received),
        **({"messages": number(line.messages)} if line.row.sum_of else {}),
        "meaning": all_meanings(report, line.row),
        "missing": list(line.missing),
    }


def _part(part: Part) -> dict[str, Any]:
    figures = {
        name: number(value) for name, value in dataclasses.asdict(part).items() if name != "title"
    }
    return {"title": dict(part.title), **figures}


def _band(band: Band) -> dict[str, Any]:
    return {
        "row": band.cut.row,
        "low": number(band.low),
        "high": number(band.high),
        "working_days": sum(day.working for day in band.days),
        "outside": [day.date.isoformat() for day in band.outside],
        "days": [
            {
                "date": day.date.isoformat(),
                "count": number(day.count),
                "working": day.working,
                "place": day.place,
            }
            for day in band.days
        ],
    }


def _table(table: Table) -> dict[str, Any]:
    rows = [
        {**dict(zip(table.columns, key, strict=True)), **measures(table, figures, percent)}
        for key, figures, percent in table.rows
    ]
    return {
        "id": table.cut.id,
        "title": dict(table.cut.title),
        "columns": list(table.columns),
        "rows": rows,
    }


def written(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A CSV text (RFC 4180)."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return "..".join(str(each) for each in value)
    return "" if value is None else value

"""The exchange statistics as CSV and JSON for machines; no counting and no files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from exchange.statistics.count import Line, Period
from exchange.statistics.rows import LANGUAGES, Rows

COLUMNS = (
    "section", "row", "title_fi", "title_sv", "title_en", "unit", "state", "counted", "published_year", "published", "expected",
    "difference", "difference_percent", "share_percent", "missing",
)  # fmt: skip


def to_records(lines: Sequence[Line], period: Period) -> list[dict[str, Any]]:
    """A dict a line with the names of COLUMNS; a band is a list of two, what is not known is None."""
    return [
        {
            "section": line.row.section,
            "row": line.row.id,
            **{f"title_{language}": line.row.title[language] for language in LANGUAGES},
            "unit": line.row.unit,
            "state": line.state,
            "counted": _number(line.counted),
            "published_year": period.year,
            "published": _number(line.published),
            "expected": _number(line.expected),
            "difference": _number(line.difference),
            "difference_percent": _number(line.difference_percent),
            "share_percent": _number(line.share_percent),
            "missing": list(line.missing),
        }
        for line in lines
    ]


def to_json(rows: Rows, lines: Sequence[Line], period: Period) -> str:
    """A document with the period, the titles of the sections and the lines."""
    head = {"year": period.year, "days": period.days, "scale": period.scale}
    document = {"period": head, "sections": dict(rows.sections), "rows": to_records(lines, period)}
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def to_csv(lines: Sequence[Line], period: Period) -> str:
    """A table with a head (RFC 4180): a band as `low..high`, empty where nothing is known."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    for record in to_records(lines, period):
        writer.writerow({name: _cell(value) for name, value in record.items()})
    return out.getvalue()


def _number(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_number(each) for each in value]
    if isinstance(value, float):
        return int(value) if value.is_integer() else round(value, 4)
    return value


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return (".." if value and not isinstance(value[0], str) else " ").join(str(each) for each in value)
    return "" if value is None else value

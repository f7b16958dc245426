"""A report as JSON-stat 2.0 (https://json-stat.org/format/), for open data: the rows as one data
set, each table as another.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from exchange.publication.csv_json import asked_days
from exchange.publication.measures import measures, number
from exchange.publication.quality import updated
from exchange.publication.row_descriptions import meanings
from exchange.publication.text import column_title, openness, period_text, table_title, words
from exchange.statistics.breakdown import TIMES
from exchange.statistics.count import Line
from exchange.statistics.report import Report, Table

#: What is told of a row. The ends of a band stand apart, since a value is one number.
FIGURES = ("counted", "scaled", "published", "difference", "published-low", "published-high")
MEASURES = ("messages", "items")  # of which a table of open data tells the first
#: The status of a value that is withheld; SDMX's code list of observation status calls it C,
#: confidential.
CONFIDENTIAL = "c"
COUNTRIES = ("country", "sender-country", "receiver-country", "foreign-country")


def rows_dataset(report: Report, language: str) -> dict[str, Any]:
    """The rows of the statistics: dimensions row, figure and period (one)."""
    say = words(language)
    ids = [line.row.id for line in report.lines]
    values: list[float | None] = []
    status: dict[str, str] = {}
    for line in report.lines:
        for name, value in _figures(line).items():
            if line.withheld and name in ("counted", "difference"):
                status[str(len(values))] = CONFIDENTIAL
            values.append(value)
    figures = {
        name: say.get(name, f"{say['published']}, {name.rpartition('-')[2]}") for name in FIGURES
    }
    figures["published-low"], figures["published-high"] = (
        f"{say['band']}, min",
        f"{say['band']}, max",
    )
    dimension = {
        "row": {
            "label": say["row-title"],
            "category": {
                "index": ids,
                "label": {line.row.id: _row_label(report, line, language) for line in report.lines},
                "unit": {
                    line.row.id: {"label": line.row.unit, "decimals": _decimals(line)}
                    for line in report.lines
                },
            },
        },
        "figure": _dimension(say["counted"], figures),
        "period": _dimension(say["counted-period"], _period(report, language)),
    }
    return _dataset(
        say["title"],
        dimension,
        values,
        status,
        {"metric": ["row"], "time": ["period"]},
        report,
        language,
    )


def table_dataset(report: Report, table: Table, language: str) -> dict[str, Any]:
    """A table: a dimension for each column, and one of its measures (messages; items, unless it is
    open data). A combination that never came is null.
    """
    say = words(language)
    told = [name for name in MEASURES if name in table.measures]
    keys = {
        name: list(dict.fromkeys(sorted(key[i] for key, _, _ in table.rows)))
        for i, name in enumerate(table.columns)
    }
    cells = {key: figures for key, figures, _ in table.rows}
    values: list[float | None] = []
    status: dict[str, str] = {}
    for key in product(*keys.values()):
        figures = cells.get(key)
        if figures is None and key in cells:
            status |= {str(len(values) + index): CONFIDENTIAL for index in range(len(told))}
        cell = measures(table, figures, None)
        values += [cell[name] for name in told]
    dimension = {
        name: _dimension(
            column_title(name, language),
            {key: report.name(name, key, language) for key in keys[name]},
        )
        for name in table.columns
    }
    units = {name: {"label": say[name], "decimals": 0} for name in told}
    dimension["measure"] = _dimension(say["measure"], {name: say[name] for name in told}, units)
    role = {"metric": ["measure"], "time": [name for name in table.columns if name in TIMES]}
    role |= {"geo": [name for name in table.columns if name in COUNTRIES]}
    title = f"{table_title(table, language)}, {period_text(report, language)}"
    return _dataset(
        title,
        dimension,
        values,
        status,
        {name: of for name, of in role.items() if of},
        report,
        language,
    )


def to_json_stat(dataset: Mapping[str, Any]) -> str:
    """A data set as a text."""
    return json.dumps(dataset, ensure_ascii=False, indent=1) + "\n"


def _figures(line: Line) -> dict[str, float | None]:
    single = {
        "counted": line.counted,
        "scaled": line.expected,
        "published": line.published,
        "difference": line.difference,
    }
    figures: dict[str, float | None] = {
        name: None if isinstance(value, tuple) else number(value) for name, value in single.items()
    }
    low, high = line.published if isinstance(line.published, tuple) else (None, None)
    return {**figures, "published-low": low, "published-high": high}


def _decimals(line: Line) -> int:
    """How many decimals the figures of a row are given with."""
    values = [value for value in _figures(line).values() if isinstance(value, float)]
    return max((len(f"{value:.4f}".rstrip("0").partition(".")[2]) for value in values), default=0)


def _row_label(report: Report, line: Line, language: str) -> str:
    return f"{report.rows.sections[line.row.section][language]}: {line.row.title[language]}"


def _period(report: Report, language: str) -> dict[str, str]:
    if report.first is None or report.last is None:
        return {"-": period_text(report, language)}
    return {f"{report.first.isoformat()}/{report.last.isoformat()}": period_text(report, language)}


def _dimension(
    label: str, labels: Mapping[str, str], units: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    category: dict[str, Any] = {"index": list(labels), "label": dict(labels)}
    return {"label": label, "category": {**category, "unit": units} if units else category}


def _dataset(
    label: str,
    dimension: Mapping[str, Any],
    values: Sequence[float | None],
    status: Mapping[str, str],
    role: Mapping[str, Sequence[str]],
    report: Report,
    language: str,
) -> dict[str, Any]:
    say = words(language)
    return {
        "version": "2.0",
        "class": "dataset",
        "label": label,
        **({"updated": updated(report)} if updated(report) else {}),
        "source": " ".join(text[language] for text in report.cuts.sources),
        "note": [
            *openness(report, language),
            *(text[language] for text in report.cuts.assumptions),
            *meanings(report, language),
        ],
        "id": list(dimension),
        "size": [len(each["category"]["index"]) for each in dimension.values()],
        "role": dict(role),
        "dimension": dict(dimension),
        "value": list(values),
        **({"status": dict(status)} if status else {}),
        "extension": {
            "language": language,
            "scale": report.period.scale,
            "published_year": report.period.year,
            "held_days": report.held_days,
            "asked_days": asked_days(report),
            "status": {"label": {CONFIDENTIAL: say["withheld"]}},
        },
    }

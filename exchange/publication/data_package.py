"""The descriptors that tell a portal or a table reader what the files of a publication are: Data
Package and CSV on the Web.

Sources: Data Package, https://specs.frictionlessdata.io/data-package/ ; Tabular metadata,
https://www.w3.org/TR/tabular-metadata/ .
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from exchange.publication.quality import catalogued, updated
from exchange.publication.row_descriptions import meanings
from exchange.publication.text import (
    column_title,
    measure_title,
    openness,
    period_text,
    table_title,
    words,
)
from exchange.statistics.report import Report, Table

#: Of `statistics.csv`: what each column says. A figure may be a band (`low..high`), hence the type.
COLUMN_TYPES = {
    "row": "string",
    "title": "string",
    "unit": "string",
    "counted": "number",
    "scaled": "string",
    "published": "string",
    "difference": "number",
    "state": "string",
    "held_days": "integer",
    "asked_days": "integer",
}
DESCRIPTIONS = {
    "row": "Id of the row",
    "title": "Title of the row",
    "unit": "What is counted",
    "counted": "Counted by the simulator; empty where there is none (see state)",
    "scaled": "Published figure times the scale and the counted period's share of the year; "
    "low..high for a band",
    "published": "Figure published for the whole year; low..high for a band",
    "difference": "Counted less scaled; outside a band, from its nearer end",
    "state": "counted, or why there is no figure: no-type-yet, not-held, no-whole-day, withheld",
    "held_days": "Days of the period that the ledger holds",
    "asked_days": "Days of the period",
}
MEASURE_TYPES = {
    "messages": "integer",
    "items": "integer",
    "bytes": "integer",
    "share_percent": "number",
    "cases": "integer",
    "messages_a_case": "number",
}


def data_package(
    report: Report, files: Mapping[str, str], tables: Mapping[str, Table], language: str
) -> str:
    """The descriptor of a folder of open data. `files` maps names to contents; `tables` those of
    them that are tables.
    """
    say = words(language)
    descriptor = {
        "profile": "data-package",
        "name": "exchange-statistics",
        "title": f"{say['title']}, {period_text(report, language)}",
        "description": " ".join(
            [
                say["lead"],
                *openness(report, language),
                *(text[language] for text in report.cuts.assumptions),
            ]
        ),
        **catalogued(report),
        "contributors": [{"title": say["contact"], "role": "publisher"}],
        "keywords": ["social security", "information exchange", "statistics", "simulation"],
        "sources": [{"title": text[language]} for text in report.cuts.sources],
        "resources": [
            _resource(name, content, tables.get(name), report, language)
            for name, content in files.items()
        ],
    }
    return json.dumps(descriptor, ensure_ascii=False, indent=2) + "\n"


def csv_metadata(report: Report, file_name: str, language: str, table: Table | None = None) -> str:
    """The metadata that stands beside `statistics.csv`, or a table as CSV (its name is the file's
    and `-metadata.json`).
    """
    say = words(language)
    notes = [text[language] for text in report.cuts.assumptions]
    notes += meanings(report, language)
    title = say["title"] if table is None else table_title(table, language)
    fields, key = _fields(table, language)
    metadata = {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": language}],
        "url": file_name,
        "dc:title": f"{title}, {period_text(report, language)}",
        **({"dc:modified": updated(report)} if updated(report) else {}),
        "dc:source": [text[language] for text in report.cuts.sources],
        "dc:description": [*openness(report, language), *notes],
        "tableSchema": {
            "columns": [
                {
                    "name": field["name"],
                    "titles": field["name"],
                    "datatype": field["type"],
                    "dc:description": field.get("description") or field["title"],
                }
                for field in fields
            ],
            "primaryKey": key[0] if len(key) == 1 else key,
        },
    }
    return json.dumps(metadata, ensure_ascii=False, indent=2) + "\n"


def _fields(table: Table | None, language: str) -> tuple[list[dict[str, str]], list[str]]:
    """The columns of `statistics.csv`, or of a table, and those that identify a line."""
    if table is None:
        fields = [
            {"name": column, "type": kind, "description": DESCRIPTIONS[column]}
            for column, kind in COLUMN_TYPES.items()
        ]
        return fields, ["row"]
    fields = [
        {"name": column, "type": "string", "title": column_title(column, language)}
        for column in table.columns
    ]
    fields += [
        {"name": name, "type": MEASURE_TYPES[name], "title": measure_title(name, language)}
        for name in table.measures
    ]
    return fields, list(table.columns)


def _resource(
    name: str, content: str, table: Table | None, report: Report, language: str
) -> dict[str, Any]:
    data = content.encode()
    stem, _, form = name.partition(".")
    resource: dict[str, Any] = {
        "name": f"{stem}-{form}".replace(".", "-").lower(),
        "path": name,
        "title": table_title(table, language) if table is not None else words(language)["title"],
        "encoding": "utf-8",
        "bytes": len(data),
        "hash": f"sha256:{hashlib.sha256(data).hexdigest()}",
    }
    if form != "csv":
        return {**resource, "format": "json-stat", "mediatype": "application/json"}
    fields, key = _fields(table, language)
    schema = {"fields": fields, "primaryKey": key, "missingValues": [""]}
    return {
        **resource,
        "profile": "tabular-data-resource",
        "format": "csv",
        "mediatype": "text/csv",
        "schema": schema,
    }

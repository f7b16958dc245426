"""Writes a report in one format to a file or to standard output; `publish` writes all of them to a
folder.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from exchange.publication.csv_json import table_csv, to_csv, to_json
from exchange.publication.data_package import csv_metadata
from exchange.publication.json_stat import rows_dataset, to_json_stat
from exchange.publication.page import to_html
from exchange.publication.text import openness, period_text, words
from exchange.publication.workbook import to_xlsx
from exchange.statistics.report import Report

#: A report, a language, and whether it is about the table asked for (the last) rather than the
#: rows; what the file holds.
Form = Callable[[Report, str, bool], bytes]


def _csv(report: Report, language: str, by: bool) -> bytes:
    return (table_csv(report.tables[-1]) if by else to_csv(report, language)).encode()


def _json(report: Report, language: str, by: bool) -> bytes:
    return to_json(report).encode()


def _json_stat(report: Report, language: str, by: bool) -> bytes:
    return to_json_stat(rows_dataset(report, language)).encode()


def _xlsx(report: Report, language: str, by: bool) -> bytes:
    return to_xlsx(report, language)


def _html(report: Report, language: str, by: bool) -> bytes:
    return to_html(report, language).encode()


FORMS: Mapping[str, Form] = {
    "csv": _csv,
    "json": _json,
    "json-stat": _json_stat,
    "xlsx": _xlsx,
    "html": _html,
}


def write(
    report: Report, form: str, language: str, out: Path | None = None, by: bool = False
) -> None:
    """Write one form to a file, or to the standard output; what a CSV can't say of its period and
    its sources goes beside it.

    Raises:
        OSError: when the file can't be written.
    """
    content = FORMS[form](report, language, by)
    if out is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        if form == "csv":
            beside = [f"{words(language)['counted-period']}: {period_text(report, language)}"]
            beside += [text[language] for text in report.cuts.sources]
            beside += openness(report, language) if report.open_data else []
            print("\n".join(beside), file=sys.stderr)
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(content)
    if form == "csv":
        table = report.tables[-1] if by else None
        out.with_name(out.name + "-metadata.json").write_text(
            csv_metadata(report, out.name, language, table), encoding="utf-8"
        )

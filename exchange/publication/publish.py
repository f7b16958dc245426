"""Writing a report to a folder in every form that is published; what each form looks like stands in its own module."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from exchange.publication.charts import charts_of
from exchange.publication.data_package import csv_metadata, data_package
from exchange.publication.drawing import to_png, to_svg
from exchange.publication.json_stat import rows_dataset, table_dataset, to_json_stat
from exchange.publication.page import to_html
from exchange.publication.records import table_csv, to_csv, to_json
from exchange.publication.text import table_text
from exchange.publication.workbook import to_xlsx
from exchange.statistics.report import Report
from exchange.statistics.rows import LANGUAGES
from exchange.statistics.suppression import as_open_data

#: Where what is marked open data lies, with its descriptor.
OPEN_DATA = "open-data"


def publish(report: Report, out_dir: Path, language: str = "en", languages: Sequence[str] = LANGUAGES) -> list[Path]:
    """Write the report into `out_dir` (made when it is not there) and return the files, in the order written.

    `language` is that of the titles in files for machines (`statistics.csv`, the open data); reports for people (text,
    XLSX, HTML, charts) are written in each of `languages`. The same report gives the same bytes: no file says when it
    was made. Only what lies in `open-data/` is open data, its small counts withheld.

    Raises:
        OSError: when a file can't be written.
    """
    folder = _Folder(out_dir)
    folder.add("statistics.csv", to_csv(report, language))
    folder.add("statistics.csv-metadata.json", csv_metadata(report, "statistics.csv", language))
    folder.add("statistics.json", to_json(report))
    _for_people(report, folder, languages)
    for name, content in _open_data(as_open_data(report), language).items():
        folder.add(f"{OPEN_DATA}/{name}", content)
    return folder.files


def _for_people(report: Report, folder: _Folder, languages: Sequence[str]) -> None:
    """The files of each language. Drawing takes a second or two: languages are drawn side by side where processes can be forked."""
    drawn: Iterable[dict[str, str | bytes]]
    if len(languages) > 1 and sys.platform == "linux":
        with multiprocessing.get_context("fork").Pool(min(len(languages), os.cpu_count() or 1)) as pool:
            drawn = pool.map(partial(_in_language, report, others=True), languages, chunksize=1)
    else:
        drawn = [_in_language(report, each, others=len(languages) > 1) for each in languages]
    for files in drawn:
        for name, content in files.items():
            folder.add(name, content)


def _in_language(report: Report, language: str, others: bool) -> dict[str, str | bytes]:
    """Table, workbook, charts and page in one language, by name."""
    files: dict[str, str | bytes] = {
        f"statistics.{language}.txt": table_text(report, language),
        f"statistics.{language}.xlsx": to_xlsx(report, language),
    }
    drawn = [(chart, to_svg(chart, language)) for chart in charts_of(report, language)]
    for chart, svg in drawn:
        files[f"charts/{chart.name}.{language}.svg"] = svg
        files[f"charts/{chart.name}.{language}.png"] = to_png(svg)
    files[f"report.{language}.html"] = to_html(report, language, drawn, others=others)
    return files


class _Folder:
    """Files of a folder, in the order written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.files: list[Path] = []

    def add(self, name: str, content: str | bytes) -> None:
        path = self._path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.files.append(path)


def _open_data(report: Report, language: str) -> dict[str, str]:
    """The files of the open data by name, the descriptor first."""
    files = {
        "statistics.csv": to_csv(report, language),
        "statistics.json-stat.json": to_json_stat(rows_dataset(report, language)),
    }
    tables = {}
    for table in report.tables:
        if table.rows:
            stem = table.cut.id.replace(".", "-")
            tables[f"{stem}.csv"] = table
            files[f"{stem}.csv"] = table_csv(table)
            files[f"{stem}.json-stat.json"] = to_json_stat(table_dataset(report, table, language))
    return {"datapackage.json": data_package(report, files, tables, language), **files}

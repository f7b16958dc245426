"""Writing a report to a folder in every form that is published; what each form looks like stands in
its own module.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path

from exchange.publication.charts.images import to_png, to_svg
from exchange.publication.charts.specifications import charts_of
from exchange.publication.csv_json import table_csv, to_csv, to_json
from exchange.publication.data_package import csv_metadata, data_package
from exchange.publication.json_stat import rows_dataset, table_dataset, to_json_stat
from exchange.publication.page import to_html
from exchange.publication.publication_record import NotOffered, offered
from exchange.publication.quality import quality_text
from exchange.publication.row_descriptions import between, meanings
from exchange.publication.text import table_text, words
from exchange.publication.workbook import to_xlsx
from exchange.statistics.report import Report
from exchange.statistics.rows import LANGUAGES

#: Where what is marked open data lies, with its descriptor.
OPEN_DATA = "open-data"
NOT_OFFERED = "not-offered.txt"


def publish(
    report: Report,
    out_dir: Path,
    language: str = "en",
    languages: Sequence[str] = LANGUAGES,
    *,
    listed: Path | None = None,
    revision: str = "",
    today: datetime.date | None = None,
) -> list[Path]:
    """Write the report into `out_dir` (made when it is not there) and return the files, in the
    order written.

    `language` is that of the titles in files for machines (`statistics.csv`, the open data);
    reports for people (text, XLSX, HTML, charts) are written in each of `languages`. The same
    report gives the same bytes: no file says when it was made. Only what lies in `open-data/` is
    open data, its small counts withheld; `listed` is the file that says what was published before,
    `revision` why something of it is published again, `today` the day that may still be counted.
    Where the report is no open data, `open-data/not-offered.txt` says why.

    Raises:
        OSError: when a file can't be written.
    """
    folder = _Folder(out_dir)
    folder.add("statistics.csv", to_csv(report, language))
    folder.add("statistics.csv-metadata.json", csv_metadata(report, "statistics.csv", language))
    folder.add("statistics.json", to_json(report))
    _for_people(report, folder, languages)
    try:
        opened = _open_data(offered(report, listed, revision, today), language)
    except NotOffered as refused:
        texts = (f"{words(each)['not-offered']}: {refused.texts[each]}." for each in languages)
        opened = {NOT_OFFERED: "\n".join(texts) + "\n"}
    for name, content in opened.items():
        folder.add(f"{OPEN_DATA}/{name}", content)
    return folder.files


def _for_people(report: Report, folder: _Folder, languages: Sequence[str]) -> None:
    for each in languages:
        more = [*between(report, each), *meanings(report, each)]
        folder.add(f"statistics.{each}.txt", table_text(report, each, more=more))
        folder.add(f"quality.{each}.md", quality_text(report, each))
        folder.add(f"statistics.{each}.xlsx", to_xlsx(report, each))
        drawn = [(chart, to_svg(chart, each)) for chart in charts_of(report, each)]
        for chart, svg in drawn:
            folder.add(f"charts/{chart.name}.{each}.svg", svg)
            folder.add(f"charts/{chart.name}.{each}.png", to_png(svg))
        folder.add(f"report.{each}.html", to_html(report, each, drawn, others=len(languages) > 1))


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

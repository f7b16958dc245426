"""A report as an Excel workbook: sheets of rows, shares, days, peaks and tables, and what they rest
on; the same bytes each time.
"""

from __future__ import annotations

import datetime
import io
from collections.abc import Sequence
from typing import Any

import xlsxwriter

from exchange.publication.measures import measures, number
from exchange.publication.quality import quality
from exchange.publication.row_descriptions import between, meanings
from exchange.publication.text import (
    both_ends,
    column_title,
    date_text,
    measure_titles,
    openness,
    period_text,
    share_figures,
    shown_measures,
    table_title,
    unit_text,
    words,
)
from exchange.statistics.report import Report
from exchange.statistics.table import WITHHELD, WORDS

#: A workbook must say when it was made, and the same report must give the same bytes: the first
#: date that a ZIP knows.
CREATED = datetime.datetime(1980, 1, 1)
#: Excel's limit is 31 characters of a sheet's name.
SHEET_NAME_MAX = 31
WIDTH_MAX = 70


class Sheet:
    """A sheet that is written downwards; columns as wide as what stands in them."""

    def __init__(self, book: Any, name: str) -> None:
        self._sheet = book.add_worksheet(name[:SHEET_NAME_MAX])
        self._formats = {
            "head": book.add_format(
                {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}
            ),
            "title": book.add_format({"bold": True, "font_size": 14}),
            "bold": book.add_format({"bold": True}),
            "number": book.add_format({"num_format": "#,##0.##"}),
            "whole": book.add_format({"num_format": "#,##0"}),
            "percent": book.add_format({"num_format": "0.00"}),
            "date": book.add_format({"num_format": "yyyy-mm-dd", "align": "left"}),
            "wrap": book.add_format({"text_wrap": True, "valign": "top"}),
        }
        self._row = 0
        self._widths: dict[int, int] = {}

    def title(self, text: str, under: str = "") -> None:
        """A title, and a line under it."""
        self._sheet.write_string(self._row, 0, text, self._formats["title"])
        if under:
            self._row += 1
            self._sheet.write_string(self._row, 0, under)
        self._row += 2

    def head(self, names: Sequence[str]) -> None:
        """The head of a table; what is under it scrolls."""
        for column, name in enumerate(names):
            self._sheet.write_string(self._row, column, name, self._formats["head"])
            self._widths[column] = max(self._widths.get(column, 0), min(len(name), 14))
        self._row += 1
        self._sheet.freeze_panes(self._row, 0)

    def line(self, values: Sequence[Any], style: str = "") -> None:
        """A line of cells: None is an empty one, a number stays a number."""
        for column, value in enumerate(values):
            if value is None:
                continue
            if isinstance(value, datetime.date):
                self._sheet.write_datetime(
                    self._row,
                    column,
                    datetime.datetime.combine(value, datetime.time()),
                    self._formats["date"],
                )
                width = 12
            elif isinstance(value, (int, float)):
                whole = float(value).is_integer()
                self._sheet.write_number(
                    self._row, column, value, self._formats["whole" if whole else "number"]
                )
                width = len(f"{value:,.2f}")
            else:
                self._sheet.write_string(
                    self._row, column, str(value), self._formats[style] if style else None
                )
                width = 0 if style == "bold" else len(str(value))
            self._widths[column] = max(self._widths.get(column, 0), width)
        self._row += 1

    def close(self, wrap: int | None = None) -> None:
        """Set the widths; a column that wraps is as wide as may be."""
        for column, width in self._widths.items():
            self._sheet.set_column(
                column, column, 100 if column == wrap else min(width, WIDTH_MAX) + 2
            )
        self._sheet.set_landscape()
        self._sheet.set_paper(9)
        self._sheet.fit_to_pages(1, 0)


def to_xlsx(report: Report, language: str) -> bytes:
    """The workbook's bytes."""
    say = words(language)
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "default_date_format": "yyyy-mm-dd"})
    book.set_properties(
        {
            "title": say["title"],
            "subject": period_text(report, language),
            "comments": say["source-line"],
            "created": CREATED,
        }
    )
    _rows(Sheet(book, say["rows"]), report, language)
    _shares(Sheet(book, say["shares"]), report, language)
    if report.bands:
        _days(Sheet(book, say["days"]), report, language)
    if report.peaks:
        _peaks(Sheet(book, say["peaks"]), report, language)
    for table in report.tables:
        sheet = Sheet(book, _sheet_name(book, table_title(table, language)))
        under = [say["both-ends"]] if both_ends(table) else []
        sheet.title(
            table_title(table, language), ". ".join([period_text(report, language), *under])
        )
        names = [column_title(column, language) for column in table.columns]
        sheet.head([*names, *measure_titles(table, language)])
        for key, figures, percent in table.rows:
            shown = [
                report.name(column, value, language)
                for column, value in zip(table.columns, key, strict=True)
            ]
            told = measures(table, figures, percent)
            sheet.line(
                [
                    *shown,
                    *(WITHHELD if figures is None else told[n] for n in shown_measures(table)),
                ]
            )
        sheet.close()
    _notes(Sheet(book, say["notes"]), report, language)
    book.close()
    return out.getvalue()


def _sheet_name(book: Any, title: str) -> str:
    """The title as Excel takes it as a sheet's name: cut between words, signs left out that it
    forbids, no name twice.
    """
    clean = "".join(sign for sign in title if sign not in "[]:*?/\\'")
    name = clean if len(clean) <= SHEET_NAME_MAX else clean[: SHEET_NAME_MAX + 1].rpartition(" ")[0]
    taken = {sheet.get_name().lower() for sheet in book.worksheets()}
    number = 1
    while name.lower() in taken or not name:
        number += 1
        name = f"{clean[: SHEET_NAME_MAX - 4].rstrip()} {number}"
    return name


def _rows(sheet: Sheet, report: Report, language: str) -> None:
    say = words(language)
    sheet.title(say["title"], f"{say['counted-period']}: {period_text(report, language)}")
    published = f"{say['published']} {report.period.year}"
    sheet.head(
        [
            say["row-title"],
            say["unit"],
            say["counted"],
            say["scaled"],
            published,
            say["difference"],
            say["row"],
        ]
    )
    section = None
    for line in report.lines:
        if line.row.section != section:
            section = line.row.section
            sheet.line([report.rows.sections[section][language]], "bold")
        counted: Any = number(line.counted)
        if counted is None:
            counted = WITHHELD if line.withheld else WORDS[language][line.state]
        sheet.line([
            line.row.title[language], unit_text(line.row.unit, language), counted,
            band_text(number(line.expected)), band_text(number(line.published)), number(line.difference), line.row.id,
        ])  # fmt: skip
    sheet.close()


def band_text(value: Any) -> Any:
    """A figure as a cell has it: a band as a text."""
    return f"{value[0]:g}\u2013{value[1]:g}" if isinstance(value, list) else value


def _shares(sheet: Sheet, report: Report, language: str) -> None:
    say = words(language)
    sheet.title(say["shares"], period_text(report, language))
    sheet.head(
        [
            say["part"],
            say["counted"],
            say["share-counted"],
            say["published"],
            say["share-published"],
        ]
    )
    for share in report.shares:
        sheet.line([share.cut.title[language]], "bold")
        for part in share.parts:
            sheet.line([part.title[language], *share_figures(part)])
    sheet.close()


def _days(sheet: Sheet, report: Report, language: str) -> None:
    say = words(language)
    for band in report.bands:
        sheet.title(band.cut.title[language], f"{say['band']}: {band_text([band.low, band.high])}")
        sheet.head([say["date"], say["day-kind"], say["messages"], say["place"]])
        places = {-1: say["below"], 0: say["within"], 1: say["above"]}
        for day in band.days:
            kind = say["working-day"] if day.working else say["free-day"]
            sheet.line(
                [
                    day.date,
                    kind,
                    day.count,
                    places.get(day.place) if day.place is not None else None,
                ]
            )
    sheet.close()


def _peaks(sheet: Sheet, report: Report, language: str) -> None:
    say = words(language)
    sheet.title(say["busiest"], say["busiest-note"])
    sheet.head([say["grain"], say["measure"], say["start"], say["count"], say["a-second"]])
    for peak in report.peaks:
        measure = say["delivered-items" if peak.measure == "items" else peak.measure]
        sheet.line(
            [say[peak.grain], measure, date_text(peak.start, language), peak.count, peak.a_second]
        )
    sheet.close()


def _notes(sheet: Sheet, report: Report, language: str) -> None:
    say = words(language)
    sheet.title(say["notes"])
    for title, said in quality(report, language):
        sheet.line([title], "bold")
        sheet.line([said], "wrap")
    for told in openness(report, language):
        sheet.line([told], "wrap")
    for heading, texts in (
        (say["sources"], report.cuts.sources),
        (say["assumptions"], report.cuts.assumptions),
    ):
        sheet.line([heading], "bold")
        for text in texts:
            sheet.line([text[language]], "wrap")
    sheet.line([say["meanings"]], "bold")
    for line in (*between(report, language), *meanings(report, language)):
        sheet.line([line], "wrap")
    sheet.close(wrap=0)

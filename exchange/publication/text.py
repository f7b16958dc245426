"""A table by dimensions as a text table (rich), and words that every form for people shares; the
rows' table is the statistics' own.
"""

from __future__ import annotations

import io
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable

from exchange.publication.measures import measures
from exchange.statistics.breakdown import ASKED, Figures, columns_of
from exchange.statistics.report import Part, Report, Table
from exchange.statistics.table import WITHHELD, figure, percent, text_table

_PATH = Path(__file__).with_name("words.toml")


@cache
def words(language: str) -> Mapping[str, str]:
    """The words of `words.toml` by name, in one language."""
    entries = tomllib.loads(_PATH.read_text(encoding="utf-8"))["word"]
    return {name: texts[language] for name, texts in entries.items()}


def column_title(column: str, language: str) -> str:
    """What a column of a table is called."""
    return words(language).get(
        f"column-{column}",
        words(language)["column-direction"] if column.endswith("-end") else column,
    )


def unit_text(unit: str, language: str) -> str:
    """A row's unit as people are shown it."""
    return words(language).get(f"unit-{unit.replace('/', '-')}", unit)


def table_title(table: Table, language: str) -> str:
    """What a table is called: the one asked for by its columns."""
    if table.cut.id != ASKED:
        return table.cut.title[language]
    return " × ".join(column_title(column, language) for column in table.cut.by)


def period_text(report: Report, language: str) -> str:
    """What was counted: the days held, how many of those asked for they are when not all, and the
    scale when it is not all of the traffic.
    """
    say = words(language)
    covered = "" if report.period.complete else f", {_coverage(report, language)}"
    if report.first is None or report.last is None:
        return say["nothing-counted"] + covered
    days = date_text(report.first.isoformat(), language)
    if report.last != report.first:
        days += f"\u2013{date_text(report.last.isoformat(), language)}"
    if report.period.no_whole_day:
        days += f" ({report.period.minutes} min)"
    days += covered
    scale = report.period.scale
    if scale == 1:
        return days
    parts = round(1 / scale)
    if scale < 1 and abs(1 / scale - parts) < 1e-9:
        share = f"1/{figure(parts, language)}"
    else:
        share = f"{scale:g}" if language == "en" else f"{scale:g}".replace(".", ",")
    return f"{days}, {say['scale']} {share}"


def _coverage(report: Report, language: str) -> str:
    """Of how many of the days that were asked for the ledger holds anything."""
    assert report.asked is not None, "what is not held was asked for"
    first, last = (date_text(day.isoformat(), language) for day in report.asked)
    held, asked = report.held_days, (report.asked[1] - report.asked[0]).days + 1
    return words(language)["coverage"].format(held=held, asked=asked, first=first, last=last)


def date_text(iso: str, language: str) -> str:
    """A date (and time) as people of the language write it; English keeps ISO 8601."""
    date, _, time = iso.partition("T")
    year, month, day = date.split("-")
    written = date if language == "en" else f"{int(day)}.{int(month)}.{year}"
    if not time:
        return written
    clock = time.replace(":", ".") if language == "fi" else time
    return f"{written} {'kl. ' if language == 'sv' else 'klo ' if language == 'fi' else ''}{clock}"


def breakdown_table(report: Report, table: Table, language: str) -> RichTable:
    """A table by dimensions; a cell that is withheld shows a dash of its own."""
    shown = RichTable(
        title=f"{table_title(table, language)}, {period_text(report, language)}",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    for column in columns_of(table.cut.by):
        shown.add_column(column_title(column, language))
    for title in measure_titles(table, language):
        shown.add_column(title, justify="right", no_wrap=True)
    for key, figures, share in table.rows:
        names = [
            report.name(column, value, language)
            for column, value in zip(table.columns, key, strict=True)
        ]
        shown.add_row(*names, *measure_texts(table, figures, share, language))
    return shown


def both_ends(table: Table) -> bool:
    """Whether a delivery counts at its sender and at its receiver."""
    return any(column.endswith("-end") for column in table.columns)


def shown_measures(table: Table) -> tuple[str, ...]:
    """The measures of a table that people are shown, by name: all but bytes."""
    return tuple(name for name in table.measures if name != "bytes")


def measure_titles(table: Table, language: str) -> list[str]:
    """What the measures that people are shown are called."""
    return [measure_title(name, language) for name in shown_measures(table)]


def measure_title(name: str, language: str) -> str:
    """What a measure of a table is called."""
    called = {"share_percent": "share", "messages_a_case": "messages-a-case"}
    return words(language)[called.get(name, name)]


def measure_texts(
    table: Table, figures: Figures | None, share: float | None, language: str
) -> list[str]:
    """The measures of a cell as people are shown them."""
    if figures is None:
        return [WITHHELD] * len(shown_measures(table))
    told = measures(table, figures, share)
    return [
        percent(told[name], language) if name == "share_percent" else figure(told[name], language)
        for name in shown_measures(table)
    ]


def share_figures(part: Part) -> tuple[Any, ...]:
    """What is told of a part of a whole: counted, in per cent, published, in per cent; dots for
    what is withheld.
    """
    counted = (part.counted, part.counted_percent)
    told = (WITHHELD if part.withheld and each is None else each for each in counted)
    return (*told, part.published, part.published_percent)


def notes(report: Report, language: str) -> list[str]:
    """The sources and assumptions, and whether small counts are withheld: a line each."""
    texts = [text[language] for text in (*report.cuts.sources, *report.cuts.assumptions)]
    return [*texts, *openness(report, language)]


def openness(report: Report, language: str) -> list[str]:
    """Whether the report is open data, how its small counts are withheld, and which tables can't
    be offered.
    """
    say = words(language)
    if not report.open_data:
        return [say["not-open"]]
    if report.not_open:
        return [f"{say['not-offered']}: {report.not_open[language]}."]
    lost = ", ".join(report.not_offered)
    return [
        say["suppression"],
        *([f"{say['revised']}: {report.revision}"] if report.revision else []),
        *([say["tables-not-offered"].format(tables=lost)] if lost else []),
    ]


def table_text(
    report: Report,
    language: str,
    table: Table | None = None,
    width: int = 150,
    more: Sequence[str] = (),
) -> str:
    """The rows (or a table by dimensions) as plain text with its notes and `more`, lines at most
    `width` characters.
    """
    say = words(language)
    console = Console(file=io.StringIO(), width=width, force_terminal=False, color_system=None)
    if table is None:
        console.print(text_table(report.rows, report.lines, report.period, language))
    else:
        console.print(breakdown_table(report, table, language))
        if both_ends(table):
            console.print(f"\n{say['both-ends']}", highlight=False, markup=False)
    console.print(
        f"\n{say['counted-period']}: {period_text(report, language)}", highlight=False, markup=False
    )
    for note in [*notes(report, language), *more]:
        console.print(note, highlight=False, markup=False)
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"

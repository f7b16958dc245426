"""A table by dimensions as a text table (rich), and words that every form for people shares; the
rows' table is the statistics' own.
"""

from __future__ import annotations

import io
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from rich.console import Console
from rich.table import Table as RichTable

from exchange.statistics.breakdown import ASKED, columns_of
from exchange.statistics.report import Report, Table
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
    if report.period.days < 1:
        days += f" ({round(report.period.days * 1440)} min)"
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
    say = words(language)
    shown = RichTable(
        title=f"{table_title(table, language)}, {period_text(report, language)}",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    for column in columns_of(table.cut.by):
        shown.add_column(column_title(column, language))
    measures = (
        "messages",
        "items",
        "share",
        *(("cases", "messages-a-case") if table.cut.cases else ()),
    )
    for measure in measures:
        shown.add_column(say[measure], justify="right", no_wrap=True)
    for key, figures, share in table.rows:
        names = [
            report.name(column, value, language)
            for column, value in zip(table.columns, key, strict=True)
        ]
        if figures is None:
            shown.add_row(*names, *(WITHHELD,) * len(measures))
        else:
            told = [
                figure(figures.messages, language),
                figure(figures.items, language),
                percent(share, language),
            ]
            if table.cut.cases:
                told += [figure(figures.begun, language), figure(figures.messages_a_case, language)]
            shown.add_row(*names, *told)
    return shown


def notes(report: Report, language: str) -> list[str]:
    """The sources and assumptions, and whether small counts are withheld: a line each."""
    say = words(language)
    texts = [text[language] for text in (*report.cuts.sources, *report.cuts.assumptions)]
    return [*texts, say["suppression" if report.open_data else "not-open"]]


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
    console.print(
        f"\n{say['counted-period']}: {period_text(report, language)}", highlight=False, markup=False
    )
    for note in [*notes(report, language), *more]:
        console.print(note, highlight=False, markup=False)
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"

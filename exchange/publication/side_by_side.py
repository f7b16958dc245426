"""Runs of simulated years side by side, as CSV, JSON, a workbook and a page of their own: what each
counted beside what was published, and by how much each differs from the first.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from exchange.publication.comparison import PEAKS_NOTE, Counted, Pair, compare
from exchange.publication.csv_json import written
from exchange.publication.measures import number as told
from exchange.publication.templates import template
from exchange.publication.text import date_text, unit_text, words
from exchange.statistics.rows import LANGUAGES
from exchange.statistics.table import figure, percent

#: At least, and at most, so many are laid side by side.
TEMPLATE = Path(__file__).with_name("side_by_side.html")
RUNS_MIN, RUNS_MAX = 2, 6
#: The section of the rates to provide for.
PEAKS = "peaks"


@dataclass(frozen=True, slots=True)
class Side:
    """A run by its name, the changes that it was asked for, and what it counted."""

    name: str
    changes: tuple[str, ...]
    counted: Counted


@dataclass(frozen=True, slots=True)
class Beside:
    """A row: what was published for as much traffic (`scaled`; None of rates), and of each run what
    it counted and how that differs from the first (None where one of them counted nothing).
    """

    section: str
    id: str
    title: Mapping[str, str]
    unit: str
    published: Any
    scaled: Any
    counted: tuple[float | None, ...]
    differences: tuple[Pair | None, ...]


def beside(sides: Sequence[Side]) -> list[Beside]:
    """The rows of runs, and their rates in the busiest minute, hour and day.

    Raises:
        ValueError: when there are too few or too many, or they are not of the same year, scale and
        days: their figures could not be compared.
    """
    if not RUNS_MIN <= len(sides) <= RUNS_MAX:
        raise ValueError("2 to 6 runs are laid side by side")
    first, *others = (side.counted for side in sides)
    if any(each.period != first.period for each in others):
        raise ValueError("runs of the same year, scale and days are laid side by side")
    pairs = [{pair.id: pair for pair in compare(first, each)} for each in (first, *others)]
    found = [
        Beside(
            section=row.section,
            id=row.row,
            title=row.title,
            unit=row.unit,
            published=row.published,
            scaled=row.scaled,
            counted=tuple(_counted(side.counted, row.row) for side in sides),
            differences=tuple(of_side.get(row.row) for of_side in pairs[1:]),
        )
        for row in first.rows
    ]
    rows = {row.row for row in first.rows}
    found += [
        Beside(
            section=PEAKS,
            id=pair.id,
            title=pair.title,
            unit=pair.unit,
            published=None,
            scaled=None,
            counted=tuple(of_side[pair.id].changed for of_side in pairs),
            differences=tuple(of_side[pair.id] for of_side in pairs[1:]),
        )
        for pair in pairs[0].values()
        if pair.id not in rows
    ]
    return found


def _counted(run: Counted, row_id: str) -> float | None:
    return next((row.counted for row in run.rows if row.row == row_id), None)


def section_title(sides: Sequence[Side], section: str, language: str) -> str:
    """What a section of rows is called."""
    if section == PEAKS:
        return words(language)["busiest"]
    title = sides[0].counted.sections.get(section, {})
    return title.get(language, section)


def period_of(sides: Sequence[Side], language: str) -> str:
    """The days that were lived, and the scale."""
    period = sides[0].counted.period
    scale = f"{words(language)['scale']} 1/{figure(round(1 / period.scale), language)}"
    if period.first is None or period.last is None:
        return scale
    first, last = (date_text(day.isoformat(), language) for day in (period.first, period.last))
    return f"{first}\u2013{last}, {scale}"


def to_csv(sides: Sequence[Side], rows: Sequence[Beside], language: str) -> bytes:
    """A line for each row and run; the first run has no difference."""
    titles = [f"title_{each}" for each in LANGUAGES]
    figures = ("scaled", "published", "counted", "difference", "difference_percent")
    lines = [
        (
            row.id,
            *(row.title[each] for each in LANGUAGES),
            row.unit,
            side.name,
            *(told(row.scaled), told(row.published), row.counted[number]),
            *_difference(row, number),
        )
        for row in rows
        for number, side in enumerate(sides)
    ]
    return written(("row", *titles, "unit", "run", *figures), lines).encode()


def to_json(sides: Sequence[Side], rows: Sequence[Beside], language: str) -> bytes:
    """Everything as one document."""
    document = {
        "period": sides[0].counted.period.model_dump(mode="json"),
        "runs": [{"name": side.name, "what_if": list(side.changes)} for side in sides],
        "rows": [
            {
                "row": row.id,
                "title": dict(row.title),
                "unit": row.unit,
                "scaled": row.scaled,
                "published": row.published,
                "runs": [
                    {
                        "name": side.name,
                        "counted": row.counted[number],
                        **dict(
                            zip(
                                ("difference", "difference_percent"),
                                _difference(row, number),
                                strict=True,
                            )
                        ),
                    }
                    for number, side in enumerate(sides)
                ],
            }
            for row in rows
        ],
    }
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()


def _difference(row: Beside, number: int) -> tuple[float | None, float | None]:
    """By how much a run differs from the first, and in per cent; None of the first itself."""
    pair = row.differences[number - 1] if number else None
    if pair is None:
        return None, None
    return told(pair.difference), told(pair.difference_percent)


def to_xlsx(sides: Sequence[Side], rows: Sequence[Beside], language: str) -> bytes:
    """A workbook of one sheet."""
    # What writes it is large, and who serves pages seldom needs it.
    import xlsxwriter

    from exchange.publication.workbook import CREATED, Sheet, band_text

    say = words(language)
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    book.set_properties({"title": say["side-by-side"], "created": CREATED})
    sheet = Sheet(book, say["side-by-side"])
    sheet.title(say["side-by-side"], period_of(sides, language))
    heads = [say["row-title"], say["unit"], say["published"], say["scaled"], sides[0].name]
    for side in sides[1:]:
        heads += [side.name, say["difference"], say["difference-percent"]]
    sheet.head(heads)
    for section, some in groupby(rows, key=lambda row: row.section):
        sheet.line([section_title(sides, section, language)], "bold")
        for row in some:
            cells: list[Any] = [row.title[language], unit_text(row.unit, language)]
            cells += [band_text(told(row.published)), band_text(told(row.scaled)), row.counted[0]]
            for number in range(1, len(sides)):
                cells += [row.counted[number], *_difference(row, number)]
            sheet.line(cells)
    sheet.line([PEAKS_NOTE[language]])
    sheet.close()
    book.close()
    return out.getvalue()


def to_html(sides: Sequence[Side], rows: Sequence[Beside], language: str) -> bytes:
    """A page in one file, without a script."""
    return (
        template(TEMPLATE)
        .render(
            language=language,
            say=words(language),
            sides=sides,
            period=period_of(sides, language),
            sections=sections(sides, rows, language),
            note=PEAKS_NOTE[language],
        )
        .encode()
    )


def sections(sides: Sequence[Side], rows: Sequence[Beside], language: str) -> list[Any]:
    """The rows as texts, by section: what pages show."""
    return [
        (
            section_title(sides, section, language),
            [
                {
                    "id": row.id,
                    "title": row.title[language].replace(" -", " \u2011"),
                    # (The titles of rates tell theirs.)
                    "unit": unit_text(row.unit, language) if section != PEAKS else "",
                    "published": figure(row.published, language),
                    "scaled": figure(row.scaled, language),
                    "counted": [figure(each, language) for each in row.counted],
                    "differences": [
                        ("", "")
                        if pair is None
                        else (
                            signed(pair.difference, language),
                            percent(pair.difference_percent, language, signed=True),
                        )
                        for pair in row.differences
                    ],
                    "differs": any(
                        pair is not None and pair.difference for pair in row.differences
                    ),
                }
                for row in some
            ],
        )
        for section, some in groupby(rows, key=lambda row: row.section)
    ]


def signed(value: float, language: str) -> str:
    """A difference with its sign."""
    return ("+" if value > 0 else "") + figure(value, language)


#: The files, by their suffix.
FILES: Mapping[str, Callable[[Sequence[Side], Sequence[Beside], str], bytes]] = {
    "html": to_html,
    "xlsx": to_xlsx,
    "csv": to_csv,
    "json": to_json,
}

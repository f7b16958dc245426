"""The exchange statistics as a text table (rich), in Finnish, Swedish or English; no counting and
no files.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

from rich.table import Table
from rich.text import Text

from exchange.statistics.count import Line, Period
from exchange.statistics.rows import Published, Rows

WORDS = {
    "fi": {
        "title": "Tiedonvälityksen tunnuslukuja",
        "counted": "Laskettu",
        "published": "Julkaistu",
        "expected": "Odotettu",
        "difference": "Ero %",
        "share": "Osuus %",
        "no-type-yet": "ei vielä sanomatyyppiä",
        "not-held": "ei tallessa",
        "no-whole-day": "ei täyttä päivää",
        "missing": "* osa virroista puuttuu: niillä ei ole vielä sanomatyyppiä",
    },
    "sv": {
        "title": "Nyckeltal för informationsförmedlingen",
        "counted": "Räknat",
        "published": "Publicerat",
        "expected": "Väntat",
        "difference": "Skillnad %",
        "share": "Andel %",
        "no-type-yet": "ingen meddelandetyp ännu",
        "not-held": "finns inte i loggen",
        "no-whole-day": "ingen hel dag",
        "missing": "* en del av flödena saknas: de har ingen meddelandetyp ännu",
    },
    "en": {
        "title": "Exchange statistics",
        "counted": "Counted",
        "published": "Published",
        "expected": "Expected",
        "difference": "Difference %",
        "share": "Share %",
        "no-type-yet": "no message type yet",
        "not-held": "not held",
        "no-whole-day": "no whole day",
        "missing": "* some flows are missing: they have no message type yet",
    },
}
NO_BREAK_SPACE = "\u00a0"
#: Stands for a figure that is withheld for being small.
WITHHELD = "··"


def figure(value: Published | tuple[float, float] | float | None, language: str = "en") -> str:
    """A figure for a person: thousands apart, no decimals from 100 up, a band with a dash; empty
    when there is none.
    """
    if value is None:
        return ""
    if isinstance(value, tuple):
        return f"{figure(value[0], language)}\u2013{figure(value[1], language)}"
    decimals = 0 if value == int(value) or abs(value) >= 100 else 1
    return _in(language, f"{value:,.{decimals}f}")


def euros(value: Decimal, language: str = "en") -> str:
    """An amount in euros for a person: thousands apart, two decimals, no sign of the currency."""
    return _in(language, f"{value:,.2f}")


def percent(value: float | None, language: str = "en", signed: bool = False) -> str:
    """A percentage for a person, to two digits that say something; empty when there is none."""
    if value is None:
        return ""
    if value == 0:
        return "0"
    decimals = 1 if abs(value) >= 0.95 else min(6, 1 - math.floor(math.log10(abs(value))))
    return _in(language, f"{value:{'+' if signed else ''},.{decimals}f}")


def _in(language: str, text: str) -> str:
    text = text.replace(",", NO_BREAK_SPACE).replace("-", "\u2212")
    return text if language == "en" else text.replace(".", ",")


def text_table(rows: Rows, lines: Sequence[Line], period: Period, language: str = "en") -> Table:
    """The lines by section: of a whole year the difference from what was expected, of less the
    share of the year published, and neither of a period that is held in part.
    """
    words = WORDS[language]
    scaled = period.whole and any(line.expected != line.published for line in lines)
    table = Table(title=words["title"], title_justify="left", box=None, pad_edge=False)
    table.add_column("", overflow="fold")
    headings = [
        words["counted"],
        f"{words['published']} {period.year}",
        *([words["expected"]] if scaled else []),
    ]
    if period.complete:
        headings.append(words["difference" if period.whole else "share"])
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    section = None
    for line in lines:
        if line.row.section != section:
            section = line.row.section
            table.add_row(Text(rows.sections[section][language], style="bold"))
        text = counted_text(line, language)
        shown = Text(text, style="dim") if line.counted is None else text
        last = (
            percent(line.difference_percent, language, True)
            if period.whole
            else percent(line.share_percent, language)
        )
        cells = [
            shown,
            figure(line.published, language),
            *([figure(line.expected, language)] if scaled else []),
            *([last] if period.complete else []),
        ]
        table.add_row("  " + line.row.title[language], *cells)
    if any(line.missing and line.counted is not None for line in lines):
        table.caption, table.caption_justify = words["missing"], "left"
    return table


def counted_text(line: Line, language: str) -> str:
    """What was counted, with a mark when flows are missing from a sum; when there is none, why."""
    if line.counted is None:
        return WITHHELD if line.withheld else WORDS[language][line.state]
    return figure(line.counted, language) + ("*" if line.missing else "")

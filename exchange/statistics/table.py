"""The exchange statistics as a text table (rich), in Finnish, Swedish or English; no counting and no files."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from exchange.statistics.count import Line, Period
from exchange.statistics.rows import Published, Rows

WORDS = {
    "fi": ("Tiedonvälityksen tunnuslukuja", "Laskettu", "Julkaistu {year}", "Odotettu", "Ero %", "ei vielä sanomatyyppiä"),
    "sv": (
        "Nyckeltal för informationsförmedlingen",
        "Räknat",
        "Publicerat {year}",
        "Väntat",
        "Skillnad %",
        "ingen meddelandetyp ännu",
    ),
    "en": ("Exchange statistics", "Counted", "Published {year}", "Expected", "Difference %", "no message type yet"),
}


def figure(value: Published | tuple[float, float] | float | None) -> str:
    """A figure for a person: thousands apart, no decimals from 100 up, a band with a dash; empty when there is none."""
    if value is None:
        return ""
    if isinstance(value, tuple):
        return f"{figure(value[0])}-{figure(value[1])}"
    decimals = 0 if value == int(value) or abs(value) >= 100 else 1
    return f"{value:,.{decimals}f}".replace(",", "\u00a0")


def percent(value: float | None) -> str:
    """A difference for a person, with its sign; empty when there is none."""
    if value is None:
        return ""
    return "0" if value == 0 else f"{value:+.1f}"


def text_table(rows: Rows, lines: Sequence[Line], period: Period, language: str = "en") -> Table:
    """The lines by section. Expected figures are shown where they differ from the published ones."""
    title, counted, published, expected, difference, no_type = WORDS[language]
    scaled = any(line.expected != line.published for line in lines)
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("", overflow="fold")
    headings = [counted, published.format(year=period.year), *([expected] if scaled else []), difference]
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    section = None
    for line in lines:
        if line.row.section != section:
            section = line.row.section
            table.add_row(Text(rows.sections[section][language], style="bold"))
        shown = Text(no_type, style="dim") if line.counted is None else figure(line.counted) + ("*" if line.missing else "")
        cells = [shown, figure(line.published), *([figure(line.expected)] if scaled else []), percent(line.difference_percent)]
        table.add_row("  " + line.row.title[language], *cells)
    if any(line.missing for line in lines):
        table.caption = {
            "fi": "* osa virroista puuttuu: niillä ei ole vielä sanomatyyppiä",
            "sv": "* en del av flödena saknas: de har ingen meddelandetyp ännu",
            "en": "* some flows are missing: they have no message type yet",
        }[language]
        table.caption_justify = "left"
    return table

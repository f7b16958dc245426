"""Two simulated years side by side: every row without and with a change, and the peaks to provide
for; no simulation.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from exchange.statistics.report import Report
from exchange.statistics.rows import LANGUAGES
from exchange.statistics.table import figure, percent

PEAK_TITLES = {
    "minute": {"fi": "Vilkkain minuutti", "sv": "Livligaste minuten", "en": "Busiest minute"},
    "hour": {"fi": "Vilkkain tunti", "sv": "Livligaste timmen", "en": "Busiest hour"},
    "day": {"fi": "Vilkkain päivä", "sv": "Livligaste dagen", "en": "Busiest day"},
}
#: What is provided for: the measure of peaks, what its rows' ids begin with, its unit, and its
#: name.
RATES = (
    (
        "received",
        "peak",
        "messages/s",
        {"fi": "sanomia/s", "sv": "meddelanden/s", "en": "messages/s"},
    ),
    (
        "received-items",
        "peak-items",
        "items/s",
        {"fi": "tietueita/s", "sv": "poster/s", "en": "items/s"},
    ),
)
HEADINGS = {
    "fi": ("Rivi", "Ilman", "Kanssa", "Ero", "Ero %"),
    "sv": ("Rad", "Utan", "Med", "Skillnad", "Skillnad %"),
    "en": ("Row", "Without", "With", "Difference", "Difference %"),
}
TITLES = {"fi": "Entä jos", "sv": "Tänk om", "en": "What if"}
PEAKS_NOTE = {
    "fi": "Huiput on jaettu mittakaavalla: ne ovat kaiken sen, mitä organisaatiot lähettävät.",
    "sv": "Topparna är delade med skalan: de gäller allt som organisationer skickar.",
    "en": "Peaks are divided by the scale: they are those of all that partners send.",
}


@dataclass(frozen=True, slots=True)
class Pair:
    """A figure without and with the change; `title` by language."""

    id: str
    title: Mapping[str, str]
    unit: str
    without: float
    changed: float

    @property
    def difference(self) -> float:
        """By how much the change makes it more."""
        return self.changed - self.without

    @property
    def difference_percent(self) -> float | None:
        """The same in per cent of what it was; None when it was nothing."""
        return 100 * self.difference / self.without if self.without else None


def compare(without: Report, changed: Report) -> list[Pair]:
    """The rows that both counted, then the rates at which partners send in the busiest minute, hour
    and day, divided by the scale.
    """
    after = {line.row.id: line.counted for line in changed.lines}
    pairs = []
    for line in without.lines:
        other = after.get(line.row.id)
        if line.counted is not None and other is not None:
            pairs.append(
                Pair(
                    id=line.row.id,
                    title=line.row.title,
                    unit=line.row.unit,
                    without=line.counted,
                    changed=other,
                )
            )
    for measure, begins, unit, name in RATES:
        rates = [_rates(report, measure) for report in (without, changed)]
        for grain, title in PEAK_TITLES.items():
            titles = {language: f"{title[language]}, {name[language]}" for language in LANGUAGES}
            pairs.append(
                Pair(
                    id=f"{begins}.{grain}",
                    title=titles,
                    unit=unit,
                    without=rates[0].get(grain, 0.0),
                    changed=rates[1].get(grain, 0.0),
                )
            )
    return pairs


def _rates(report: Report, measure: str) -> dict[str, float]:
    """The busiest rates by a measure, of the whole traffic."""
    return {
        peak.grain: peak.a_second / report.period.scale
        for peak in report.peaks
        if peak.measure == measure
    }


def comparison_csv(pairs: Sequence[Pair]) -> str:
    """A table with a head (RFC 4180)."""
    out = io.StringIO()
    writer = csv.writer(out)
    titles = [f"title_{language}" for language in LANGUAGES]
    writer.writerow(["row", *titles, "unit", "without", "with", "difference", "difference_percent"])
    for pair in pairs:
        share = pair.difference_percent
        figures = [
            _number(pair.without),
            _number(pair.changed),
            _number(pair.difference),
            "" if share is None else _number(share),
        ]
        writer.writerow(
            [pair.id, *(pair.title[language] for language in LANGUAGES), pair.unit, *figures]
        )
    return out.getvalue()


def comparison_text(
    pairs: Sequence[Pair], changes: Sequence[str], language: str = "en", width: int = 120
) -> str:
    """The same for a person."""
    table = Table(
        title=f"{TITLES[language]}: {', '.join(changes)}",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    for heading in HEADINGS[language]:
        table.add_column(
            heading,
            justify="left" if heading == HEADINGS[language][0] else "right",
            no_wrap=heading != HEADINGS[language][0],
        )
    for pair in pairs:
        cells = (figure(value, language) for value in (pair.without, pair.changed, pair.difference))
        table.add_row(
            pair.title[language],
            *cells,
            percent(pair.difference_percent, language, True),
            style="bold" if pair.difference else "",
        )
    table.caption, table.caption_justify = PEAKS_NOTE[language], "left"
    out = io.StringIO()
    Console(file=out, width=width).print(table)
    return out.getvalue()


def _number(value: float) -> int | float:
    return int(value) if float(value).is_integer() else round(value, 4)

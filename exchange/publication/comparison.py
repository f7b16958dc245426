"""Two simulated years beside each other: every row of one and of the other, and the peaks to
provide for; what is compared is read of a report's JSON.
"""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from rich.console import Console
from rich.table import Table

from exchange.publication.measures import number
from exchange.statistics.peaks import Grain, seconds_of
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


Number = int | float


class _Part(BaseModel):
    """A part of a report's JSON (see `csv_json.document`); what is not named here is left out."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class CountedPeriod(_Part):
    """What was counted: the published year, the days, and the share of the traffic."""

    year: int
    first: datetime.date | None
    last: datetime.date | None
    scale: float = Field(gt=0)


class CountedRow(_Part):
    """A row; a band is a list of two. `counted` is None where nothing could be counted."""

    section: str
    row: str
    title: Mapping[str, str]
    unit: str
    counted: Number | None
    scaled: Number | tuple[Number, Number] | None
    published: Number | tuple[Number, Number] | None


def _date_in(moment: object) -> object:
    """The date of a moment in ISO 8601; what is none is for the model to refuse."""
    return moment[:10] if isinstance(moment, str) else moment


class CountedPeak(_Part):
    """A busiest minute, hour or day, and the date on which it began."""

    grain: Grain
    measure: str
    date: Annotated[datetime.date, BeforeValidator(_date_in)] = Field(validation_alias="start")
    count: int


class Counted(_Part):
    """What is compared of a report."""

    period: CountedPeriod
    sections: Mapping[str, Mapping[str, str]]
    rows: tuple[CountedRow, ...]
    busiest: tuple[CountedPeak, ...]


def counted(document: Any) -> Counted:
    """What is compared of a report's JSON, as `csv_json.document` makes it or a file has it.

    Raises:
        ValueError: when it is none.
    """
    return Counted.model_validate(document)


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


def compare(without: Counted, changed: Counted) -> list[Pair]:
    """The rows that both counted, then the rates at which partners send in the busiest minute, hour
    and day, divided by the scale.
    """
    after = {line.row: line.counted for line in changed.rows}
    pairs = []
    for line in without.rows:
        other = after.get(line.row)
        if line.counted is not None and other is not None:
            pairs.append(
                Pair(
                    id=line.row,
                    title=line.title,
                    unit=line.unit,
                    without=line.counted,
                    changed=other,
                )
            )
    for measure, begins, unit, name in RATES:
        rates = [_rates(each, measure) for each in (without, changed)]
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


def _rates(run: Counted, measure: str) -> dict[str, float]:
    """The busiest rates by a measure, of the whole traffic."""
    return {
        peak.grain: peak.count / seconds_of(peak.grain, peak.date) / run.period.scale
        for peak in run.busiest
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
            number(pair.without),
            number(pair.changed),
            number(pair.difference),
            "" if share is None else number(share),
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

"""From figures to the page (HTML) and to an event (the texts that change); no server and no
ledger.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from exchange.statistics.count import Line
from exchange.statistics.rows import Rows
from exchange.statistics.table import counted_text, figure, percent
from exchange.web.figures.today import EARLIER
from exchange.web.figures.today import KINDS as COMPARED
from exchange.web.pages.figures import KINDS, POINTS, RATED, Figures, Rates, ShownChannel
from exchange.web.pages.layout import moment, shared, template
from exchange.web.pages.overview_texts import ALL, NOT_HELD, day_texts, moment_texts, spans
from exchange.web.pages.receiver_rows import ROWS_MAX, ReceiverRow, receiver_rows
from exchange.web.pages.translations import LANGUAGES, OWN_NAMES

SPARK_WIDTH, SPARK_HEIGHT = 120, 24


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the statistics with its lines."""

    title: str
    lines: Sequence[Line]


class Renderer:
    """Texts change, the page's structure does not."""

    def __init__(self, channels: Sequence[ShownChannel], rows: Rows) -> None:
        self._channels = channels
        self._rows = rows
        self._modelled = {
            kind.name for channel in channels for kind in channel.types if kind.basis == "modelled"
        }
        self._known = {kind.name for channel in channels for kind in channel.types}

    def page(self, figures: Figures, rates: Rates, language: str, operator: str = "") -> str:
        """The whole page; with a way to sign out for an operator who signed in."""
        return template(language, "live.html").render(
            **shared(language, operator, "/"),
            languages=[(code, OWN_NAMES[code], f"?lang={code}") for code in LANGUAGES],
            channels=[*self._channels],
            kinds=KINDS,
            rated=RATED,
            year=figures.period.year,
            sections=list(self._sections(figures, language)),
            texts=self.texts(figures, rates, language),
            receivers=self._receivers(figures, language)[:ROWS_MAX],
            sparks=self.sparks(rates),
            modelled=self._is_modelled,
            partial=any(line.missing and line.counted is not None for line in figures.lines),
            spark_size=(SPARK_WIDTH, SPARK_HEIGHT),
            all=ALL,
            compared=COMPARED,
            earlier=[*EARLIER],
            spans=spans(figures.at),
            not_held=NOT_HELD,
            process=figures.process,
        )

    def event(self, figures: Figures, rates: Rates, language: str) -> str:
        """What a server-sent event carries: texts by field, lines by channel, when the days begin
        and end that are compared, and the rows of receivers, as JSON.
        """
        told = {
            "texts": self.texts(figures, rates, language),
            "sparks": self.sparks(rates),
            "spans": spans(figures.at),
            "receivers": [each.as_dict() for each in self._receivers(figures, language)[:ROWS_MAX]],
        }
        return json.dumps(told, ensure_ascii=False)

    def texts(self, figures: Figures, rates: Rates, language: str) -> dict[str, str]:
        """Every text of the page that changes, by field: `<channel>.<kind>`,
        `<channel>.<kind>.rate`, `row.<id>.counted`, ...
        """
        count = len(self._receivers(figures, language))
        texts: dict[str, str] = {"at": moment(figures.at, language), "receivers": str(count)}
        names = [channel.name for channel in self._channels]
        for name in (*names, ALL):
            of = names if name == ALL else [name]
            for kind in KINDS:
                texts[f"{name}.{kind}"] = figure(
                    sum(figures.channels.get(each, {}).get(kind, 0) for each in of), language
                )
            for kind in RATED:
                parts = [rates.per_second(each, kind) for each in of]
                texts[f"{name}.{kind}.rate"] = rate_text(
                    sum(part or 0.0 for part in parts), language
                )
        for line in figures.lines:
            texts[f"row.{line.row.id}.counted"] = counted_text(line, language)
            texts[f"row.{line.row.id}.share"] = percent(line.share_percent, language)
        return {
            **texts,
            **day_texts(figures, names, language),
            **moment_texts(figures, language),
        }

    def sparks(self, rates: Rates) -> dict[str, str]:
        """By channel, the points of the line of what was received a second, in the picture's
        coordinates.
        """
        return {channel.name: spark(rates.history(channel.name)) for channel in self._channels}

    def _receivers(self, figures: Figures, language: str) -> list[ReceiverRow]:
        return receiver_rows(figures.receivers, figures.at, language)

    def _sections(self, figures: Figures, language: str) -> Iterator[Section]:
        for section, lines in groupby(figures.lines, key=lambda line: line.row.section):
            yield Section(self._rows.sections[section][language], list(lines))

    def _is_modelled(self, line: Line) -> bool:
        """Whether every message type that a row counts is modelled."""
        covered = {
            name for name in self._known for selection in line.row.select if selection.covers(name)
        }
        return bool(covered) and covered <= self._modelled


def spark(history: Sequence[float]) -> str:
    """Points of a line, the newest at the right edge, the greatest at the top; empty before there
    are two.
    """
    if len(history) < 2:
        return ""
    top = max(*history, 1e-9)
    step = SPARK_WIDTH / (POINTS - 1)
    start = SPARK_WIDTH - step * (len(history) - 1)
    return " ".join(
        f"{start + step * i:.1f},{SPARK_HEIGHT - 1 - (SPARK_HEIGHT - 2) * v / top:.1f}"
        for i, v in enumerate(history)
    )


def rate_text(value: float, language: str) -> str:
    """So many a second, with a decimal below a hundred."""
    return figure(round(value, 1) if value < 100 else round(value), language)

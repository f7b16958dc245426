"""From figures to the page (HTML) and to an event (the texts that change); no server and no
ledger.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from exchange.statistics.count import Line
from exchange.statistics.rows import Rows
from exchange.statistics.table import counted_text, figure, percent
from exchange.web.pages.figures import KINDS, POINTS, RATED, Figures, Rates, ShownChannel
from exchange.web.pages.receiver_rows import ROWS_MAX, ReceiverRow, receiver_rows
from exchange.web.pages.translations import LANGUAGES, OWN_NAMES, gettext, ngettext

TEMPLATES = Path(__file__).with_name("templates")
SPARK_WIDTH, SPARK_HEIGHT = 120, 24
ALL = "all"


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the statistics with its lines."""

    title: str
    lines: Sequence[Line]


class Renderer:
    """Templates loaded once per language; texts change, the page's structure does not."""

    def __init__(self, channels: Sequence[ShownChannel], rows: Rows) -> None:
        self._channels = channels
        self._rows = rows
        self._modelled = {
            kind.name for channel in channels for kind in channel.types if kind.basis == "modelled"
        }
        self._known = {kind.name for channel in channels for kind in channel.types}
        self._templates = {language: _template(language, "live.html") for language in LANGUAGES}

    def page(self, figures: Figures, rates: Rates, language: str, operator: str = "") -> str:
        """The whole page; with a way to sign out for an operator who signed in."""
        return self._templates[language].render(
            language=language,
            operator=operator,
            languages=[(code, OWN_NAMES[code]) for code in LANGUAGES],
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
        )

    def event(self, figures: Figures, rates: Rates, language: str) -> str:
        """What a server-sent event carries: texts by field, lines by channel and the rows of
        receivers, as JSON.
        """
        told = {
            "texts": self.texts(figures, rates, language),
            "sparks": self.sparks(rates),
            "receivers": [each.as_dict() for each in self._receivers(figures, language)[:ROWS_MAX]],
        }
        return json.dumps(told, ensure_ascii=False)

    def texts(self, figures: Figures, rates: Rates, language: str) -> dict[str, str]:
        """Every text of the page that changes, by field: `<channel>.<kind>`,
        `<channel>.<kind>.rate`, `row.<id>.counted`, ...
        """
        count = len(self._receivers(figures, language))
        texts: dict[str, str] = {"at": clock_time(figures.at), "receivers": str(count)}
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
        return texts

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


def clock_time(milliseconds: int) -> str:
    """Date and time in UTC, to the second."""
    moment = datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def sign_in_page(language: str, failed: bool) -> str:
    """The form that takes an operator's key; `failed` when the last one was wrong."""
    return _sign_in_template(language).render(
        language=language,
        languages=[(code, OWN_NAMES[code]) for code in LANGUAGES],
        failed=failed,
    )


@cache
def _sign_in_template(language: str) -> Template:
    return _template(language, "sign_in.html")


def _template(language: str, name: str) -> Template:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, extensions=["jinja2.ext.i18n"],
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    i18n: Any = environment
    i18n.install_gettext_callables(gettext(language), ngettext(language), newstyle=True)
    environment.policies["ext.i18n.trimmed"] = True
    environment.filters["figure"] = figure
    return environment.get_template(name)

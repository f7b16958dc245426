"""A report as one HTML file with its charts in it, that needs no network and no script; what it
says stands in the template.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from markupsafe import Markup

from exchange.publication.charts.images import inline, to_svg
from exchange.publication.charts.specifications import Chart, band_summary, charts_of
from exchange.publication.quality import quality
from exchange.publication.row_descriptions import between, meanings
from exchange.publication.templates import template
from exchange.publication.text import (
    both_ends,
    column_title,
    date_text,
    measure_texts,
    measure_titles,
    openness,
    period_text,
    share_figures,
    table_title,
    unit_text,
    words,
)
from exchange.statistics.report import Part, Report
from exchange.statistics.rows import LANGUAGES
from exchange.statistics.table import counted_text, figure, percent

TEMPLATE = Path(__file__).with_name("report.html")
OWN_NAMES = {"fi": "Suomi", "sv": "Svenska", "en": "English"}


def to_html(
    report: Report,
    language: str,
    drawn: list[tuple[Chart, str]] | None = None,
    others: bool = False,
) -> str:
    """The page. `drawn` are the charts with their pictures (drawn here when not given); with
    `others` it links to its translations, which stand beside it as `report.<language>.html`.
    """
    if drawn is None:
        drawn = [(chart, to_svg(chart, language)) for chart in charts_of(report, language)]
    say = words(language)
    return template(TEMPLATE).render(
        report=report,
        language=language,
        languages=[(code, OWN_NAMES[code]) for code in LANGUAGES] if others else [],
        say=say,
        period=period_text(report, language),
        charts=[(chart, Markup(inline(svg, chart.name))) for chart, svg in drawn],
        sections=[
            (report.rows.sections[section][language], list(lines))
            for section, lines in groupby(report.lines, key=lambda line: line.row.section)
        ],
        meanings=[*between(report, language), *meanings(report, language)],
        partial=any(line.missing and line.counted is not None for line in report.lines),
        counted=lambda line: counted_text(line, language),
        unit=lambda unit: unit_text(unit, language),
        figure=lambda value: figure(value, language),
        signed=lambda value: _signed(value, language),
        percent=lambda value, signed=False: percent(value, language, signed),
        date=lambda iso: date_text(iso, language),
        both_ends=both_ends,
        quality=quality(report, language),
        openness=openness(report, language),
        measure_titles=lambda table: measure_titles(table, language),
        measure_texts=lambda table, figures, share: measure_texts(table, figures, share, language),
        share_texts=lambda part: _share_texts(part, language),
        table_title=lambda table: table_title(table, language),
        column=lambda name: column_title(name, language),
        name=lambda column, key: report.name(column, key, language),
        band_summary=lambda band: band_summary(band, language),
    )


def _share_texts(part: Part, language: str) -> list[str]:
    counted, counted_percent, published, published_percent = share_figures(part)
    return [
        counted if isinstance(counted, str) else figure(counted, language),
        counted_percent if isinstance(counted_percent, str) else percent(counted_percent, language),
        figure(published, language),
        percent(published_percent, language),
    ]


def _signed(value: float | None, language: str) -> str:
    """A difference for a person: whole from 100 up, below that to two digits that say something."""
    if value is None or abs(value) < 100:
        return percent(value, language, signed=True)
    return ("+" if value > 0 else "") + figure(value, language)

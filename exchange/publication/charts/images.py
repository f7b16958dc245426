"""Drawing a chart to SVG and PNG (vl-convert: no browser, no network), the same bytes each time;
what is drawn stands in `specifications`.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

import vl_convert

from exchange.publication.charts.specifications import Chart
from exchange.publication.palette import themed

#: Pixels of a PNG for one of the chart.
PNG_SCALE = 2.0
#: Roles and descriptions that the drawing library gives to each mark and axis.
_ROLES = re.compile(r' (?:role|aria-[a-z]+)="[^"]*"')
_LOCALES = {"fi": "fi-FI", "sv": "sv-SE", "en": "en-GB"}
#: Thousands apart as in the tables.
_ENGLISH = {"decimal": ".", "thousands": "\u00a0", "grouping": [3], "currency": ["", ""]}


def to_svg(chart: Chart, language: str) -> str:
    """The chart as a picture of its own, with its title and what it shows as texts for readers that
    can't see it.
    """
    svg: str = vl_convert.vegalite_to_svg(chart.spec, **_options(language))
    return _described(svg, chart)


def to_png(svg: str) -> bytes:
    """A picture as pixels: what was drawn is not worked out again."""
    png: bytes = vl_convert.svg_to_png(svg, scale=PNG_SCALE)
    return png


def inline(svg: str, name: str) -> str:
    """The picture as a part of a page: as wide as there is room for, its colours the page's, its
    ids its own.
    """
    svg = re.sub(r'(id="|url\(#)(clip|gradient)', rf"\1{name}-\2", svg)
    svg = re.sub(r'id="(title|description)"', rf'id="{name}-\1"', svg)
    svg = svg.replace(
        'aria-labelledby="title description"',
        f'aria-labelledby="{name}-title {name}-description"',
        1,
    )
    return themed(svg)


def _described(svg: str, chart: Chart) -> str:
    # What is within a picture has no role of its own for who reads it, and must name none.
    svg = _ROLES.sub("", svg)
    texts = (
        f'<title id="title">{escape(chart.title)}</title><desc '
        f'id="description">{escape(chart.alternative)}</desc>'
    )
    opening = svg.index(">") + 1
    return (
        svg[: opening - 1]
        + ' role="img" aria-labelledby="title description">'
        + texts
        + svg[opening:]
        + "\n"
    )


def _options(language: str) -> dict[str, Any]:
    locale = _LOCALES[language]
    return {
        "format_locale": _ENGLISH if language == "en" else locale,
        "time_format_locale": locale,
        "vl_version": "6.4",
    }

"""Pieces of Vega-Lite specifications that several charts share; no chart of its own."""

from __future__ import annotations

import textwrap
from typing import Any

from exchange.publication.palette import LIGHT
from exchange.publication.text import period_text, words
from exchange.statistics.report import Report

WIDTH = 640


LABEL_CHARACTERS = 58


SCHEMA = "https://vega.github.io/schema/vega-lite/v6.4.1.json"


#: A part of a Vega-Lite chart.
Spec = dict[str, Any]


def values_of(values: list[dict[str, Any]]) -> Spec:
    return {"values": values}


def encoded(field: str, kind: str, title: str | None = None) -> Spec:
    """A channel of the picture that shows a field."""
    return {"field": field, "type": kind, "title": title}


def legend_of(domain: list[str], marks: list[str], **legend: Any) -> Spec:
    """How kinds are told apart, with a legend on top."""
    return {
        "scale": {"domain": domain, "range": marks},
        "legend": {"title": None, "orient": "top", **legend},
    }


def heading(text: str, size: int) -> Spec:
    """The title of a part of a chart."""
    return {"text": text, "anchor": "start", "frame": "group", "fontSize": size}


def section_of(
    layers: list[Spec], values: list[dict[str, Any]], title: Spec, width: int, step: int
) -> Spec:
    """A part of a chart: layers over the same values, each row of them `step` pixels high."""
    titled = [{**layer, "title": title} for layer in layers]
    return {"data": values_of(values), "layer": titled, "width": width, "height": {"step": step}}


def axis_lines(limit: int, extent: int, grid: bool = False) -> Spec:
    """An axis whose labels stand in lines, the middle of them at the tick."""
    first_line = {
        "condition": {"test": r"indexof(datum.label, '\n') >= 0", "value": -6},
        "value": 0,
    }
    split = r"split(datum.label, '\n')"
    return {
        "labelExpr": split,
        "labelLimit": limit,
        "minExtent": extent,
        "grid": grid,
        "labelOffset": first_line,
    }


def wrapped(text: str, characters: int) -> str:
    """A label in lines: the axis splits it there."""
    return "\n".join(textwrap.wrap(text, characters))


def specification(
    chart: Spec, title: str, report: Report, language: str, reading: str = ""
) -> Spec:
    """The Vega-Lite form with the title, how to read it, what was counted, the source, and how
    everything looks.
    """
    under = [
        *([reading] if reading else []),
        period_text(report, language),
        words(language)["source-line"],
    ]
    axis = {
        "labelColor": LIGHT["ink"],
        "titleColor": LIGHT["quiet"],
        "labelFontSize": 11,
        "titleFontSize": 11,
    }
    axis["titleFontWeight"] = "normal"
    config = {
        "font": "Liberation Sans, Arial, Helvetica, sans-serif",
        "aria": False,
        "view": {"stroke": None, "continuousWidth": 300, "continuousHeight": 300},
        "title": {"color": LIGHT["ink"], "fontSize": 16, "subtitleColor": LIGHT["quiet"], "subtitleFontSize": 11, "subtitlePadding": 5},
        "axis": axis | {"gridColor": LIGHT["grid"], "domainColor": LIGHT["grid"], "tickColor": LIGHT["grid"]},
        "legend": axis | {"labelLimit": 320, "titleLimit": 320, "symbolSize": 70},
        "text": {"fontSize": 11},
    }  # fmt: skip
    heading = {"text": title, "subtitle": under, "anchor": "start", "offset": 14}
    return {
        "$schema": SCHEMA,
        "title": heading,
        "background": LIGHT["ground"],
        "padding": 14,
        **chart,
        "config": config,
    }

"""The charts of a report as Vega-Lite (plain JSON data), each with a text that says what it shows; drawing them stands in `drawing`."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from exchange.publication.palette import HEAT, LIGHT
from exchange.publication.text import date_text, period_text, words
from exchange.statistics.days import number_of
from exchange.statistics.report import Band, Report
from exchange.statistics.table import figure, percent

WIDTH = 640
DAY_MILLISECONDS = 86_400_000
#: Up to so many days are drawn as bars, more as a curve.
BARS_MAX = 45
LABEL_CHARACTERS = 58
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.4.1.json"

#: A part of a Vega-Lite chart.
Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: its file name without a suffix, its title, what it says to who can't see it, and its Vega-Lite form."""

    name: str
    title: str
    alternative: str
    spec: Spec


def charts_of(report: Report, language: str) -> Iterator[Chart]:
    """Every chart that there is something to draw of."""
    for band in report.bands:
        if any(day.count for day in band.days):
            yield _days(report, band, language)
    if any(line.counted for line in report.lines):
        yield _rows(report, language)
    if any(part.counted for share in report.shares for part in share.parts):
        yield _shares(report, language)
    if report.hours:
        yield _hours(report, language)


def band_summary(band: Band, language: str) -> str:
    """How many working days lie within the band, below and above, in a sentence."""
    places = [day.place for day in band.days if day.working]
    counts = {"working": len(places), "within": places.count(0), "below": places.count(-1), "above": places.count(1)}
    return words(language)["band-summary"].format(**{name: figure(count, language) for name, count in counts.items()})


def _days(report: Report, band: Band, language: str) -> Chart:
    say = words(language)
    free = say["free-day"]
    kinds: dict[int | None, str] = {None: free, 0: f"{say['working-day']}, {say['within']}"}
    outside: dict[int | None, str] = {-1: f"{say['working-day']}, {say['below']}", 1: f"{say['working-day']}, {say['above']}"}
    kinds.update(outside)
    values = [
        {"date": number_of(day.date) * DAY_MILLISECONDS, "end": (number_of(day.date) + 1) * DAY_MILLISECONDS,
         "count": day.count, "kind": kinds[day.place]}
        for day in band.days
    ]  # fmt: skip
    present = [kind for kind in kinds.values() if any(value["kind"] == kind for value in values)]
    colours = {free: LIGHT["free"], kinds[0]: LIGHT["counted"], **dict.fromkeys(outside.values(), LIGHT["outside"])}
    shapes = {free: "circle", kinds[0]: "circle", outside[-1]: "triangle-down", outside[1]: "triangle-up"}
    x, y = _day_axis(len(band.days), language), _of("count", "quantitative", say["chart-messages-a-day"])
    y |= {"stack": None, "axis": {"format": ",.0f", "tickCount": 6}}
    colour = _of("kind", "nominal") | _told(present, [colours[kind] for kind in present], symbolOpacity=1)
    shape = _of("kind", "nominal") | _told(present, [shapes[kind] for kind in present])
    data = _data(values)
    layers: list[Spec] = [
        {
            "data": _data([{"low": band.low, "high": band.high}]),
            "mark": {"type": "rect", "color": LIGHT["band"], "opacity": 1},
            "encoding": {"y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}},
        }
    ]
    if len(band.days) <= BARS_MAX:
        bar = {"type": "bar", "stroke": LIGHT["ground"], "strokeWidth": 1}
        encoding = {"x": x, "x2": {"field": "end"}, "y": y, "y2": {"datum": 0}, "color": colour}
        layers.append({"data": data, "mark": bar, "encoding": encoding})
    else:
        line = {"type": "line", "color": LIGHT["free"], "strokeWidth": 1}
        working = [{"filter": {"not": {"field": "kind", "equal": free}}}]
        layers.append({"data": data, "transform": working, "mark": line, "encoding": {"x": x, "y": y}})
        point = {"type": "point", "size": 22, "filled": True, "opacity": 1}
        layers.append({"data": data, "mark": point, "encoding": {"x": x, "y": y, "color": colour, "shape": shape}})
    most = max(band.days, key=lambda day: day.count)
    alternative = say["chart-days-alt"].format(
        first=date_text(band.days[0].date.isoformat(), language),
        last=date_text(band.days[-1].date.isoformat(), language),
        summary=band_summary(band, language),
        low=figure(band.low, language),
        high=figure(band.high, language),
        most=f"{date_text(most.date.isoformat(), language)}, {figure(most.count, language)}",
    )
    title = f"{band.cut.title[language]} {say['chart-days']}"
    reading = f"{say['band']} {figure((band.low, band.high), language)}"
    chart: Spec = {"layer": layers, "width": WIDTH, "height": 300}
    return Chart("days", title, alternative, _spec(chart, title, report, language, reading))


def _day_axis(days: int, language: str) -> Spec:
    axis: Spec = {"format": "%b", "tickCount": "month", "labelAlign": "left", "labelOffset": 4}
    if days <= BARS_MAX:
        every = {"interval": "day", "step": 1} if days < 15 else 10
        axis = {"format": "%-d.%-m." if language != "en" else "%-d %b", "tickCount": every}
    return _of("date", "temporal") | {"scale": {"type": "utc"}, "axis": axis}


def _shares(report: Report, language: str) -> Chart:
    say = words(language)
    parts: list[Spec] = []
    said: list[str] = []
    sides = [say["counted"], f"{say['published']} {report.period.year}"]
    for share in report.shares:
        values = []
        for part in share.parts:
            for side, value in zip(sides, (part.counted_percent, part.published_percent), strict=True):
                if value is not None:
                    label = f"{percent(value, language)} %"
                    values.append({"part": _wrapped(part.title[language], 34), "side": side, "percent": value, "label": label})
            shown = (percent(part.counted_percent, language), percent(part.published_percent, language))
            said.append(f"{part.title[language]} {shown[0] or '-'} ({shown[1] or '-'}) %")
        places = {
            "y": _of("part", "nominal") | {"sort": None, "axis": _lines(260, 200)},
            "yOffset": {"field": "side", "type": "nominal", "sort": sides, "scale": {"paddingInner": 0.1}},
            "x": _of("percent", "quantitative")
            | {"scale": {"domain": [0, 100]}, "axis": {"values": [0, 25, 50, 75, 100], "labelExpr": "datum.value + ' %'"}},
        }
        colour = _of("side", "nominal") | _told(sides, [LIGHT["counted"], LIGHT["published"]])
        text = {"type": "text", "align": "left", "dx": 4, "color": LIGHT["ink"]}
        bars = {"mark": {"type": "bar"}, "encoding": places | {"color": colour}}
        labels = {"mark": text, "encoding": places | {"text": {"field": "label", "type": "nominal"}}}
        title = _over(share.cut.title[language], 13)
        parts.append(_part([bars, labels], values, title, WIDTH - 200, 17))
    title_of_all = say["chart-shares"]
    chart: Spec = {"vconcat": parts, "spacing": 22}
    return Chart("shares", title_of_all, f"{title_of_all}: {'; '.join(said)}.", _spec(chart, title_of_all, report, language))


def _rows(report: Report, language: str) -> Chart:
    say = words(language)
    sides = [say["counted"], f"{say['published']} × {say['scale']}"]
    sections: list[tuple[list[dict[str, Any]], str]] = []
    ratios: list[float] = []
    figures = [v for line in report.lines for v in (line.counted, line.expected) if isinstance(v, (int, float)) and v > 0]
    domain = [10 ** math.floor(math.log10(min(figures))), 10 ** math.ceil(math.log10(max(figures) * 1.01))]
    for section, titles in report.rows.sections.items():
        values: list[dict[str, Any]] = []
        for line in report.lines:
            if line.row.section != section or not isinstance(line.expected, (int, float)) or line.counted is None:
                continue
            # A figure published in round numbers agrees with whatever rounds to it.
            agrees = line.difference == 0
            ratio = 100.0 if agrees else 100 * line.counted / line.expected
            ratios.append(ratio)
            label = {
                "row": _wrapped(line.row.title[language], LABEL_CHARACTERS),
                "ratio": "≈\u00a0100 %" if agrees and line.counted != line.expected else f"{_ratio(ratio, language)} %",
            }
            values.append({**label, "side": sides[1], "value": line.expected})
            if line.counted > 0:
                values.append({**label, "side": sides[0], "value": line.counted})
        if values:
            sections.append((values, titles[language]))
    alternative = say["chart-rows-alt"].format(
        least=_ratio(min(ratios), language) if ratios else "-", most=_ratio(max(ratios), language) if ratios else "-"
    )
    ends = (0, len(sections) - 1)
    drawn = [
        _section(values, title, domain, sides, index == ends[0], index == ends[1])
        for index, (values, title) in enumerate(sections)
    ]
    chart: Spec = {"vconcat": drawn, "spacing": 10}
    return Chart(
        "rows", say["chart-rows"], alternative, _spec(chart, say["chart-rows"], report, language, say["chart-rows-under"])
    )


def _section(values: list[dict[str, Any]], title: str, domain: list[float], sides: list[str], first: bool, last: bool) -> Spec:
    """A section's rows on a logarithmic line; the first has the legend, the last the axis."""
    powers = [10.0**power for power in range(round(math.log10(domain[0])), round(math.log10(domain[1])) + 1)]
    axis = {"values": powers, "format": ",~r", "labels": last, "ticks": last, "domain": last}
    y = _of("row", "nominal") | {"sort": None, "axis": _lines(360, 330, grid=True)}
    x = _of("value", "quantitative") | {"scale": {"type": "log", "domain": domain}, "axis": axis}
    colour = _of("side", "nominal") | _told(sides, [LIGHT["counted"], LIGHT["published"]])
    shape = _of("side", "nominal") | _told(sides, ["circle", "diamond"])
    if not first:
        colour["legend"] = shape["legend"] = None
    of = [[{"filter": {"field": "side", "equal": side}}] for side in sides]
    encoding = {"y": y, "x": x, "color": colour, "shape": shape}
    expected = {"type": "point", "filled": False, "size": 150, "strokeWidth": 2, "opacity": 1}
    counted = {"type": "point", "filled": True, "size": 45, "opacity": 1}
    ratio = {"y": y, "x": {"value": WIDTH - 260 + 8}, "text": {"field": "ratio", "type": "nominal"}}
    layers: list[Spec] = [
        {"transform": of[1], "mark": expected, "encoding": encoding},
        {"transform": of[0], "mark": counted, "encoding": encoding},
        {"transform": of[1], "mark": {"type": "text", "align": "left", "color": LIGHT["ink"]}, "encoding": ratio},
    ]
    return _part(layers, values, _over(title, 12), WIDTH - 260, 28)


def _ratio(value: float, language: str) -> str:
    text = f"{value:,.2f}" if 0.01 <= value < 1000 else f"{value:.2g}" if value < 0.01 else f"{value:,.0f}"
    text = text.replace(",", "\u00a0")
    return text if language == "en" else text.replace(".", ",")


def _hours(report: Report, language: str) -> Chart:
    say = words(language)
    names = [report.name("weekday", str(day), language) for day in range(1, 8)]
    cells = [
        {"weekday": names[day - 1], "hour": f"{hour:02}", "count": report.hours.get((day, hour), 0.0)}
        for day in range(1, 8)
        for hour in range(24)
    ]
    top = max(report.hours.values())
    steps = [top * step / len(HEAT) for step in range(1, len(HEAT))]
    form = ",.0f" if top >= 20 else ",.2~f"
    colour = {
        "field": "count",
        "type": "quantitative",
        "scale": {"type": "threshold", "domain": steps, "range": list(HEAT)},
        "legend": {"title": say["chart-hours-legend"], "format": form, "gradientLength": 200},
    }
    chart: Spec = {
        "data": _data(cells),
        "mark": {"type": "rect", "stroke": LIGHT["ground"], "strokeWidth": 1},
        "encoding": {
            "x": _of("hour", "ordinal", say["chart-hours-axis"]) | {"axis": {"labelAngle": 0}},
            "y": _of("weekday", "ordinal") | {"sort": names, "axis": {"minExtent": 84}},
            "color": colour,
        },
        "width": WIDTH - 40,
        "height": {"step": 26},
    }
    (weekday, hour), most = max(report.hours.items(), key=lambda entry: (entry[1], entry[0]))
    alternative = say["chart-hours-alt"].format(weekday=names[weekday - 1], hour=f"{hour:02}", most=figure(most, language))
    return Chart("hours", say["chart-hours"], alternative, _spec(chart, say["chart-hours"], report, language))


def _data(values: list[dict[str, Any]]) -> Spec:
    return {"values": values}


def _of(field: str, kind: str, title: str | None = None) -> Spec:
    """A channel of the picture that shows a field."""
    return {"field": field, "type": kind, "title": title}


def _told(domain: list[str], marks: list[str], **legend: Any) -> Spec:
    """How kinds are told apart, with a legend on top."""
    return {"scale": {"domain": domain, "range": marks}, "legend": {"title": None, "orient": "top", **legend}}


def _over(text: str, size: int) -> Spec:
    """The title of a part of a chart."""
    return {"text": text, "anchor": "start", "frame": "group", "fontSize": size}


def _part(layers: list[Spec], values: list[dict[str, Any]], title: Spec, width: int, step: int) -> Spec:
    """A part of a chart: layers over the same values, each row of them `step` pixels high."""
    titled = [{**layer, "title": title} for layer in layers]
    return {"data": _data(values), "layer": titled, "width": width, "height": {"step": step}}


def _lines(limit: int, extent: int, grid: bool = False) -> Spec:
    """An axis whose labels stand in lines, the middle of them at the tick."""
    first_line = {"condition": {"test": r"indexof(datum.label, '\n') >= 0", "value": -6}, "value": 0}
    split = r"split(datum.label, '\n')"
    return {"labelExpr": split, "labelLimit": limit, "minExtent": extent, "grid": grid, "labelOffset": first_line}


def _wrapped(text: str, characters: int) -> str:
    """A label in lines: the axis splits it there."""
    return "\n".join(textwrap.wrap(text, characters))


def _spec(chart: Spec, title: str, report: Report, language: str, reading: str = "") -> Spec:
    """The Vega-Lite form with the title, how to read it, what was counted, the source, and how everything looks."""
    under = [*([reading] if reading else []), period_text(report, language), words(language)["source-line"]]
    axis = {"labelColor": LIGHT["ink"], "titleColor": LIGHT["quiet"], "labelFontSize": 11, "titleFontSize": 11}
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
    return {"$schema": SCHEMA, "title": heading, "background": LIGHT["ground"], "padding": 14, **chart, "config": config}

"""The charts of a report as Vega-Lite (plain JSON data), each with a text that says what it shows;
`images` draws them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from exchange.publication.charts.vega_lite import (
    LABEL_CHARACTERS,
    WIDTH,
    Spec,
    axis_lines,
    encoded,
    heading,
    legend_of,
    section_of,
    specification,
    values_of,
    wrapped,
)
from exchange.publication.palette import HEAT, LIGHT
from exchange.publication.text import date_text, words
from exchange.statistics.days import number_of
from exchange.statistics.report import Band, Report
from exchange.statistics.table import figure, percent

DAY_MILLISECONDS = 86_400_000
#: Up to so many days are drawn as bars, more as a curve.
BARS_MAX = 45


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: its file name without a suffix, its title, what it says to who can't see it, and its
    Vega-Lite form.
    """

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
    counts = {
        "working": len(places),
        "within": places.count(0),
        "below": places.count(-1),
        "above": places.count(1),
    }
    return words(language)["band-summary"].format(
        **{name: figure(count, language) for name, count in counts.items()}
    )


def _days(report: Report, band: Band, language: str) -> Chart:
    say = words(language)
    free = say["free-day"]
    kinds: dict[int | None, str] = {None: free, 0: f"{say['working-day']}, {say['within']}"}
    outside: dict[int | None, str] = {
        -1: f"{say['working-day']}, {say['below']}",
        1: f"{say['working-day']}, {say['above']}",
    }
    kinds.update(outside)
    values = [
        {"date": number_of(day.date) * DAY_MILLISECONDS, "end": (number_of(day.date) + 1) * DAY_MILLISECONDS,
         "count": day.count, "kind": kinds[day.place]}
        for day in band.days
    ]  # fmt: skip
    present = [kind for kind in kinds.values() if any(value["kind"] == kind for value in values)]
    colours = {
        free: LIGHT["free"],
        kinds[0]: LIGHT["counted"],
        **dict.fromkeys(outside.values(), LIGHT["outside"]),
    }
    shapes = {
        free: "circle",
        kinds[0]: "circle",
        outside[-1]: "triangle-down",
        outside[1]: "triangle-up",
    }
    x, y = (
        _day_axis(len(band.days), language),
        encoded("count", "quantitative", say["chart-messages-a-day"]),
    )
    y |= {"stack": None, "axis": {"format": ",.0f", "tickCount": 6}}
    colour = encoded("kind", "nominal") | legend_of(
        present, [colours[kind] for kind in present], symbolOpacity=1
    )
    shape = encoded("kind", "nominal") | legend_of(present, [shapes[kind] for kind in present])
    layers = _day_layers(band, values_of(values), free, x, y, colour, shape)
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
    return Chart("days", title, alternative, specification(chart, title, report, language, reading))


def _day_layers(
    band: Band, data: Spec, free: str, x: Spec, y: Spec, colour: Spec, shape: Spec
) -> list[Spec]:
    """The band behind, and the days as bars, or as a line with points when there are many."""
    layers: list[Spec] = [
        {
            "data": values_of([{"low": band.low, "high": band.high}]),
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
        layers.append(
            {"data": data, "transform": working, "mark": line, "encoding": {"x": x, "y": y}}
        )
        point = {"type": "point", "size": 22, "filled": True, "opacity": 1}
        layers.append(
            {
                "data": data,
                "mark": point,
                "encoding": {"x": x, "y": y, "color": colour, "shape": shape},
            }
        )
    return layers


def _day_axis(days: int, language: str) -> Spec:
    axis: Spec = {"format": "%b", "tickCount": "month", "labelAlign": "left", "labelOffset": 4}
    if days <= BARS_MAX:
        every = {"interval": "day", "step": 1} if days < 15 else 10
        axis = {"format": "%-d.%-m." if language != "en" else "%-d %b", "tickCount": every}
    return encoded("date", "temporal") | {"scale": {"type": "utc"}, "axis": axis}


def _shares(report: Report, language: str) -> Chart:
    say = words(language)
    parts: list[Spec] = []
    said: list[str] = []
    sides = [say["counted"], f"{say['published']} {report.period.year}"]
    for share in report.shares:
        values = []
        for part in share.parts:
            for side, value in zip(
                sides, (part.counted_percent, part.published_percent), strict=True
            ):
                if value is not None:
                    label = f"{percent(value, language)} %"
                    values.append(
                        {
                            "part": wrapped(part.title[language], 34),
                            "side": side,
                            "percent": value,
                            "label": label,
                        }
                    )
            shown = (
                percent(part.counted_percent, language),
                percent(part.published_percent, language),
            )
            said.append(f"{part.title[language]} {shown[0] or '-'} ({shown[1] or '-'}) %")
        places = {
            "y": encoded("part", "nominal") | {"sort": None, "axis": axis_lines(260, 200)},
            "yOffset": {
                "field": "side",
                "type": "nominal",
                "sort": sides,
                "scale": {"paddingInner": 0.1},
            },
            "x": encoded("percent", "quantitative")
            | {
                "scale": {"domain": [0, 100]},
                "axis": {"values": [0, 25, 50, 75, 100], "labelExpr": "datum.value + ' %'"},
            },
        }
        colour = encoded("side", "nominal") | legend_of(
            sides, [LIGHT["counted"], LIGHT["published"]]
        )
        text = {"type": "text", "align": "left", "dx": 4, "color": LIGHT["ink"]}
        bars = {"mark": {"type": "bar"}, "encoding": places | {"color": colour}}
        labels = {
            "mark": text,
            "encoding": places | {"text": {"field": "label", "type": "nominal"}},
        }
        title = heading(share.cut.title[language], 13)
        parts.append(section_of([bars, labels], values, title, WIDTH - 200, 17))
    title_of_all = say["chart-shares"]
    chart: Spec = {"vconcat": parts, "spacing": 22}
    return Chart(
        "shares",
        title_of_all,
        f"{title_of_all}: {'; '.join(said)}.",
        specification(chart, title_of_all, report, language),
    )


def _rows(report: Report, language: str) -> Chart:
    say = words(language)
    sides = [say["counted"], f"{say['published']} × {say['scale']}"]
    sections: list[tuple[list[dict[str, Any]], str]] = []
    ratios: list[float] = []
    figures = [
        v
        for line in report.lines
        for v in (line.counted, line.expected)
        if isinstance(v, (int, float)) and v > 0
    ]
    domain = [
        10 ** math.floor(math.log10(min(figures))),
        10 ** math.ceil(math.log10(max(figures) * 1.01)),
    ]
    for section, titles in report.rows.sections.items():
        values: list[dict[str, Any]] = []
        for line in report.lines:
            if (
                line.row.section != section
                or not isinstance(line.expected, (int, float))
                or line.counted is None
            ):
                continue
            # A figure published in round numbers agrees with whatever rounds to it.
            agrees = line.difference == 0
            ratio = 100.0 if agrees else 100 * line.counted / line.expected
            ratios.append(ratio)
            label = {
                "row": wrapped(line.row.title[language], LABEL_CHARACTERS),
                "ratio": "≈\u00a0100 %"
                if agrees and line.counted != line.expected
                else f"{_ratio(ratio, language)} %",
            }
            values.append({**label, "side": sides[1], "value": line.expected})
            if line.counted > 0:
                values.append({**label, "side": sides[0], "value": line.counted})
        if values:
            sections.append((values, titles[language]))
    alternative = say["chart-rows-alt"].format(
        least=_ratio(min(ratios), language) if ratios else "-",
        most=_ratio(max(ratios), language) if ratios else "-",
    )
    ends = (0, len(sections) - 1)
    drawn = [
        _section(values, title, domain, sides, index == ends[0], index == ends[1])
        for index, (values, title) in enumerate(sections)
    ]
    chart: Spec = {"vconcat": drawn, "spacing": 10}
    return Chart(
        "rows",
        say["chart-rows"],
        alternative,
        specification(chart, say["chart-rows"], report, language, say["chart-rows-under"]),
    )


def _section(
    values: list[dict[str, Any]],
    title: str,
    domain: list[float],
    sides: list[str],
    first: bool,
    last: bool,
) -> Spec:
    """A section's rows on a logarithmic line; the first has the legend, the last the axis."""
    powers = [
        10.0**power
        for power in range(round(math.log10(domain[0])), round(math.log10(domain[1])) + 1)
    ]
    axis = {"values": powers, "format": ",~r", "labels": last, "ticks": last, "domain": last}
    y = encoded("row", "nominal") | {"sort": None, "axis": axis_lines(360, 330, grid=True)}
    x = encoded("value", "quantitative") | {
        "scale": {"type": "log", "domain": domain},
        "axis": axis,
    }
    colour = encoded("side", "nominal") | legend_of(sides, [LIGHT["counted"], LIGHT["published"]])
    shape = encoded("side", "nominal") | legend_of(sides, ["circle", "diamond"])
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
        {
            "transform": of[1],
            "mark": {"type": "text", "align": "left", "color": LIGHT["ink"]},
            "encoding": ratio,
        },
    ]
    return section_of(layers, values, heading(title, 12), WIDTH - 260, 28)


def _ratio(value: float, language: str) -> str:
    text = (
        f"{value:,.2f}"
        if 0.01 <= value < 1000
        else f"{value:.2g}"
        if value < 0.01
        else f"{value:,.0f}"
    )
    text = text.replace(",", "\u00a0")
    return text if language == "en" else text.replace(".", ",")


def _hours(report: Report, language: str) -> Chart:
    say = words(language)
    names = [report.name("weekday", str(day), language) for day in range(1, 8)]
    cells = [
        {
            "weekday": names[day - 1],
            "hour": f"{hour:02}",
            "count": report.hours.get((day, hour), 0.0),
        }
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
        "data": values_of(cells),
        "mark": {"type": "rect", "stroke": LIGHT["ground"], "strokeWidth": 1},
        "encoding": {
            "x": encoded("hour", "ordinal", say["chart-hours-axis"]) | {"axis": {"labelAngle": 0}},
            "y": encoded("weekday", "ordinal") | {"sort": names, "axis": {"minExtent": 84}},
            "color": colour,
        },
        "width": WIDTH - 40,
        "height": {"step": 26},
    }
    (weekday, hour), most = max(report.hours.items(), key=lambda entry: (entry[1], entry[0]))
    alternative = say["chart-hours-alt"].format(
        weekday=names[weekday - 1], hour=f"{hour:02}", most=figure(most, language)
    )
    return Chart(
        "hours",
        say["chart-hours"],
        alternative,
        specification(chart, say["chart-hours"], report, language),
    )

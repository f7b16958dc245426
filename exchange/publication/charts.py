"""The charts of a report (altair), each with a text that says what it shows; drawing them to SVG and PNG stands in `drawing`."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import altair as alt

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


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: its file name without a suffix, its title, what it says to who can't see it, and its Vega-Lite form."""

    name: str
    title: str
    alternative: str
    spec: dict[str, Any]


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
    kinds: dict[int | None, str] = {None: say["free-day"], 0: f"{say['working-day']}, {say['within']}"}
    outside: dict[int | None, str] = {-1: f"{say['working-day']}, {say['below']}", 1: f"{say['working-day']}, {say['above']}"}
    kinds.update(outside)
    values = [
        {"date": number_of(day.date) * DAY_MILLISECONDS, "end": (number_of(day.date) + 1) * DAY_MILLISECONDS,
         "count": day.count, "kind": kinds[day.place]}
        for day in band.days
    ]  # fmt: skip
    present = [kind for kind in kinds.values() if any(value["kind"] == kind for value in values)]
    colours = {kinds[None]: LIGHT["free"], kinds[0]: LIGHT["counted"], **dict.fromkeys(outside.values(), LIGHT["outside"])}
    shapes = {kinds[None]: "circle", kinds[0]: "circle", outside[-1]: "triangle-down", outside[1]: "triangle-up"}
    bars = len(band.days) <= BARS_MAX
    base = alt.Chart(_data(values))
    x = alt.X(
        "date:T",
        scale=alt.Scale(type="utc"),
        title=None,
        axis=alt.Axis(
            format="%-d.%-m." if language != "en" else "%-d %b",
            tickCount={"interval": "day", "step": 1} if len(band.days) < 15 else 10,
        )
        if bars
        else alt.Axis(format="%b", tickCount="month", labelAlign="left", labelOffset=4),
    )
    y = alt.Y("count:Q", stack=None, title=say["chart-messages-a-day"], axis=alt.Axis(format=",.0f", tickCount=6))
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=present, range=[colours[kind] for kind in present]),
        legend=alt.Legend(title=None, orient="top", symbolOpacity=1),
    )
    shape = alt.Shape(
        "kind:N",
        scale=alt.Scale(domain=present, range=[shapes[kind] for kind in present]),
        legend=alt.Legend(title=None, orient="top"),
    )
    reading = f"{say['band']} {figure((band.low, band.high), language)}"
    ends = _data([{"low": band.low, "high": band.high}])
    layers: list[Any] = [alt.Chart(ends).mark_rect(color=LIGHT["band"], opacity=1).encode(y="low:Q", y2="high:Q")]
    if bars:
        layers.append(
            base.mark_bar(stroke=LIGHT["ground"], strokeWidth=1).encode(x=x, x2="end:T", y=y, y2=alt.Y2Datum(0), color=colour)
        )
    else:
        working = base.transform_filter(alt.datum.kind != kinds[None])
        layers.append(working.mark_line(color=LIGHT["free"], strokeWidth=1).encode(x=x, y=y))
        layers.append(base.mark_point(size=22, filled=True, opacity=1).encode(x=x, y=y, color=colour, shape=shape))
    chart = alt.layer(*layers).properties(width=WIDTH, height=300)
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
    return Chart("days", title, alternative, _spec(chart, title, report, language, reading))


def _shares(report: Report, language: str) -> Chart:
    say = words(language)
    parts: list[Any] = []
    said: list[str] = []
    sides = (say["counted"], f"{say['published']} {report.period.year}")
    for share in report.shares:
        values = []
        for part in share.parts:
            for side, value in zip(sides, (part.counted_percent, part.published_percent), strict=True):
                if value is not None:
                    label = f"{percent(value, language)} %"
                    values.append({"part": _wrapped(part.title[language], 34), "side": side, "percent": value, "label": label})
            shown = (percent(part.counted_percent, language), percent(part.published_percent, language))
            said.append(f"{part.title[language]} {shown[0] or '-'} ({shown[1] or '-'}) %")
        base = alt.Chart(_data(values), title=alt.TitleParams(share.cut.title[language], anchor="start", frame="group", fontSize=13)).encode(
            y=alt.Y("part:N", sort=None, title=None, axis=_lines(260, 200)),
            yOffset=alt.YOffset("side:N", sort=list(sides), scale=alt.Scale(paddingInner=0.1)),
            x=alt.X("percent:Q", title=None, scale=alt.Scale(domain=[0, 100]), axis=alt.Axis(values=[0, 25, 50, 75, 100], labelExpr="datum.value + ' %'")),
        )  # fmt: skip
        colour = alt.Color(
            "side:N",
            scale=alt.Scale(domain=list(sides), range=[LIGHT["counted"], LIGHT["published"]]),
            legend=alt.Legend(title=None, orient="top"),
        )
        bars = base.mark_bar().encode(color=colour)
        labels = base.mark_text(align="left", dx=4, color=LIGHT["ink"]).encode(text="label:N")
        parts.append(alt.layer(bars, labels).properties(width=WIDTH - 200, height=alt.Step(17)))
    alternative = f"{say['chart-shares']}: {'; '.join(said)}."
    return Chart(
        "shares", say["chart-shares"], alternative, _spec(alt.vconcat(*parts, spacing=22), say["chart-shares"], report, language)
    )


def _rows(report: Report, language: str) -> Chart:
    say = words(language)
    sides = (say["counted"], f"{say['published']} × {say['scale']}")
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
    chart = alt.vconcat(*drawn, spacing=10)
    return Chart(
        "rows", say["chart-rows"], alternative, _spec(chart, say["chart-rows"], report, language, say["chart-rows-under"])
    )


def _section(
    values: list[dict[str, Any]], title: str, domain: list[float], sides: tuple[str, str], first: bool, last: bool
) -> Any:
    """A section's rows on a logarithmic line; the first has the legend, the last the axis."""
    base = alt.Chart(
        _data(values), title=alt.TitleParams(title, anchor="start", frame="group", fontSize=12)
    ).encode(
        y=alt.Y("row:N", sort=None, title=None, axis=_lines(360, 330, grid=True)),
    )  # fmt: skip
    powers = [10.0**power for power in range(round(math.log10(domain[0])), round(math.log10(domain[1])) + 1)]
    axis = alt.Axis(values=powers, format=",~r", labels=last, ticks=last, domain=last)
    x = alt.X("value:Q", title=None, scale=alt.Scale(type="log", domain=domain), axis=axis)
    legend = alt.Legend(title=None, orient="top") if first else None
    colour = alt.Color("side:N", scale=alt.Scale(domain=list(sides), range=[LIGHT["counted"], LIGHT["published"]]), legend=legend)
    shape = alt.Shape("side:N", scale=alt.Scale(domain=list(sides), range=["circle", "diamond"]), legend=legend)
    counted = base.transform_filter(alt.datum.side == sides[0]).mark_point(filled=True, size=45, opacity=1)
    published = base.transform_filter(alt.datum.side == sides[1])
    expected = published.mark_point(filled=False, size=150, strokeWidth=2, opacity=1)
    ratio = published.mark_text(align="left", color=LIGHT["ink"])
    return alt.layer(
        expected.encode(x=x, color=colour, shape=shape),
        counted.encode(x=x, color=colour, shape=shape),
        ratio.encode(x=alt.value(WIDTH - 260 + 8), text="ratio:N"),
    ).properties(width=WIDTH - 260, height=alt.Step(28))


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
    chart = (
        alt.Chart(_data(cells))
        .mark_rect(stroke=LIGHT["ground"], strokeWidth=1)
        .encode(
            x=alt.X("hour:O", title=say["chart-hours-axis"], axis=alt.Axis(labelAngle=0)),
            y=alt.Y("weekday:O", sort=names, title=None, axis=alt.Axis(minExtent=84)),
            color=alt.Color(
                "count:Q",
                scale=alt.Scale(type="threshold", domain=steps, range=list(HEAT)),
                legend=alt.Legend(title=say["chart-hours-legend"], format=",.0f" if top >= 20 else ",.2~f", gradientLength=200),
            ),
        )
        .properties(width=WIDTH - 40, height=alt.Step(26))
    )
    (weekday, hour), most = max(report.hours.items(), key=lambda entry: (entry[1], entry[0]))
    alternative = say["chart-hours-alt"].format(weekday=names[weekday - 1], hour=f"{hour:02}", most=figure(most, language))
    return Chart("hours", say["chart-hours"], alternative, _spec(chart, say["chart-hours"], report, language))


def _data(values: list[dict[str, Any]]) -> Any:
    return alt.Data(values=values)  # type: ignore[no-untyped-call]


def _lines(limit: int, extent: int, grid: bool = False) -> Any:
    """An axis whose labels stand in lines, the middle of them at the tick."""
    first_line = {"condition": {"test": r"indexof(datum.label, '\n') >= 0", "value": -6}, "value": 0}
    axis = alt.Axis(labelExpr=r"split(datum.label, '\n')", labelLimit=limit, minExtent=extent, grid=grid)
    axis["labelOffset"] = first_line
    return axis


def _wrapped(text: str, characters: int) -> str:
    """A label in lines: the axis splits it there."""
    return "\n".join(textwrap.wrap(text, characters))


def _spec(chart: Any, title: str, report: Report, language: str, reading: str = "") -> dict[str, Any]:
    """The Vega-Lite form with the title, how to read it, what was counted, the source, and how everything looks."""
    under = [*([reading] if reading else []), period_text(report, language), words(language)["source-line"]]
    styled = chart.properties(
        title=alt.TitleParams(title, subtitle=under, anchor="start", offset=14), background=LIGHT["ground"], padding=14
    ).configure(
        font="Liberation Sans, Arial, Helvetica, sans-serif",
        aria=False,
        view=alt.ViewConfig(stroke=None),
        title=alt.TitleConfig(color=LIGHT["ink"], fontSize=16, subtitleColor=LIGHT["quiet"], subtitleFontSize=11, subtitlePadding=5),
        axis=alt.AxisConfig(labelColor=LIGHT["ink"], titleColor=LIGHT["quiet"], gridColor=LIGHT["grid"], domainColor=LIGHT["grid"],
                            tickColor=LIGHT["grid"], labelFontSize=11, titleFontSize=11, titleFontWeight="normal"),
        legend=alt.LegendConfig(labelColor=LIGHT["ink"], titleColor=LIGHT["quiet"], labelFontSize=11, titleFontSize=11,
                                titleFontWeight="normal", labelLimit=320, titleLimit=320, symbolSize=70),
        text=alt.MarkConfig(fontSize=11),
    )  # fmt: skip
    spec: dict[str, Any] = styled.to_dict()
    return spec

"""The page of the exchange statistics of any period: counted beside published, charts, and every
form as a file; counting and drawing lie elsewhere.

They are made in a process of their own: what draws charts lets nothing else run meanwhile in the
process that it is in, for up to half a second (vl-convert keeps the interpreter's lock).
"""

from __future__ import annotations

import calendar
import datetime
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor
from dataclasses import replace
from itertools import groupby
from typing import Any, NamedTuple

from aiohttp import web
from markupsafe import Markup

from exchange.ports import Clock
from exchange.publication.drawing_process import DrawingProcess
from exchange.publication.palette import DARK, LIGHT
from exchange.statistics.days import FINLAND
from exchange.statistics.report import Report
from exchange.statistics.rows import Rows
from exchange.statistics.suppression import as_open_data
from exchange.statistics.table import counted_text, figure, percent
from exchange.web.access.guard import Guard, Need
from exchange.web.operation import problem_response
from exchange.web.pages.layout import HEADERS, language_of, page, what_is_wrong
from exchange.web.pages.translations import LANGUAGES, gettext

#: Makes the report of a year to compare with and of days [first, end). It is handed to another
#: process.
Reporting = Callable[[int, datetime.date | None, datetime.date | None], Report]

#: The files, by their suffix, with the name of their form and their media type.
FILES = {
    "html": ("html", "text/html"),
    "xlsx": ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "csv": ("csv", "text/csv"),
    "json": ("json", "application/json"),
    "json-stat.json": ("json-stat", "application/json"),
}
#: Of the file that is a page of its own, with its style in it.
OWN_STYLE = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
#: Why figures for JSON-stat, whose small counts are withheld, are no open data here.
_NOT_OPEN = "made by an operator's page: small counts are withheld, and it is published nowhere"


class Asked(NamedTuple):
    """The published year that is compared with, and the first and the last day that are counted."""

    year: int
    first: datetime.date | None
    last: datetime.date | None


class StatisticsPage:
    """The handlers. The process begins with the first report, and makes one at a time."""

    def __init__(self, rows: Rows, reporting: Reporting, clock: Clock) -> None:
        self._rows = rows
        self._clock = clock
        self._reporting = reporting
        self._process = DrawingProcess()

    def attach(self, app: web.Application, guard: Guard) -> None:
        """Add the routes; the colours of the charts are for everybody, as the other assets."""
        app.router.add_get("/statistics", self.show)
        app.router.add_get("/statistics/statistics.{suffix}", self.give)
        guard.declare(app.router.add_get("/live/palette.css", _palette), Need(""))
        app.on_cleanup.append(self._close)

    async def show(self, request: web.Request) -> web.Response:
        """The form, and the statistics of the period."""
        language, query = language_of(request), request.query
        given = {name: query.get(name, "").strip() for name in ("year", "from", "until")}
        wrong, shown = "", dict[str, Any]()
        try:
            asked = self._asked(query)
            given["year"] = str(asked.year)
            shown = await self._made(_shown, asked, language)
        except ValueError as error:
            wrong = what_is_wrong(error, language)
        charts = [{**each, "svg": Markup(each["svg"])} for each in shown.pop("charts", ())]
        return page(
            request,
            "statistics.html",
            status=400 if wrong else 200,
            wrong=wrong,
            given=given,
            years=self._rows.years,
            months=_months(self._clock.now()),
            files={name: f"/statistics/statistics.{name}" for name in FILES},
            charts=charts,
            shown=shown,
        )

    async def give(self, request: web.Request) -> web.Response:
        """One file."""
        suffix = request.match_info["suffix"]
        if suffix not in FILES:
            raise web.HTTPNotFound
        form, media_type = FILES[suffix]
        try:
            asked = self._asked(request.query)
        except ValueError as error:
            return problem_response(400, "Not a period", str(error))
        content = await self._made(_written, asked, language_of(request), form)
        headers = {**HEADERS, "Content-Type": media_type}
        if suffix == "html":
            headers["Content-Security-Policy"] = OWN_STYLE
        else:
            headers["Content-Disposition"] = f'attachment; filename="statistics.{suffix}"'
        return web.Response(body=content, headers=headers)

    async def counted(
        self, year: int, first: datetime.date, end: datetime.date, language: str
    ) -> dict[str, str]:
        """What was counted on the days [first, end), by row, as the page shows it.

        Raises:
            HTTPServiceUnavailable: when the process that makes it was killed.
        """
        asked = Asked(year, first, end - datetime.timedelta(days=1))
        told: dict[str, str] = await self._made(_counted, asked, language)
        return told

    async def _made(self, make: Callable[..., Any], asked: Asked, *more: str) -> Any:
        try:
            return await self._process.run(make, self._reporting, asked, *more)
        except BrokenExecutor as error:
            raise web.HTTPServiceUnavailable from error

    async def _close(self, _app: web.Application) -> None:
        await self._process.close()

    def _asked(self, query: Mapping[str, str]) -> Asked:
        """What a query asks for.

        Raises:
            ValueError: saying what would be right.
        """
        years, text = self._rows.years, query.get("year", "").strip()
        if text and text not in {str(year) for year in years}:
            raise ValueError(f"year is one of {', '.join(map(str, years))}")
        first, last = (_date(name, query.get(name, "").strip()) for name in ("from", "until"))
        if first and last and last < first:
            raise ValueError("the first day is after the last")
        return Asked(int(text) if text else max(years), first, last)


def _date(name: str, text: str) -> datetime.date | None:
    try:
        found = datetime.date.fromisoformat(text) if text else None
    except ValueError:
        raise ValueError(f"{name} is a date as in 2026-11-29, not {text[:40]!r}") from None
    if found is not None and not 1970 < found.year < 9999:
        raise ValueError(f"{name} is a date from 1971 to 9998")
    return found


def _months(now: int) -> list[tuple[str, str]]:
    """The first and the last day of the month of a time (milliseconds since 1970 UTC) and of the
    one before, as ISO dates.
    """
    first = datetime.datetime.fromtimestamp(now / 1000, FINLAND).date().replace(day=1)
    before = (first - datetime.timedelta(days=1)).replace(day=1)
    return [(each.isoformat(), _last_of_month(each).isoformat()) for each in (first, before)]


def _last_of_month(first: datetime.date) -> datetime.date:
    return first.replace(day=calendar.monthrange(first.year, first.month)[1])


def _report(reporting: Reporting, asked: Asked) -> Report:
    end = asked.last + datetime.timedelta(days=1) if asked.last else None
    return reporting(asked.year, asked.first, end)


def _shown(reporting: Reporting, asked: Asked, language: str) -> dict[str, Any]:
    """What the page shows, as plain values: they come from another process."""
    # What draws takes a second to import, and only this process needs it.
    from exchange.publication.charts.images import inline, to_svg
    from exchange.publication.charts.specifications import charts_of
    from exchange.publication.text import period_text

    report = _report(reporting, asked)
    return {
        "period": period_text(report, language),
        "sections": [
            (
                report.rows.sections[section][language],
                [
                    {
                        "title": line.row.title[language].replace(" -", " \u2011"),
                        "is_counted": line.counted is not None,
                        "counted": counted_text(line, language),
                        "published": figure(line.published, language),
                        "expected": figure(line.expected, language),
                        "difference": percent(line.difference_percent, language, signed=True),
                    }
                    for line in lines
                ],
            )
            for section, lines in groupby(report.lines, key=lambda line: line.row.section)
        ],
        "charts": [
            {
                "title": chart.title,
                "alternative": chart.alternative,
                "svg": inline(to_svg(chart, language), chart.name),
            }
            for chart in charts_of(report, language)
        ],
    }


def _counted(reporting: Reporting, asked: Asked, language: str) -> dict[str, str]:
    """What was counted, by row."""
    lines = _report(reporting, asked).lines
    return {line.row.id: counted_text(line, language) for line in lines}


def _written(reporting: Reporting, asked: Asked, language: str, form: str) -> bytes:
    """A file of the report."""
    from exchange.publication.formats import FORMS

    report = _report(reporting, asked)
    if form == "json-stat":
        why = {each: gettext(each)(_NOT_OPEN) for each in LANGUAGES}
        report = replace(as_open_data(report), not_open=why)
    return FORMS[form](report, language, False)


async def _palette(request: web.Request) -> web.Response:
    """The colours of charts, in light and in dark."""
    light, dark = (
        ":root{" + "".join(f"--{name}:{colour};" for name, colour in each.items()) + "}"
        for each in (LIGHT, DARK)
    )
    text = f"{light}@media (prefers-color-scheme: dark){{{dark}}}"
    return web.Response(text=text, content_type="text/css", headers=HEADERS)

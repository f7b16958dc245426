"""The page of simulated years: which runs a folder holds, how far those are that are not done, and
some of them side by side, on the page and as files; what is compared lies in `publication`.
"""

from __future__ import annotations

import asyncio
import datetime
from pathlib import Path
from typing import Any, NamedTuple

from aiohttp import web

from exchange.ports import Ledger
from exchange.publication.comparison import PEAKS_NOTE
from exchange.publication.runs import FoundRun, find_runs, read_counted
from exchange.publication.side_by_side import (
    FILES,
    RUNS_MAX,
    Beside,
    Side,
    beside,
    period_of,
    sections,
)
from exchange.schemas.instants import milliseconds_of
from exchange.statistics.days import number_of
from exchange.web.operation import problem_response
from exchange.web.pages.layout import HEADERS, language_of, page, what_is_wrong
from exchange.web.pages.statistics import FILES as FORMS
from exchange.web.pages.statistics import OWN_STYLE, StatisticsPage

#: Characters of a change, as its user wrote it, that are shown.
CHANGE_MAX = 120


class Laid(NamedTuple):
    """Runs side by side."""

    sides: list[Side]
    rows: list[Beside]


class RunsPage:
    """The handlers. `folder` is that of the runs; `statistics` counts what the ledger itself holds
    of the same days.
    """

    def __init__(self, folder: Path, ledger: Ledger, statistics: StatisticsPage) -> None:
        self._folder = folder
        self._ledger = ledger
        self._statistics = statistics

    def attach(self, app: web.Application) -> None:
        """Add the routes; whoever may look at the statistics may look at runs."""
        app.router.add_get("/statistics/runs", self.show)
        app.router.add_get("/statistics/runs/side-by-side.{suffix}", self.give)

    async def show(self, request: web.Request) -> web.Response:
        """The runs, and those that are asked for side by side."""
        language, asked = language_of(request), request.query.getall("run", [])
        runs = await asyncio.to_thread(find_runs, self._folder)
        wrong, shown = "", dict[str, Any]()
        if asked:
            try:
                laid = await asyncio.to_thread(_laid, self._folder, runs, asked)
                shown = {
                    "sides": laid.sides,
                    "period": period_of(laid.sides, language),
                    "sections": sections(laid.sides, laid.rows, language),
                    "here": await self._here(laid, language),
                    "note": PEAKS_NOTE[language],
                }
            except ValueError as error:
                wrong = what_is_wrong(error, language)
        query = [("run", name) for name in asked] + [("lang", language)]
        files = {
            name: str(
                request.rel_url.with_path(f"/statistics/runs/side-by-side.{name}").with_query(query)
            )
            for name in FILES
        }
        return page(
            request,
            "runs.html",
            status=400 if wrong else 200,
            folder=str(self._folder),
            runs=[_line(each) for each in runs],
            asked=asked,
            most=RUNS_MAX,
            wrong=wrong,
            shown=shown,
            files=files,
        )

    async def give(self, request: web.Request) -> web.Response:
        """The runs that are asked for as one file."""
        suffix, language = request.match_info["suffix"], language_of(request)
        if suffix not in FILES:
            raise web.HTTPNotFound

        def made() -> bytes:
            laid = _laid(self._folder, find_runs(self._folder), request.query.getall("run", []))
            return FILES[suffix](laid.sides, laid.rows, language)

        try:
            content = await asyncio.to_thread(made)
        except ValueError as error:
            return problem_response(400, "Not side by side", str(error))
        headers = {**HEADERS, "Content-Type": FORMS[suffix][1]}
        if suffix == "html":
            headers["Content-Security-Policy"] = OWN_STYLE
        else:
            headers["Content-Disposition"] = f'attachment; filename="side-by-side.{suffix}"'
        return web.Response(body=content, headers=headers)

    async def _here(self, laid: Laid, language: str) -> dict[str, str]:
        """What this exchange's own ledger counted on the same days, by row; nothing where it holds
        none of them.
        """
        period = laid.sides[0].counted.period
        if period.first is None or period.last is None:
            return {}
        end = period.last + datetime.timedelta(days=1)
        days = number_of(period.first), number_of(end)
        if not await self._ledger.totals(("period",), *days, daily=True):
            return {}
        return await self._statistics.counted(period.year, period.first, end, language)


def _laid(folder: Path, runs: list[FoundRun], asked: list[str]) -> Laid:
    """The runs of these names side by side, in the order of the folder's.

    Raises:
        ValueError: when they can't be, saying why.
    """
    found = [run for run in runs if run.name in asked and run.is_done]
    if len(found) != len(set(asked)):
        raise ValueError("there is no such run, or it is not done")
    if len(found) > RUNS_MAX:
        raise ValueError("2 to 6 runs are laid side by side")
    sides = [Side(run.name, run.what.what_if, read_counted(folder, run)) for run in found]
    return Laid(sides, beside(sides))


def _line(run: FoundRun) -> dict[str, Any]:
    """A run as the page shows it."""
    told = run.told if not run.is_done else None
    return {
        "name": run.name,
        "what": run.what,
        "changes": [each[:CHANGE_MAX] for each in run.what.what_if],
        "is_done": run.is_done,
        "told": told,
        "at": _moment(told.at) if told else 0,
        "ends_at": _moment(told.ends_at) if told and told.ends_at else 0,
        "percent": 100 * min(1.0, told.days / told.days_in_all) if told else 0,
    }


def _moment(text: str) -> int:
    try:
        return milliseconds_of(text)
    except ValueError:
        return 0

"""The page of dead letters: how many of each cause, the newest, the job that sends them again or
skips them, and the buttons that do it.
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web
from yarl import URL

from exchange.journey.mailbox import LetterJobs
from exchange.ports import Ledger
from exchange.ports.ledger import DeadFilter, Pending
from exchange.schemas.envelope import id_from_public, public_id
from exchange.web.api.filters import FILTERS, dead_filter
from exchange.web.pages.layout import finnish_time, language_of, may, page, what_is_wrong

#: Letters on a page, and how many a second a button sends again or skips.
PAGE_MAX = 50
PER_SECOND = 100


class DeadLetterPage:
    """The handler."""

    def __init__(self, ledger: Ledger, jobs: LetterJobs) -> None:
        self._ledger = ledger
        self._jobs = jobs

    def attach(self, app: web.Application) -> None:
        """Add the route."""
        app.router.add_get("/dead-letters", self.show)

    async def show(self, request: web.Request) -> web.Response:
        """The newest dead letters, by the filters; `?before=` an id for the next page."""
        query, wrong, older = request.query, "", ""
        given = {name: query.get(name, "").strip() for name in FILTERS}
        wanted, before = DeadFilter(), 1 << 62
        said = {name: text for name, text in given.items() if text}
        if given["since"]:
            said["since"] = finnish_time(given["since"])
        try:
            wanted = dead_filter(said)
            before = id_from_public(query["before"]) if query.get("before") else before
        except ValueError as error:
            wrong = what_is_wrong(error, language_of(request))
        letters = await self._ledger.dead(PAGE_MAX, before, wanted) if not wrong else []
        if len(letters) == PAGE_MAX:
            next_page = {**query, "before": public_id(letters[-1].delivery.id)}
            older = str(URL("/dead-letters").with_query(next_page))
        return page(
            request,
            "dead_letters.html",
            status=400 if wrong else 200,
            wrong=wrong,
            given=given,
            causes=[] if wrong else [*(await self._ledger.dead_causes(wanted)).items()],
            letters=[_letter(each) for each in letters],
            older=older,
            job=await self._jobs.newest(),
            all_of_them=json.dumps({"filter": said, "per_second": PER_SECOND}),
            per_second=PER_SECOND,
            may_act=may(request, "operator"),
        )


def _letter(each: Pending) -> dict[str, Any]:
    return {
        **each.message._asdict(),
        **each.delivery._asdict(),
        "id": public_id(each.delivery.id),
        "message": public_id(each.message.id),
    }

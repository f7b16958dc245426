"""The page of the stubs: what they answer in the place of their own answers, a form that sets or
removes such an override, and what became of the latest calls; reads and works without JavaScript.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from exchange.ports import Clock
from exchange.web.access.guard import ACTOR, Guard, Need
from exchange.web.api.stubs import StubOperations
from exchange.web.pages.form import posted_texts
from exchange.web.pages.layout import may, page

#: Fields of the form, and some that somebody's program may add.
FIELDS_MAX = 20
#: Calls on the page, the newest.
CALLS_MAX = 50
FAULTS = ("refuse", "down", "twice", "garbage", "drop")
_TEXTS = ("partner", "message_type", "person", "fault")
_NUMBERS = {"first": int, "times": int, "status": int, "delay_seconds": float}
FIELDS = (*_TEXTS, *_NUMBERS)


class StubPage:
    """The handlers, over the operations that the API has too."""

    def __init__(self, stubs: StubOperations, clock: Clock) -> None:
        self._stubs = stubs
        self._clock = clock

    def attach(self, app: web.Application, guard: Guard) -> None:
        """Add the routes; a viewer may look."""
        app.router.add_get("/stubs", self.show)
        guard.declare(app.router.add_post("/stubs", self.change), Need("operator"))

    async def show(self, request: web.Request) -> web.Response:
        """What stands, the form, and the latest calls."""
        return await self._page(request, {}, "")

    async def change(self, request: web.Request) -> web.Response:
        """Set the override that the form says, or remove one."""
        given = await posted_texts(request, FIELDS_MAX)
        path, what, document = "/overrides", "override", self._override(given)
        if removed := given.get("remove"):
            path, what, document = "/overrides/remove", "override-remove", {"id": removed}
        changed = json.dumps(document).encode()
        told = await self._stubs.call("POST", path, changed, actor=request[ACTOR], what=what)
        if told.status == 200:
            raise web.HTTPSeeOther(str(request.rel_url))
        return await self._page(request, given, told.detail, told.status)

    def _override(self, given: Mapping[str, str]) -> dict[str, Any]:
        """As the API takes it; a text that is no number is handed on, and refused there."""
        override: dict[str, Any] = {"id": f"page-{self._clock.now():x}"}
        override |= {name: given[name] for name in _TEXTS if given.get(name)}
        for name, number in _NUMBERS.items():
            if text := given.get(name, ""):
                try:
                    override[name] = number(text)
                except ValueError:
                    override[name] = text
        return override

    async def _page(
        self, request: web.Request, given: Mapping[str, str], wrong: str, status: int = 200
    ) -> web.Response:
        standing = await self._stubs.call("GET", "/overrides")
        calls = await self._stubs.call("GET", "/calls")
        answers = standing.status == calls.status == 200
        return page(
            request,
            "stubs.html",
            status=status,
            given={**dict.fromkeys(FIELDS, ""), **given},
            wrong=wrong,
            no_stubs="" if answers else standing.detail or calls.detail,
            standing=standing.value if answers else [],
            calls=calls.value[:CALLS_MAX] if answers else [],
            faults=FAULTS,
            may_act=may(request, "operator"),
        )

"""The operators' JSON API over the stubs: what they answer in the place of their own answers, and
what became of the latest calls; the stubs keep it, here it is handed on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from aiohttp import web

from exchange.errors import Unreachable
from exchange.ports import Clock, Ledger, Transport
from exchange.ports.description import listed, reference
from exchange.ports.operators import Actor
from exchange.schemas.call import JSON, Call
from exchange.schemas.directory import Partner
from exchange.web.access.guard import ACTOR
from exchange.web.operation import Operation, problem_response

PATH = "/api/v1/stubs"
#: The stubs' own interface lies below their address as a partner's does; no partner has that id.
CONTROL = Partner("_control", "The stubs", "kela")
KEY = "X-Control-Key"
TIMEOUT_SECONDS = 5.0
#: What the stubs refuse a caller for, and is told as theirs.
REFUSED = (400, 403, 404)


class Told(NamedTuple):
    """What the stubs said: a value with 200, otherwise why they refused, or that none answers."""

    status: int
    value: Any = None
    title: str = ""
    detail: str = ""


class StubOperations:
    """The handlers, over the transport that reaches the stubs."""

    def __init__(self, transport: Transport, ledger: Ledger, clock: Clock, key: str) -> None:
        self._transport = transport
        self._ledger = ledger
        self._clock = clock
        self._key = key

    def operations(self) -> list[Operation]:
        """Every operation, with what it takes and gives."""
        problems = (*REFUSED, 502)
        return [
            Operation(
                "GET",
                f"{PATH}/overrides",
                self.standing,
                listed("StandingOverride"),
                problems=problems,
            ),
            Operation(
                "POST",
                f"{PATH}/overrides",
                self.set,
                reference("OverrideSet"),
                takes=reference("Override"),
                problems=problems,
                role="operator",
                changes=True,
            ),
            Operation(
                "POST",
                f"{PATH}/overrides/remove",
                self.remove,
                reference("OverridesRemoved"),
                takes=reference("OverrideRemoval"),
                problems=problems,
                role="operator",
                changes=True,
            ),
            Operation(
                "GET",
                f"{PATH}/calls",
                self.calls,
                listed("StubCall"),
                query={"partner": "Only calls to the partner with this id"},
                problems=problems,
            ),
        ]

    async def standing(self, request: web.Request) -> web.Response:
        """What stubs answer in the place of their own answers, in the order in which calls are
        looked at.
        """
        return await self._hand_on(request, "GET", "/overrides")

    async def set(self, request: web.Request) -> web.Response:
        """Let the stubs answer otherwise, from the next call on: which calls, and how."""
        return await self._hand_on(request, "POST", "/overrides", "override")

    async def remove(self, request: web.Request) -> web.Response:
        """Let the stubs give their own answers again, for {"id": ...} or {"all": true}."""
        return await self._hand_on(request, "POST", "/overrides/remove", "override-remove")

    async def calls(self, request: web.Request) -> web.Response:
        """What became of the latest calls while overrides stood: which each met, and why it met no
        other.
        """
        return await self._hand_on(request, "GET", "/calls")

    async def call(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        query: Mapping[str, str] | None = None,
        actor: Actor | None = None,
        what: str = "",
    ) -> Told:
        """Make a call to the stubs' own interface; where it changed something, who did what is in
        the audit log then.
        """
        call = Call(
            method=method,
            path=path,
            headers={"Content-Type": JSON, **({KEY: self._key} if self._key else {})},
            body=body,
            query=query or {},
        )
        try:
            reply = await self._transport.send(CONTROL, call, TIMEOUT_SECONDS)
        except Unreachable as error:
            detail = f"no stubs answer (partners.address): {error}"
            return Told(502, title="No stubs", detail=detail)
        value = _object_or_list(reply.body)
        if reply.status in REFUSED and isinstance(value, dict):
            title, detail = str(value.get("title")), str(value.get("detail"))
            return Told(reply.status, title=title, detail=detail)
        if reply.status != 200 or value is None:
            return Told(502, title="No stubs", detail=f"what answers says {reply.status}")
        if actor is not None:
            row = actor.did(self._clock.now(), what, _target(call.body), "done")
            await self._ledger.audit([row])
        return Told(200, value)

    async def _hand_on(
        self, request: web.Request, method: str, path: str, what: str = ""
    ) -> web.Response:
        body, actor = await request.read(), request[ACTOR] if what else None
        told = await self.call(method, path, body, dict(request.query), actor, what)
        if told.status != 200:
            return problem_response(told.status, told.title, told.detail)
        return web.json_response(told.value)


def _object_or_list(body: bytes) -> Any:
    try:
        told = json.loads(body)
    except ValueError:
        return None
    return told if isinstance(told, dict | list) else None


def _target(body: bytes) -> str:
    """The id of the override that a change was about; `*` for all."""
    return str(json.loads(body).get("id", "*"))

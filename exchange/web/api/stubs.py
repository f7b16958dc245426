"""The operators' JSON API over the stubs: what they answer in the place of their own answers, and
what became of the latest calls; the stubs keep it, here it is handed on.
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from exchange.errors import Unreachable
from exchange.ports import Clock, Ledger, Transport
from exchange.ports.description import listed, reference
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

    async def _hand_on(
        self, request: web.Request, method: str, path: str, what: str = ""
    ) -> web.Response:
        """Make the call to the stubs, and note a change that was made in the audit log."""
        call = Call(
            method=method,
            path=path,
            headers={"Content-Type": JSON, **({KEY: self._key} if self._key else {})},
            body=await request.read(),
            query=dict(request.query),
        )
        try:
            reply = await self._transport.send(CONTROL, call, TIMEOUT_SECONDS)
        except Unreachable as error:
            return problem_response(502, "No stubs", f"no stubs answer (partners.address): {error}")
        told = _object_or_list(reply.body)
        if reply.status in REFUSED and isinstance(told, dict):
            return problem_response(reply.status, str(told.get("title")), str(told.get("detail")))
        if reply.status != 200 or told is None:
            return problem_response(502, "No stubs", f"what answers says {reply.status}")
        if what:
            row = request[ACTOR].did(self._clock.now(), what, _target(call.body), "done")
            await self._ledger.audit([row])
        return web.json_response(told)


def _object_or_list(body: bytes) -> Any:
    try:
        told = json.loads(body)
    except ValueError:
        return None
    return told if isinstance(told, dict | list) else None


def _target(body: bytes) -> str:
    """The id of the override that a change was about; `*` for all."""
    return str(json.loads(body).get("id", "*"))

"""The stubs' own interface, by which their answers are overridden while they run; what an override
is lives in `overrides`.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from exchange.partners.overrides import Overrides, override_of
from exchange.schemas import json as documents
from exchange.schemas.call import PROBLEM, problem
from exchange.schemas.directory import Directory
from exchange.schemas.violation import Malformed

#: No partner has an id that begins with this sign.
PATH = "/_control"
KEY = "X-Control-Key"
#: What describes an override is no larger.
BODY_BYTES_MAX = 262_144
FORM = 'a JSON object is wanted, such as {"id": "one", "partner": "fund.super", "status": 503}'
REMOVE_FORM = 'a JSON object is wanted: {"id": "one"}, or {"all": true}'

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Control:
    """The handlers. With a `key` they want it in X-Control-Key; without one they serve programs of
    this machine alone, and no page of a browser.
    """

    def __init__(self, overrides: Overrides, directory: Directory, key: str) -> None:
        self._overrides = overrides
        self._directory = directory
        self._key = key

    def attach(self, app: web.Application) -> None:
        """Add the routes; before the one that serves partners."""
        app.router.add_get(f"{PATH}/overrides", self._guarded(self.standing))
        app.router.add_post(f"{PATH}/overrides", self._guarded(self.set))
        app.router.add_post(f"{PATH}/overrides/remove", self._guarded(self.remove))
        app.router.add_get(f"{PATH}/calls", self._guarded(self.calls))

    async def standing(self, request: web.Request) -> web.Response:
        """Every override, in the order in which calls are looked at."""
        return web.json_response(self._overrides.standing())

    async def set(self, request: web.Request) -> web.Response:
        """Let an override stand."""
        try:
            override = override_of(_object(await request.read(), FORM), self._directory)
            self._overrides.set(override)
        except ValueError as error:
            return _problem(400, "Not an override", str(error))
        return web.json_response({"id": override.id})

    async def remove(self, request: web.Request) -> web.Response:
        """Remove one override, or all; with all, partners are in their first state again."""
        try:
            data = _object(await request.read(), REMOVE_FORM)
        except ValueError as error:
            return _problem(400, "Not a removal", str(error))
        if data == {"all": True}:
            return web.json_response({"removed": self._overrides.clear()})
        if data.keys() != {"id"} or not isinstance(data["id"], str):
            return _problem(400, "Not a removal", REMOVE_FORM)
        if not self._overrides.remove(data["id"]):
            return _problem(404, "No such override", f"no override has the id {data['id'][:60]!r}")
        return web.json_response({"removed": 1})

    async def calls(self, request: web.Request) -> web.Response:
        """The latest calls while overrides stood: which each met, and why it met no other."""
        return web.json_response(self._overrides.latest(request.query.get("partner", "")))

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            if why := self._refusal(request):
                return _problem(403, "Not allowed", why)
            if request.method == "POST" and request.content_type != "application/json":
                return _problem(415, "Not JSON", "a change is taken as application/json only")
            return await handler(request)

        return guarded

    def _refusal(self, request: web.Request) -> str:
        if self._key:
            given = request.headers.get(KEY, "").encode("utf-8", "surrogateescape")
            right = hmac.compare_digest(given, self._key.encode())
            return "" if right else f"the stubs' control key is wanted in {KEY}"
        hosts = (request.remote or "", request.url.host or "")
        if "Origin" in request.headers or not all(map(_is_local, hosts)):
            return (
                "without partners.control_key the stubs are controlled by programs of this machine "
                "alone"
            )
        return ""


def _is_local(address: str) -> bool:
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _object(body: bytes, form: str) -> dict[str, Any]:
    if len(body) > BODY_BYTES_MAX:
        raise ValueError(f"at most {BODY_BYTES_MAX} bytes; {form}")
    try:
        data = documents.parse(body)
    except Malformed:
        data = None
    if not isinstance(data, dict):
        raise ValueError(form)
    return data


def _problem(status: int, title: str, detail: str) -> web.Response:
    reply = problem(status, title, detail)
    return web.Response(status=status, body=reply.body, headers={"Content-Type": PROBLEM})

"""/api/openapi.json: every endpoint of every channel and every operation of our own API,
described in OpenAPI 3.1; serves and calls nothing.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from exchange.ports import Channel, Endpoint
from exchange.ports.channel import Push
from exchange.schemas.call import problem
from exchange.web.access.guard import COOKIE

VERSION = "3.1.0"
PATH = "/api/openapi.json"
JSON = "application/json"
PROBLEM = "application/problem+json"

Schema = Mapping[str, Any]
_PARAMETER = re.compile(r"\{(\w+)\}")
_KEY = "partner"
_OPERATOR = "operator"
_SESSION = "session"


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of our own: its route and its description are made of the same declaration, so
    that they can't differ.

    The summary is the handler's docstring. `query` maps a parameter to its description; `takes` is
    the schema of the request's body (`{}`: any bytes; None: no body), `gives` that of the answer
    (None: no JSON), `problems` the statuses that are answered with a problem document. `role` is
    the least role of an operator that it demands (empty: none); `changes` whether it changes
    something; `any_host` whether it answers by whatever Host; `accepted` the schema of a 202, for
    what is done later.
    """

    method: str
    path: str
    handler: Callable[[web.Request], Awaitable[web.Response]]
    gives: Schema | None = None
    media_type: str = JSON
    query: Mapping[str, str] = field(default_factory=dict)
    takes: Schema | None = None
    problems: tuple[int, ...] = ()
    role: str = "viewer"
    changes: bool = False
    any_host: bool = False
    accepted: Schema | None = None

    def route(self) -> web.RouteDef:
        """The operation as a route of aiohttp."""
        return web.route(self.method, self.path, self._handle)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        """Refuse a query parameter that isn't described, or stands twice: one that is ignored would
        show what was not asked for.
        """
        unknown = [name for name in request.query if name not in self.query]
        if unknown and self.path.startswith("/api/"):
            takes = ", ".join(self.query) or "none"
            return problem_response(
                400,
                "Unknown query parameter",
                f"there is no query parameter {unknown[0][:40]!r} here; there are: {takes}",
            )
        for name in self.query:
            if len(request.query.getall(name, ())) > 1:
                detail = f"the query parameter {name!r} stands twice: name it once"
                return problem_response(400, "Repeated query parameter", detail)
        return await self.handler(request)


def problem_response(status: int, title: str, detail: str) -> web.Response:
    """A problem document (RFC 9457)."""
    reply = problem(status, title, detail)
    return web.Response(
        status=status, body=reply.body, headers={"Content-Type": reply.content_type}
    )


def describe(
    channels: Iterable[Channel], operations: Iterable[Operation], schemas: Mapping[str, Schema]
) -> dict[str, Any]:
    """The whole document. `schemas` are the named schemas that operations refer to
    (`reference`).
    """
    channels = tuple(channels)
    paths: dict[str, dict[str, Any]] = {}
    tags = []
    for channel in channels:
        tags.append({"name": channel.name, "description": channel.titles["en"]})
        for endpoint in channel.endpoints:
            paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _endpoint(
                channel, endpoint
            )
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": VERSION,
        "info": {
            "title": "The exchange",
            "version": "1",
            "description": "A simulator of the information exchange of Finland's social security. "
            "Synthetic persons only.",
        },
        "tags": [
            *tags,
            {
                "name": "operators",
                "description": "Counters, messages, dead letters, validation, health",
            },
        ],
        "paths": paths,
        "webhooks": {
            f"{channel.name} {push.path}": {"post": _push(channel, push)}
            for channel in channels
            for push in channel.pushes
        },
        "components": {
            "schemas": dict(schemas),
            "securitySchemes": {
                _KEY: {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-API-Key",
                    "description": "A partner's key",
                },
                _OPERATOR: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An operator's key; where the exchange is open on loopback, "
                    "none",
                },
                _SESSION: {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": COOKIE,
                    "description": "What signing in at /sign-in gives a browser",
                },
            },
        },
    }


def reference(name: str) -> dict[str, str]:
    """A reference to a named schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def listed(name: str) -> dict[str, Any]:
    """An array of what a named schema describes."""
    return {"type": "array", "items": reference(name)}


def _endpoint(channel: Channel, endpoint: Endpoint) -> dict[str, Any]:
    """A channel's endpoint: what stands in its bodies, and how it refuses, is for the channel's own
    documentation.
    """
    described: dict[str, Any] = {
        "operationId": _id(endpoint.method, endpoint.path),
        "tags": [channel.name],
        "summary": endpoint.summary,
        "parameters": _in_path(endpoint.path),
        "responses": {"2XX": {"description": "Done; for a message, its receipt: it is committed"}},
    }
    if endpoint.public is not None:
        return described
    described["security"] = [{_KEY: []}]
    described["responses"] |= {
        "401": {"description": "No partner's key, in the channel's own form"},
        "429": {
            "description": "Too many calls of this partner at once; nothing was taken in",
            "headers": _RETRY_AFTER,
        },
        "503": {
            "description": "The exchange is full or closing; nothing was taken in",
            "headers": _RETRY_AFTER,
        },
        "default": {
            "description": "Refused or rejected, in the channel's own form, with every violation"
        },
    }
    if endpoint.method in ("POST", "PUT"):
        described["requestBody"] = {"required": True, "content": {"*/*": {}}}
    return described


def _push(channel: Channel, push: Push) -> dict[str, Any]:
    """A call to a partner. Its path is below the address that the directory has of the partner."""
    headers = {**push.headers, **_OF_EVERY_PUSH}
    return {
        "operationId": "push-" + _id("post", f"{channel.name}{push.path}"),
        "tags": [channel.name],
        "summary": push.summary,
        "description": f"POST {{partner}}{push.path}. The channel's own page says how to verify "
        "the signature; refuse what is older than five minutes.",
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": name not in _NOT_ALWAYS,
                "description": text,
                "schema": {"type": "string"},
            }
            for name, text in headers.items()
        ],
        "requestBody": {"required": True, "content": {each: {} for each in push.media_types}},
        "responses": {
            "2XX": {"description": push.answer},
            "default": {
                "description": "400, 410, 422 speak of the message, which ends as a dead letter "
                "when it is tried often enough; all others of the receiver, which is tried again"
            },
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    given = {
        operation.media_type: {"schema": operation.gives} if operation.gives is not None else {}
    }
    described: dict[str, Any] = {
        "operationId": _id(operation.method, operation.path),
        "tags": ["operators"],
        "summary": (operation.handler.__doc__ or "").strip().partition("\n")[0],
        "parameters": _in_path(operation.path)
        + [
            {"name": name, "in": "query", "description": text, "schema": {"type": "string"}}
            for name, text in operation.query.items()
        ],
        "responses": {"200": {"description": "Done", "content": given}},
    }
    if operation.accepted is not None:
        content = {JSON: {"schema": operation.accepted}}
        described["responses"]["202"] = {"description": "Begun", "content": content}
    if operation.takes is not None:
        media_type = JSON if operation.takes else "*/*"
        body = {"schema": operation.takes} if operation.takes else {}
        described["requestBody"] = {"required": True, "content": {media_type: body}}
    for status in {*operation.problems, *([400] if operation.path.startswith("/api/") else [])}:
        described["responses"][str(status)] = _refused("Refused")
    if not operation.any_host:
        described["responses"]["421"] = _refused("Called by a Host that is not in operators.hosts")
        described["responses"]["403"] = _refused("Called from a foreign page")
    if operation.role:
        # On loopback, as shipped, none is demanded.
        described["security"] = [{_OPERATOR: []}, {_SESSION: []}, {}]
        described["description"] = f"For the role {operation.role} and higher ones."
        described["responses"]["401"] = _refused("No operator's key") | {"headers": _CHALLENGE}
        described["responses"]["403"] = _refused("A role that may not, or a foreign page")
        described["responses"]["429"] = _refused("Too many wrong keys") | {"headers": _RETRY_AFTER}
    if operation.changes:
        described["responses"]["415"] = _refused("A change that is not application/json")
    return described


def _refused(description: str) -> dict[str, Any]:
    return {"description": description, "content": {PROBLEM: {"schema": reference("Problem")}}}


def _in_path(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(path)
    ]


def _id(method: str, path: str) -> str:
    return method.lower() + "-" + re.sub(r"[^A-Za-z0-9]+", "-", path).strip("-")


_RETRY_AFTER = {"Retry-After": {"description": "Seconds", "schema": {"type": "integer"}}}
#: What every push carries (see `journey.deliver.sign`).
_OF_EVERY_PUSH = {
    "X-Delivery-Id": "The exchange's id of the delivery: the same with each attempt",
    "X-Sender": "The partner that sent the message",
    "X-Sender-Message-Id": "The sender's own id of the message",
    "X-Timestamp": "Seconds since 1970, new with each attempt; for receivers with a secret",
    "X-Signature": "v1= and the HMAC-SHA256 of {X-Delivery-Id}.{X-Timestamp}.{body} under the "
    "receiver's callback secret; for receivers that have one",
}
_NOT_ALWAYS = {"X-Timestamp", "X-Signature", "X-Conversation-Id"}
_CHALLENGE = {"WWW-Authenticate": {"description": "Bearer", "schema": {"type": "string"}}}

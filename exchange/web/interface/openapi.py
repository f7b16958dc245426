"""/api/openapi.json: every endpoint of every channel, every push and every operation of our own
API, described in OpenAPI 3.1; serves and calls nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from exchange.ports import Channel, Endpoint
from exchange.ports.channel import Push
from exchange.ports.description import Body, Parameter, Schema, Told, reference
from exchange.schemas.call import JSON, PROBLEM
from exchange.schemas.catalogue import Catalogue
from exchange.web.access.guard import COOKIE
from exchange.web.interface import components
from exchange.web.interface.refusal_responses import REFUSED
from exchange.web.operation import Operation

VERSION = "3.1.0"
PATH = "/api/openapi.json"

_PARAMETER = re.compile(r"\{(\w+)\}")
_KEY, _BASIC = "partner", "partner-basic"
_OPERATOR = "operator"
_SESSION = "session"


class OpenApi:
    """The document of some channels and operations. `shapes` are the named schemas that operations
    refer to (`reference`), `examples` a value of each of these by name, `samples` a message of each
    type.
    """

    def __init__(
        self,
        channels: Iterable[Channel],
        operations: Iterable[Operation],
        shapes: Mapping[str, Schema],
        catalogue: Catalogue,
        samples: Mapping[str, Path],
        examples: Mapping[str, Any] | None = None,
    ) -> None:
        self._channels = tuple(channels)
        self._operations = tuple(operations)
        self._shapes = shapes
        self._catalogue = catalogue
        self._samples = samples
        self._examples = examples or {}

    def document(self) -> dict[str, Any]:
        """The whole document."""
        paths: dict[str, dict[str, Any]] = {}
        for channel in self._channels:
            for endpoint in channel.endpoints:
                described = self._endpoint(channel, endpoint)
                paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = described
        for operation in self._operations:
            described = _operation(operation)
            self._show(described)
            paths.setdefault(operation.path, {})[operation.method.lower()] = described
        return {
            "openapi": VERSION,
            "info": {
                "title": "The exchange",
                "version": "1",
                "description": "A simulator of the information exchange of Finland's social "
                "security. Synthetic persons only.",
            },
            "tags": [
                *({"name": each.name, "description": each.titles["en"]} for each in self._channels),
                {"name": "operators", "description": "Counters, messages, partners, health"},
            ],
            "paths": paths,
            "webhooks": {
                f"{channel.name} {push.path}": {"post": self._push(channel, push)}
                for channel in self._channels
                for push in channel.pushes
            },
            "components": {
                "schemas": {
                    **self._shapes,
                    **{name: each for of in self._channels for name, each in of.shapes.items()},
                    **components.message_schemas(self._catalogue),
                },
                "examples": components.examples(self._samples),
                "securitySchemes": _SECURITY,
            },
        }

    def _show(self, described: Mapping[str, Any]) -> None:
        """Put an example to each body of an operation whose schema is a named one, or a list of
        such.
        """
        for each in (described.get("requestBody", {}), *described["responses"].values()):
            for media in each.get("content", {}).values():
                schema = media.get("schema", {})
                named = schema.get("items", schema).get("$ref", "").rpartition("/")[2]
                if named in self._examples:
                    value = self._examples[named]
                    media["example"] = [value] if "items" in schema else value

    def _endpoint(self, channel: Channel, endpoint: Endpoint) -> dict[str, Any]:
        interface = endpoint.interface
        described: dict[str, Any] = {
            "operationId": _id(endpoint.method, endpoint.path),
            "tags": [channel.name],
            "summary": endpoint.summary,
            "parameters": _parameters(endpoint.path, interface.parameters)
            + ([_shown(each) for each in _TRACE] if endpoint.public is None else []),
        }
        if interface.takes:
            content = self._content(interface.takes)
            described["requestBody"] = {"required": True, "content": content}
        tells = dict(interface.tells)
        if endpoint.public is None:
            basic: list[dict[str, list[str]]] = (
                [{_BASIC: []}] if channel.has_basic_credentials else []
            )
            described["security"] = [{_KEY: []}, *basic]
            tells = _with_refusals(channel, tells)
        described["responses"] = {
            str(status): self._response(status, each) for status, each in sorted(tells.items())
        }
        if endpoint.public is None:
            for status, response in described["responses"].items():
                more = _BASIC_CHALLENGE if status == "401" and channel.has_basic_credentials else {}
                response["headers"] = response.get("headers", {}) | _TRACE_ANSWERED | more
        return described

    def _content(self, bodies: Iterable[Body]) -> dict[str, Any]:
        return {
            media_type: self._media(body, media_type)
            for body in bodies
            for media_type in body.media_types
        }

    def _media(self, body: Body, media_type: str) -> dict[str, Any]:
        """What stands in a body of one media type: of several message types those that have its
        format.
        """
        if body.shape:
            return {"schema": reference(body.shape)}
        known = [self._catalogue.get(name) for name in body.types]
        fits = [
            each
            for each in known
            if each is not None and (each.format in media_type or not _tells_format(media_type))
        ]
        if not fits:
            return {}
        names = [name for each in fits for name in components.names_of(each)]
        media: dict[str, Any] = {"schema": components.one_of(names)}
        if shown := [each.name for each in fits if each.name in self._samples]:
            media["examples"] = {name: components.example_reference(name) for name in shown}
        return media

    def _response(self, status: int, told: Told) -> dict[str, Any]:
        text = told.text
        if told.reasons:
            text += f"; reasons: {', '.join(told.reasons)}"
        response: dict[str, Any] = {"description": text}
        if content := self._content(told.bodies):
            response["content"] = content
        if told.reasons:
            response["x-reasons"] = list(told.reasons)
        if status in (429, 503):
            response["headers"] = _RETRY_AFTER
        return response

    def _push(self, channel: Channel, push: Push) -> dict[str, Any]:
        """A call to a partner. Its path is below the address that the directory has of the partner."""
        return {
            "operationId": "push-" + _id("post", f"{channel.name}{push.path}"),
            "tags": [channel.name],
            "summary": push.summary,
            "description": f"POST {{partner}}{push.path}. The channel's own page says how to verify "
            "the signature; refuse what is older than five minutes.",
            "parameters": [_shown(each) for each in push_headers(push)],
            "requestBody": {
                "required": True,
                "content": self._content([Body(push.types, push.media_types)]),
            },
            "responses": {
                "2XX": {
                    "description": push.answer,
                    **({"content": self._content(push.gives)} if push.gives else {}),
                },
                "default": {
                    "description": "400, 410, 422 speak of the message, which ends as a dead "
                    "letter when it is tried often enough; all others of the receiver, which is "
                    "tried again"
                },
            },
        }


def push_headers(push: Push) -> list[Parameter]:
    """The headers of a push: the channel's own, and those of every one."""
    headers = {**_OF_EVERY_PUSH, **push.headers}
    return [
        Parameter(name, text, required=name not in _NOT_ALWAYS) for name, text in headers.items()
    ]


def _with_refusals(channel: Channel, tells: Mapping[int, Told]) -> dict[int, Told]:
    """The answers of an endpoint with those that every endpoint may give instead of them."""
    found = dict(tells)
    for status, refused in REFUSED.items():
        if (own := found.get(status)) is None:
            found[status] = Told(refused.text, (channel.refusals,), refused.reasons)
        else:
            reasons = tuple(dict.fromkeys((*own.reasons, *refused.reasons)))
            found[status] = Told(f"{own.text}; {refused.text}", own.bodies, reasons)
    return found


def _tells_format(media_type: str) -> bool:
    """Whether a media type says that it is JSON or XML."""
    return "json" in media_type or "xml" in media_type


def _parameters(path: str, own: Sequence[Parameter]) -> list[dict[str, Any]]:
    told = {each.name for each in own if each.place == "path"}
    return _in_path(path, told) + [_shown(each) for each in own]


def _shown(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.required or parameter.place == "path",
        "description": parameter.text,
        "schema": dict(parameter.schema),
    }


def _operation(operation: Operation) -> dict[str, Any]:
    given = {
        operation.media_type: {"schema": operation.gives} if operation.gives is not None else {}
    }
    described: dict[str, Any] = {
        "operationId": _id(operation.method, operation.path),
        "tags": ["operators"],
        "summary": " ".join((operation.handler.__doc__ or "").split("\n\n")[0].split()),
        "parameters": _in_path(operation.path)
        + [_shown(Parameter(name, text, "query")) for name, text in operation.query.items()],
        "responses": {"200": {"description": "Done", "content": given}},
    }
    if operation.accepted is not None:
        content = {JSON: {"schema": operation.accepted}}
        described["responses"]["202"] = {"description": "Begun", "content": content}
    if operation.takes is not None:
        media_type = JSON if operation.takes else "application/octet-stream"
        body = {"schema": operation.takes or {"type": "string", "format": "binary"}}
        described["requestBody"] = {"required": True, "content": {media_type: body}}
    for status in {*operation.problems, *([400] if operation.path.startswith("/api/") else [])}:
        described["responses"][str(status)] = _refused("Refused")
    if not operation.any_host:
        described["responses"]["421"] = _refused("Called by a Host that is not in operators.hosts")
    described["responses"]["403"] = _refused("Called from a foreign page")
    described["responses"]["429"] = _refused("Too many wrong keys") | {"headers": _RETRY_AFTER}
    if operation.role:
        # On loopback, as shipped, none is demanded.
        described["security"] = [{_OPERATOR: []}, {_SESSION: []}, {}]
        described["description"] = f"For the role {operation.role} and higher ones."
        described["responses"]["401"] = _refused("No operator's key") | {"headers": _CHALLENGE}
        described["responses"]["403"] = _refused("A role that may not, or a foreign page")
    if operation.takes is not None:
        described["responses"]["408"] = _refused("The body did not arrive in time", "timeout")
        described["responses"]["413"] = _refused("The body is too large", "too-large")
        described["responses"]["415"] = _refused("A compressed body", "unsupported")
    if operation.path.startswith("/api/v1/"):
        unavailable = _refused("The ledger can't be read or written just now")
        described["responses"]["503"] = unavailable | {"headers": _RETRY_AFTER}
    if operation.changes:
        told = "A change that is not application/json, or a compressed body"
        described["responses"]["415"] = _refused(told, "unsupported")
    return described


def _refused(description: str, reason: str = "") -> dict[str, Any]:
    refused = {"description": description, "content": {PROBLEM: {"schema": reference("Problem")}}}
    return refused | ({"x-reasons": [reason]} if reason else {})


def _in_path(path: str, told: Iterable[str] = ()) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(path)
        if name not in told
    ]


def _id(method: str, path: str) -> str:
    return method.lower() + "-" + re.sub(r"[^A-Za-z0-9]+", "-", path).strip("-")


_RETRY_AFTER = {"Retry-After": {"description": "Seconds", "schema": {"type": "integer"}}}
#: What an answer repeats of its call (see `journey.trace`).
_TRACE_ANSWERED = {
    name: {"description": "The call's own, where it named one", "schema": {"type": "string"}}
    for name in ("traceparent", "X-Request-Id")
}
#: What every push carries (see `journey.deliver.sign`).
_OF_EVERY_PUSH = {
    "X-Delivery-Id": "The exchange's id of the delivery: the same with each attempt",
    "X-Sender": "The partner that sent the message",
    "X-Message-Type": "The message type",
    "X-Sender-Message-Id": "The sender's own id of the message",
    "X-Timestamp": "Seconds since 1970, new with each attempt; for receivers with a secret",
    "X-Signature": "v1= and the HMAC-SHA256 of {X-Delivery-Id}.{X-Timestamp}.{body} under the "
    "receiver's callback secret; for receivers that have one",
}
#: What every call may carry to be found again (see `journey.trace`).
_TRACE = (
    Parameter(
        "traceparent",
        "The trace that the call belongs to (W3C Trace Context): kept with the message, answered, "
        "handed on with its deliveries",
    ),
    Parameter("X-Request-Id", "An id of the call of your own: likewise"),
)
_OF_EVERY_PUSH |= {
    "traceparent": "The sender's trace, where it named one",
    "X-Request-Id": "The sender's id of its call, where it named one",
}
_NOT_ALWAYS = {
    *("X-Timestamp", "X-Signature", "X-Conversation-Id"),
    *("traceparent", "X-Request-Id"),
}
_BASIC_CHALLENGE = {"WWW-Authenticate": {"description": "Basic", "schema": {"type": "string"}}}
_CHALLENGE = {"WWW-Authenticate": {"description": "Bearer", "schema": {"type": "string"}}}
_SECURITY = {
    _KEY: {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "A partner's key"},
    _BASIC: {
        "type": "http",
        "scheme": "basic",
        "description": "A partner's id and key as user and password",
    },
    _OPERATOR: {
        "type": "http",
        "scheme": "bearer",
        "description": "An operator's key; where the exchange is open on loopback, none",
    },
    _SESSION: {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "What signing in at /sign-in gives a browser",
    },
}

"""What endpoints answer is as the OpenAPI document says: status, media type, body and reason; of
every call that the stubs make, whole and broken in several ways.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from exchange import discovery
from exchange.partners.stub import Situation
from exchange.schemas.call import Call, media_type
from tests.journeys.running import Running

pytestmark = pytest.mark.asyncio(loop_scope="module")

HELD = {
    "deliveries": [{"id": "0" * 31 + "1", "lease": "0" * 31 + "2"}],
}
#: Calls that no stub makes.
MAILBOX = "/luova/v1/mailbox"
OTHERS = (
    ("fund.super", Call("GET", MAILBOX)),
    ("fund.super", Call("GET", MAILBOX, query={"most": "0"})),
    ("fund.super", Call("POST", f"{MAILBOX}/acknowledgements", body=json.dumps(HELD).encode())),
    (
        "fund.super",
        Call(
            "POST", f"{MAILBOX}/extensions", body=json.dumps({**HELD, "lease_seconds": 5}).encode()
        ),
    ),
    ("fund.super", Call("POST", f"{MAILBOX}/refusals", body=json.dumps(HELD).encode())),
    ("dvv", Call("GET", "/luova/v1/messages/none")),
    ("dvv", Call("POST", "/luova/v1/batches", {"Content-Type": "application/x-ndjson"}, b"{}\n{}")),
    ("dvv", Call("POST", "/luova/v1/batches", {"Content-Type": "text/csv"}, b"a,b")),
    ("eessi.se.fk", Call("GET", "/eessi/v1/cases/none")),
    ("eessi.se.fk", Call("GET", "/eessi/v1/messages/none")),
    ("helsinki", Call("GET", "/population-register/api/v1/kirjausavain/2026-03-02")),
    ("helsinki", Call("GET", "/population-register/api/v1/kirjausavain/2126-03-02")),
    ("dvv", Call("GET", "/population-register/api/v1/kirjausavain/2026-03-02")),
    ("dvv", Call("GET", "/income-register/20170526/schemas/types.xsd")),
    ("dvv", Call("GET", "/income-register/20170526/schemas/none.xsd")),
    ("dvv", Call("GET", "/20170526/EchoService.svc")),
)


def described(openapi: Any, method: str, path: str) -> Any:
    """The operation that a call is of."""
    for template, methods in openapi["paths"].items():
        if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), path):
            return methods[method.lower()]
    raise AssertionError(f"{method} {path} is not described")


def complaints(openapi: Any, operation: Any, status: int, content: str, body: bytes) -> list[str]:
    """How an answer differs from its description; empty when it does not."""
    response = operation["responses"].get(str(status))
    if response is None:
        return [f"status {status} is not described"]
    media = response["content"].get(media_type(content))
    if media is None:
        return [f"{content} is not described with status {status}"]
    if "json" not in content:
        return []
    value = json.loads(body)
    schema = {**media["schema"], "components": openapi["components"]}
    found = [each.message for each in jsonschema.Draft202012Validator(schema).iter_errors(value)]
    reason = value.get("reason") if status >= 400 else None
    if reason and reason not in response.get("x-reasons", ()):
        found.append(f"reason {reason} is not described with status {status}")
    return found


def variants(call: Call) -> Iterator[Call]:
    """The call as it is, again, and broken."""
    yield call
    yield call
    yield replace(call, body=call.body + b" ")
    yield replace(call, body=call.body[: len(call.body) // 2])
    yield replace(call, body=b"")
    yield replace(call, body=b"<x/>" if call.body[:1] == b"{" else b"{}")
    yield replace(call, headers={**call.headers, "X-API-Key": "none", "Authorization": ""})
    yield replace(call, headers={**call.headers, "Content-Encoding": "gzip"})
    yield replace(call, headers={**call.headers, "X-Message-Id": "odd id"})


async def answered(served: Running, call: Call) -> tuple[int, str, bytes]:
    """Status, media type and body of an answer."""
    async with served.session.request(
        call.method,
        served.url + call.path,
        data=call.body or None,
        headers=dict(call.headers),
        params=dict(call.query),
    ) as response:
        return response.status, response.headers["Content-Type"], await response.read()


async def test_every_answer_to_a_stub_is_as_described(served: Running, openapi: Any) -> None:
    directory, now = served.exchange.directory, served.exchange.clock.now()
    statuses: dict[str, set[int]] = {}
    for stub in discovery.stubs():
        flows = {flow.message_type: flow for flow in stub.flows(directory)}
        for serial, flow in enumerate(flows.values(), 1):
            situation = Situation(random.Random(serial), now, serial, directory, signs=False)
            for call in variants(flow.make(situation).call):
                operation = described(openapi, call.method, call.path)
                status, content, body = await answered(served, call)
                wrong = complaints(openapi, operation, status, content, body)
                assert wrong == [], (call.method, call.path, status, body[:400])
                statuses.setdefault(operation["operationId"], set()).add(status)
    assert len(statuses) >= 8
    assert {200, 202, 400, 401, 409, 415, 422, 500} <= set().union(*statuses.values())


async def test_every_other_answer_is_as_described(served: Running, openapi: Any) -> None:
    for partner, call in OTHERS:
        keyed = replace(call, headers={**call.headers, **served.key(partner)})
        status, content, body = await answered(served, keyed)
        operation = described(openapi, call.method, call.path)
        wrong = complaints(openapi, operation, status, content, body)
        assert wrong == [], (call.method, call.path, status, body[:400])

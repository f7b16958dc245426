"""The operators' API over a real server: every documented address answers as documented, and odd
requests get a clear problem.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jsonschema
import openapi_spec_validator
import pytest
import pytest_asyncio

from exchange.journey.count import REQUEST_KINDS
from exchange.schemas.identifiers import CHECK_CHARACTERS
from exchange.web.figures.overview import FRESH_SECONDS
from tests.exchange.journey.way import BODY
from tests.journeys.running import Running, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOBODY = "0" * 31 + "1"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """An exchange that has taken in a message and rejected one."""
    async with running(tmp_path_factory.mktemp("api")) as started:
        headers = {"X_Message_Type": "population.births", "Content_Type": "application/json"}
        assert (
            await started.post("/luova/v1/messages", BODY, "dvv", X_Message_Id="good", **headers)
        )[0] == 202
        await started.settled()
        await started.post("/luova/v1/messages", b"{}", "dvv", X_Message_Id="bad", **headers)
        yield started


async def document(served: Running) -> Any:
    """The description that is served."""
    status, headers, body = await served.get("/api/openapi.json")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    return json.loads(body)


async def message_id(served: Running) -> str:
    """The public id of the message that was accepted."""
    found = await served.exchange.ledger.find("luova", "dvv", "good")
    assert found is not None
    return f"{found.id:032x}"


def holds(described: Any, path: str, method: str, status: int, answer: Any) -> None:
    """Hold an answer against the schema that the description gives it."""
    (content,) = described["paths"][path][method]["responses"][str(status)]["content"].values()
    schema = {**content["schema"], "components": described["components"]}
    judge = jsonschema.Draft202012Validator
    judge(schema, format_checker=judge.FORMAT_CHECKER).validate(answer)


async def test_an_embedded_exchange_tells_its_worker_and_who_took_a_message_in(
    served: Running,
) -> None:
    told = json.loads((await served.get("/api/v1/nodes"))[2])
    holds(await document(served), "/api/v1/nodes", "get", 200, told)
    (node,) = told["nodes"]
    assert (told["this"], node["number"], node["state"]) == (0, 0, "supervised")
    assert (node["lanes"], node["is_keeper"], told["standbys"]) == (256, True, None)
    message = json.loads((await served.get(f"/api/v1/messages/{await message_id(served)}"))[2])
    assert message["node"] == 0
    assert b"exchange_keepers 1.0" in (await served.get("/metrics"))[2]
    assert (await served.get("/nodes"))[0] == 200


async def test_the_description_is_valid_and_names_every_endpoint(served: Running) -> None:
    described = await document(served)
    openapi_spec_validator.validate(described)
    for channel in served.exchange.channels.values():
        for endpoint in channel.endpoints:
            operation = described["paths"][endpoint.path][endpoint.method.lower()]
            assert (operation["summary"], operation["tags"]) == (endpoint.summary, [channel.name])
            assert ("security" in operation) == (endpoint.public is None)
    ids = [
        operation["operationId"]
        for path in described["paths"].values()
        for operation in path.values()
    ]
    assert len(ids) == len(set(ids))


async def test_every_route_of_the_server_is_described(served: Running) -> None:
    """All but the pages, and what refuses addresses that no endpoint has."""
    described = await document(served)
    routes = {
        (str(route.method), route.resource.canonical)
        for route in served.exchange.application().router.routes()
    }  # type: ignore[union-attr]
    own = {
        (method, path)
        for method, path in routes
        if path.startswith(("/api", "/health", "/metrics"))
    }
    assert own - {
        (method.upper(), path) for path, methods in described["paths"].items() for method in methods
    } <= {("HEAD", path) for _, path in own}


async def test_every_documented_address_answers(served: Running) -> None:
    """Nothing described is unknown to the server: with a key no answer is for want of an
    endpoint, or a failure.
    """
    given = {"id": await message_id(served), "name": "none.xsd", "date": "2026-03-02"}
    given |= {"family": "pension", "file": "none.xsd"}
    for path, methods in (await document(served))["paths"].items():
        for method in methods:
            address = path.format_map(given)
            headers = served.key("dvv")
            async with served.session.request(
                method.upper(), served.url + address, headers=headers, data=b""
            ) as response:
                body = await response.text()
            # (A SOAP fault has status 500.)
            assert response.status not in (405, 501), (method, address, response.status)
            assert "there is no such address" not in body
            assert "failed to serve" not in body


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/api/v1/snapshot", ""),
        ("/api/v1/counters", ""),
        (
            "/api/v1/counters",
            "?by=period,channel,message_type,sender,receiver,endpoint,kind&daily=true",
        ),
        ("/api/v1/counters", "?by="),
        ("/api/v1/counters", "?by=period&since=2026-01-01T00:00:00Z&until=2100-01-01T00:00Z"),
        ("/api/v1/counters", "?by=period&daily=true&since=2026-01-01"),
        ("/api/v1/counters", "?since=0001-01-01T00:00:00%2B23:59"),
        ("/api/v1/catalogue", ""),
        ("/api/v1/dead-letters", "?before=" + "0" * 17 + "f" * 15),
        ("/api/v1/dead-letters", ""),
        ("/health/live", ""),
        ("/health/ready", ""),
    ],
)
async def test_an_answer_is_as_described(served: Running, path: str, query: str) -> None:
    status, _, body = await served.get(path + query)
    assert status == 200, body
    holds(await document(served), path, "get", 200, json.loads(body))


async def test_a_message_with_its_deliveries_events_and_body(served: Running) -> None:
    wanted = await message_id(served)
    _, _, body = await served.get(f"/api/v1/messages/{wanted}")
    message = json.loads(body)
    holds(await document(served), "/api/v1/messages/{id}", "get", 200, message)
    assert (message["id"], message["state"], message["sender_message_id"]) == (
        wanted,
        "accepted",
        "good",
    )
    assert [each["state"] for each in message["deliveries"]] == ["delivered"]
    assert [each["kind"] for each in message["events"]][:2] == ["accepted", "delivered"]
    status, headers, body = await served.get(f"/api/v1/messages/{wanted}/body")
    assert (status, body) == (200, BODY)
    assert (headers["Content-Type"], headers["X-Content-Type-Options"]) == (
        "text/plain; charset=utf-8",
        "nosniff",
    )


async def test_counters_are_the_ledgers(served: Running) -> None:
    _, _, body = await served.get("/api/v1/counters?by=channel,kind")
    told = {
        (row["channel"], row["kind"]): (row["count"], row["items"], row["bytes"])
        for row in json.loads(body)
    }
    kept = {
        tuple(values): tuple(sums)
        for values, *sums in await served.exchange.ledger.totals(("channel", "kind"))
    }
    assert told == kept
    assert told[("luova", "accepted")][0] >= 1


@pytest.mark.parametrize(
    ("path", "status", "title"),
    [
        ("/api/v1/counters?by=nothing", 400, "Unknown dimension"),
        ("/api/v1/counters?by=kind;drop", 400, "Unknown dimension"),
        ("/api/v1/counters?since=yesterday", 400, "Not a time"),
        (f"/api/v1/counters?until={1 << 63}", 400, "Not a time"),
        (f"/api/v1/counters?since=-{'9' * 40}", 400, "Not a time"),
        (f"/api/v1/counters?since={'9' * 5000}", 400, "Not a time"),
        ("/api/v1/counters?since=2026-11-29T08:00:00Z&daily=true", 400, "Not a time"),
        ("/api/v1/dead-letters?before=x", 400, "No such id"),
        (f"/api/v1/dead-letters?before=-{'0' * 30}1", 400, "No such id"),
        (f"/api/v1/messages/{NOBODY}", 404, "No such message"),
        ("/api/v1/messages/x", 404, "No such message"),
        (f"/api/v1/messages/{'f' * 32}", 404, "No such message"),
        (f"/api/v1/messages/{NOBODY}/body", 404, "No such body"),
    ],
)
async def test_an_odd_question_gets_a_problem(
    served: Running, path: str, status: int, title: str
) -> None:
    answered, headers, body = await served.get(path)
    assert (answered, headers["Content-Type"], json.loads(body)["title"]) == (
        status,
        "application/problem+json",
        title,
    )


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b"7", b'{"deliveries":7}', b'{"deliveries":[7]}', b'{"deliveries":["x"]}', b"\xff", b"[" * 100_000,
     b'{"deliveries":[null]}', b'{"deliveries":["' + b"0" * 31 + b'_"]}'],
)  # fmt: skip
@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=none"])
async def test_an_odd_resend_gets_a_problem(
    served: Running, body: bytes, content_type: str
) -> None:
    status, headers, _ = await served.post(
        "/api/v1/dead-letters/resend", body, Content_Type=content_type
    )
    assert (status, headers["Content-Type"]) == (400, "application/problem+json")


async def test_a_resend_tells_what_was_resent(served: Running) -> None:
    status, _, body = await served.post(
        "/api/v1/dead-letters/resend",
        json.dumps({"deliveries": [NOBODY]}),
        Content_Type="application/json",
    )
    refused = [{"delivery": NOBODY, "reason": "no dead letter has that id"}]
    assert (status, json.loads(body)) == (200, {"resent": [], "refused": refused})


async def test_validation_tells_everything_and_takes_nothing_in(served: Running) -> None:
    async def messages() -> dict[str, int]:
        """Counts of messages: those of the last test's requests may come within a second."""
        counts = await served.counts("luova")
        return {kind: number for kind, number in counts.items() if kind not in REQUEST_KINDS}

    before = await messages()
    described = await document(served)
    for sent, query, valid in (
        (BODY, "", True),
        (BODY, "?type=population.births", True),
        (BODY.replace(b"NAINEN", b"NAI\nNEN"), "", False),
        (BODY.replace(b"NAINEN", b"NEITO"), "?type=population.births", False),
        (b"", "", False),
        (b"<x/>", "", False),
        (b"{}", "?type=no.such", False),
    ):
        status, _, body = await served.post(f"/api/v1/validate{query}", sent)
        told = json.loads(body)
        assert (status, told["valid"]) == (200, valid), told
        holds(described, "/api/v1/validate", "post", 200, told)
        assert valid or told["violations"]
    assert await messages() == before


@pytest.mark.parametrize("around", ["{}", '{{"a":"{}"', "<a>{}</b>", '{{"a":"{}","a":1}}'])
async def test_validation_repeats_no_living_persons_code(served: Running, around: str) -> None:
    """Least of all in the source line of what is not well-formed."""
    digits = f"010190{random.Random(around).randrange(2, 900):03d}"
    code = f"{digits[:6]}-{digits[6:]}{CHECK_CHARACTERS[int(digits) % 31]}"
    for body, query in ((around.format(code), ""), ("{}", f"?type={code}")):
        _, _, answer = await served.post(f"/api/v1/validate{query}", body)
        assert [each["rule"] for each in json.loads(answer)["violations"]] == [
            "identity.real-person"
        ]
        assert code.encode() not in answer


#: What only grows is a counter, what is so just now a gauge.
METRICS = {
    "exchange_call_seconds": "histogram",
    "exchange_commit_changes": "histogram",
    "exchange_commit_seconds": "histogram",
    "exchange_deliveries": "gauge",
    "exchange_deliveries_held": "gauge",
    "exchange_keepers": "gauge",
    "exchange_lanes_free": "gauge",
    "exchange_ledger_up": "gauge",
    "exchange_messages_total": "counter",
    "exchange_node_due": "gauge",
    "exchange_node_due_seconds": "gauge",
    "exchange_node_lanes": "gauge",
    "exchange_node_state": "gauge",
    "exchange_receiver_full": "gauge",
    "exchange_receiver_held_up": "gauge",
    "exchange_receiver_held_up_oldest_seconds": "gauge",
    "exchange_receiver_outages_total": "counter",
    "exchange_receiver_probes_total": "counter",
    "exchange_receiver_state": "gauge",
    "exchange_receiver_state_seconds": "gauge",
    "exchange_refused_total": "counter",
    "exchange_requests_total": "counter",
    "exchange_spans_total": "counter",
    "exchange_standby_behind_bytes": "gauge",
    "exchange_standby_missing": "gauge",
    "exchange_turn_seconds": "gauge",
    "exchange_turns_waiting": "gauge",
}


def kinds_of(text: str) -> dict[str, str]:
    """The type of each metric; the times at which counters began are left out."""
    found = re.findall("^# TYPE (\\S+) (\\S+)$", text, re.M)
    return {name: kind for name, kind in found if not name.endswith("_created")}


async def test_metrics_and_readiness(served: Running, tmp_path: Path) -> None:
    await asyncio.sleep(FRESH_SECONDS + 0.1)
    accepted = (await served.counts("luova"))["accepted"]
    status, _, body = await served.get("/metrics")
    assert status == 200
    text = body.decode()
    assert "# TYPE exchange_messages_total counter" in text
    assert f'exchange_messages_total{{channel="luova",kind="accepted"}} {accepted}.0' in text
    assert kinds_of(text) == METRICS
    assert re.search(r'^exchange_requests_total\{channel="luova"\} [0-9.]+$', text, re.M)
    assert 'exchange_deliveries{channel="luova",kind="waiting"}' in text
    assert "exchange_ledger_up 1.0" in text
    async with running(tmp_path) as other:
        await other.exchange.ledger.close()
        status, headers, body = await other.get("/health/ready")
        assert (status, headers["Retry-After"], json.loads(body)["title"]) == (
            503,
            "1",
            "Not ready",
        )
        assert (await other.get("/health/live"))[0] == 200
        status, _, body = await other.get("/metrics")
        assert (status, b"exchange_ledger_up 0.0" in body) == (200, True)

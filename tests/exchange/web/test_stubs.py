"""The operators' API over the stubs: they answer what it sets, what they refuse it tells, and who
changed something stands in the audit log.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from exchange.schemas.call import Call, Reply
from exchange.schemas.directory import Partner
from tests.exchange.journey.way import BODY
from tests.journeys.running import Running, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

OVERRIDES = "/api/v1/stubs/overrides"
DVV = {"X_Message_Type": "population.births", "Content_Type": "application/json"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running(tmp_path_factory.mktemp("stubs")) as started:
        yield started


async def set_to(served: Running, data: Any, path: str = OVERRIDES) -> tuple[int, Any]:
    status, _, body = await served.post(path, json.dumps(data), Content_Type="application/json")
    return status, json.loads(body)


async def test_an_attempt_meets_what_was_set_and_the_next_one_does_not(served: Running) -> None:
    given = {"id": "busy", "partner": "kela.core-data", "message_type": "population.births"}
    assert await set_to(served, {**given, "status": 503, "times": 1}) == (200, {"id": "busy"})
    status, *_ = await served.post("/luova/v1/messages", BODY, "dvv", X_Message_Id="a", **DVV)
    assert status == 202
    await served.settled()
    found = await served.exchange.ledger.find("luova", "dvv", "a")
    assert found is not None
    (delivery,) = await served.exchange.ledger.deliveries(found.id)
    assert (delivery.state, delivery.attempts) == ("delivered", 2)
    _, _, body = await served.get("/api/v1/stubs/calls?partner=kela.core-data")
    second, first = json.loads(body)
    assert (first["met"], second["met"]) == ("busy", "")
    assert "call 2 of its kind" in second["not_met"]["busy"]
    assert await set_to(served, {"all": True}, f"{OVERRIDES}/remove") == (200, {"removed": 1})
    assert json.loads((await served.get(OVERRIDES))[2]) == []
    audited = [row for _, row in await served.exchange.ledger.audited(10)]
    assert [(row.what, row.target) for row in audited] == [
        ("override-remove", "*"),
        ("override", "busy"),
    ]


@pytest.mark.parametrize(
    ("path", "data", "status", "told"),
    [
        (OVERRIDES, {"id": "x", "stauts": 503}, 400, "nearest: status"),
        (OVERRIDES, {"id": "x", "status": 200, "body": "131052-308T"}, 400, "living person's"),
        (f"{OVERRIDES}/remove", {"id": "nothing"}, 404, "no override has the id"),
    ],
)
async def test_a_refusal_of_the_stubs_is_told_and_not_noted(
    served: Running, path: str, data: Any, status: int, told: str
) -> None:
    before = await served.exchange.ledger.audited(10)
    got, problem = await set_to(served, data, path)
    assert (got, problem["status"]) == (status, status)
    assert told in problem["detail"]
    assert await served.exchange.ledger.audited(10) == before


@pytest.mark.parametrize("reply", [Reply(200, b"<html>"), Reply(500, b"{}"), Reply(200, b"1")])
async def test_what_answers_in_the_place_of_stubs_is_no_answer_of_theirs(
    served: Running, monkeypatch: pytest.MonkeyPatch, reply: Reply
) -> None:
    async def send(partner: Partner, call: Call, timeout_seconds: float) -> Reply:
        return reply

    monkeypatch.setattr(served.exchange.transport, "send", send)
    status, _, body = await served.get(OVERRIDES)
    assert (status, json.loads(body)["title"]) == (502, "No stubs")


async def test_without_stubs_it_says_so(tmp_path: Path) -> None:
    nowhere = {"address": "http://127.0.0.1:1"}
    async with running(tmp_path, partners=nowhere) as started:
        status, _, body = await started.get(OVERRIDES)
    assert status == 502
    assert "partners.address" in json.loads(body)["detail"]

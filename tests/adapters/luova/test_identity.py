"""What a sender's id stands for on Luova: the body and what the headers say of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.luova.test_delivery import REPLY
from tests.journeys.running import Running, running

KELA = "kela.unemployment"
SAME = {
    "X_Message_Type": "unemployment.benefit-data",
    "X_Message_Id": "b-1",
    "X_Receiver": "fund.super",
    "X_Conversation_Id": "c-1",
    "X_Ordered": "true",
}


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as started:
        yield started


async def post(exchange: Running, body: bytes = REPLY, **headers: str) -> tuple[int, Any]:
    """Send it as Kela; headers without a value are left out."""
    sent = {name: value for name, value in (SAME | headers).items() if value}
    status, _, answer = await exchange.post("/luova/v1/messages", body, KELA, **sent)
    return status, json.loads(answer)


@pytest.mark.parametrize(
    ("headers", "what"),
    [
        ({"X_Receiver": "fund.pro"}, "receiver"),
        ({"X_Receiver": "fund.nowhere"}, "receiver"),
        ({"X_Receiver": "dvv"}, "receiver"),
        ({"X_Receiver": ""}, "receiver"),
        ({"X_Conversation_Id": "c-2"}, "conversation"),
        ({"X_Conversation_Id": "", "X_Ordered": ""}, "conversation"),
        ({"X_Ordered": "false"}, "order"),
        ({"X_Message_Type": "unemployment.earnings-data"}, "message type"),
    ],
)
async def test_the_same_body_said_to_be_another_message(
    exchange: Running, headers: dict[str, str], what: str
) -> None:
    status, first = await post(exchange)
    assert status == 202
    status, told = await post(exchange, **headers)
    found = [each for each in told["violations"] if each["rule"] == "message-id.reused"]
    assert (status, told["reason"]) == (409, "message-id-reused")
    assert f"with another {what}" in found[0]["message"]
    assert found[0]["expected"].endswith("as before, or a message id of its own")
    assert await post(exchange) == (200, first), "the same is the same still"
    counts = await exchange.counts("luova")
    assert (counts["accepted"], counts["rejected"], counts["duplicate"]) == (1, 1, 1)
    assert not [check for check in exchange.verify().checks if check.broken]


async def test_who_names_the_default_receiver_says_what_who_names_nobody_says(
    exchange: Running,
) -> None:
    body = '{"viimeisinKirjausavain":1,"muutokset":[],"ajanTasalla":true}'
    headers = {"X_Message_Type": "population.changes", "X_Message_Id": "p-1"}
    found = [
        (await exchange.post("/luova/v1/messages", body, "dvv", **headers, **named))[0]
        for named in ({}, {"X_Receiver": "kela.core-data"}, {}, {"X_Receiver": "kela.income-data"})
    ]
    assert found[:3] == [202, 200, 200]
    assert found[3] in (409, 422)


async def test_what_was_stored_before_there_was_a_digest_is_compared_with_where_it_went(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as exchange:
        assert (await post(exchange))[0] == 202
    with sqlite3.connect(tmp_path / "exchange.db") as connection:
        connection.execute("UPDATE message SET identity=x''")
    connection.close()
    async with running(tmp_path) as exchange:
        assert (await post(exchange))[0] == 200
        assert (await post(exchange, X_Receiver="fund.pro"))[0] == 409
        assert (await post(exchange, X_Conversation_Id="c-2"))[0] == 409


async def test_a_malformed_message_keeps_what_its_headers_said(exchange: Running) -> None:
    status, told = await post(exchange, b"<BenefitData")
    assert (status, told["messageId"]) == (400, "b-1")
    assert told["messageType"] == "unemployment.benefit-data"
    row = await exchange.exchange.ledger.message(int(told["id"], 16))
    assert row is not None
    assert (row.sender_message_id, row.conversation) == ("b-1", "c-1")
    assert json.loads(row.detail)["receivers"] == ["fund.super"]
    assert row.digest
    assert (await post(exchange))[0] == 202, "it took no id"
    assert not [check for check in exchange.verify().checks if check.broken]


async def test_a_malformed_message_that_may_name_somebody_keeps_nothing(exchange: Running) -> None:
    status, told = await post(exchange, b"<a>131052-308T")
    assert (status, told["reason"]) == (403, "real-person")
    row = await exchange.exchange.ledger.message(int(told["id"], 16))
    assert row is not None
    assert (row.sender_message_id, row.conversation, row.digest) == ("", "", b"")


async def test_every_header_that_lacks_is_told(exchange: Running) -> None:
    status, told = await post(exchange, b"<BenefitDatum/>", X_Message_Id="", X_Message_Type="")
    rules = {each["rule"]: each for each in told["violations"]}
    assert status == 422
    assert set(rules) == {"luova.message-id", "type.unknown"}
    assert rules["type.unknown"]["found"] == "BenefitDatum"
    assert "unemployment.benefit-data" in rules["type.unknown"]["expected"]
    status, told = await post(exchange, X_Message_Id="", X_Receiver="")
    assert {"luova.message-id", "luova.receiver"} <= {each["rule"] for each in told["violations"]}


async def test_a_type_that_is_not_there_names_those_near_it(exchange: Running) -> None:
    _, told = await post(exchange, X_Message_Type="unemployment.benefits-data")
    (violation,) = told["violations"]
    assert "unemployment.benefit-data" in violation["expected"]

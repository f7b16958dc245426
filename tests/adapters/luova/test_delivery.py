"""Luova's second half over sockets: mailboxes whose leases run out, pushes that are tried again,
dead letters that are sent again, order.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from exchange.partners.faults import Fault, Faults
from tests.adapters.luova.judging import NOTHING_NEW
from tests.journeys.running import Running, running

REPLY = b"""<BenefitData xmlns="urn:exchange:unemployment:1"><InReplyTo>r-1</InReplyTo><CreatedAt>2026-03-02T09:04:40Z</CreatedAt>
<Person><PersonalIdentityCode>061185V952C</PersonalIdentityCode></Person></BenefitData>"""


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as started:
        yield started


async def put(exchange: Running, number: int, conversation: str = "") -> None:
    """A message into the mailbox of a fund."""
    headers = {
        "X_Message_Type": "unemployment.benefit-data",
        "X_Message_Id": f"b-{number}",
        "X_Receiver": "fund.super",
    }
    if conversation:
        headers["X_Conversation_Id"] = conversation
    status, _, body = await exchange.post(
        "/luova/v1/messages", REPLY, "kela.unemployment", **headers
    )
    assert status == 202, body


async def read(exchange: Running, query: str = "") -> list[dict[str, Any]]:
    """What the fund's mailbox gives now."""
    status, _, body = await exchange.get(f"/luova/v1/mailbox{query}", "fund.super")
    assert status == 200, body
    letters: list[dict[str, Any]] = json.loads(body)["deliveries"]
    return letters


def held(*letters: dict[str, Any]) -> list[dict[str, str]]:
    """Letters as they are acknowledged."""
    return [{"id": letter["id"], "lease": letter["lease"]} for letter in letters]


async def acknowledge(exchange: Running, deliveries: list[Any]) -> tuple[int, Any]:
    """Acknowledge as the fund."""
    body = json.dumps({"deliveries": deliveries})
    return await about_leases(exchange, "acknowledgements", body)


async def about_leases(exchange: Running, what: str, body: str) -> tuple[int, Any]:
    """Say something of leases as the fund."""
    status, _, answer = await exchange.post(f"/luova/v1/mailbox/{what}", body, "fund.super")
    return status, json.loads(answer)


async def test_a_mailbox_gives_the_oldest_first_and_nothing_twice_while_it_is_leased(
    exchange: Running,
) -> None:
    for number in range(5):
        await put(exchange, number)
    first, rest = await read(exchange, "?most=2"), await read(exchange)
    assert [letter["messageId"] for letter in (*first, *rest)] == [
        f"b-{number}" for number in range(5)
    ]
    assert await read(exchange) == []
    assert first[0]["body"].encode() == REPLY
    status, told = await acknowledge(exchange, held(*first, *rest))
    assert (status, len(told["acknowledged"])) == (200, 5)
    assert (await exchange.counts("luova"))["delivered"] == 5
    assert not [check for check in exchange.verify().checks if check.broken]


async def test_what_is_not_acknowledged_comes_back_and_counts_its_attempts(
    exchange: Running,
) -> None:
    await put(exchange, 1)
    (first,) = await read(exchange, "?lease_seconds=1")
    assert await read(exchange) == []
    await asyncio.sleep(1.1)
    (again,) = await read(exchange)
    assert (again["id"], first["attempts"], again["attempts"]) == (first["id"], 1, 2)
    status, told = await acknowledge(exchange, held(first))
    assert (status, told["violations"][0]["rule"]) == (409, "luova.lease-over"), "an old holder"
    _, told = await acknowledge(exchange, held(again))
    assert told["acknowledged"] == [first["id"]]
    status, told = await acknowledge(exchange, held(again))
    assert (status, told["violations"][0]["rule"]) == (409, "luova.lease-ended")
    assert (await exchange.counts("luova"))["delivered"] == 1


async def test_many_readers_at_once_share_a_mailbox_without_getting_anything_twice(
    exchange: Running,
) -> None:
    for number in range(20):
        await put(exchange, number)
    pages = await asyncio.gather(*(read(exchange, "?most=7") for _ in range(6)))
    ids = [letter["id"] for page in pages for letter in page]
    assert len(ids) == len(set(ids)) == 20


@pytest.mark.parametrize(
    "query",
    [
        "?most=0",
        "?most=101",
        "?most=-1",
        "?most=x",
        "?most=",
        "?lease_seconds=3601",
        "?most=1e2",
        "?most=١",
        "?wait=31",
        "?wait=-1",
        "?conversation=%C3%A4",
        "?type=unemployment.nothing",
        "?receiver=fund.super",
    ],
)
async def test_a_query_that_makes_no_sense_is_told(exchange: Running, query: str) -> None:
    status, _, body = await exchange.get(f"/luova/v1/mailbox{query}", "fund.super")
    (violation,) = json.loads(body)["violations"]
    assert (status, violation["rule"]) == (400, "luova.query")


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        ("0" * 32, "/deliveries/0"),
        (7, "/deliveries/0"),
        (None, "/deliveries/0"),
        ({"id": "0" * 32}, "/deliveries/0"),
        ({"id": "0" * 31, "lease": "0" * 32}, "/deliveries/0/id"),
        ({"id": "0" * 32, "lease": 7}, "/deliveries/0/lease"),
        ({"id": "0" * 32, "lease": "f" * 32}, "/deliveries/0/lease"),
    ],
)
async def test_an_acknowledgement_of_what_is_no_delivery(
    exchange: Running, entry: Any, path: str
) -> None:
    status, told = await acknowledge(exchange, [entry])
    assert (status, told["violations"][0]["path"]) == (400, path)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        '{"deliveries":7}',
        '{"deliveries":[]}',
        '{"deliveries":[],"x":1}',
        json.dumps({"deliveries": [{"id": "0" * 32, "lease": "0" * 32}] * 101}),
    ],
)
async def test_an_acknowledgement_that_is_none(exchange: Running, body: str) -> None:
    status, _, answer = await exchange.post(
        "/luova/v1/mailbox/acknowledgements", body, "fund.super"
    )
    assert status == 400
    assert json.loads(answer)["violations"]


async def push(exchange: Running, count: int, **headers: str) -> list[str]:
    """Changes to Kela; their public ids."""
    ids = []
    for number in range(count):
        own = {"X_Message_Type": "population.changes", "X_Message_Id": f"p-{number}", **headers}
        status, _, body = await exchange.post("/luova/v1/messages", NOTHING_NEW, "dvv", **own)
        assert status == 202, body
        ids.append(json.loads(body)["id"])
    return ids


async def state(exchange: Running, message: str) -> dict[str, Any]:
    """The one delivery of a message, as its sender sees it."""
    _, _, body = await exchange.get(f"/luova/v1/messages/{message}", "dvv")
    (delivery,) = json.loads(body)["deliveries"]
    assert isinstance(delivery, dict)
    return delivery


async def test_a_receiver_that_is_down_now_and_then_gets_everything_in_the_end(
    tmp_path: Path,
) -> None:
    faults = Faults([Fault("kela.core-data", "down", 0.5)], 3)
    async with running(tmp_path, faults) as exchange:
        ids = await push(exchange, 10)
        await exchange.settled()
        states = [await state(exchange, each) for each in ids]
        counts = await exchange.counts("luova")
        assert {each["state"] for each in states} == {"delivered"}
        assert counts["delivered"] == 10
        assert counts["attempt-failed"] == sum(each["attempts"] - 1 for each in states) > 0
        assert not [check for check in exchange.verify().checks if check.broken]


async def test_a_receiver_that_stays_down_makes_a_dead_letter_which_can_be_sent_again(
    tmp_path: Path,
) -> None:
    faults = Faults([Fault("kela.core-data", "down", 1.0)], 3)
    deliveries = {"attempts_max": 3, "first_backoff_seconds": 0.02, "poll_seconds": 0.02}
    async with running(tmp_path, faults, deliveries=deliveries) as exchange:
        (message,) = await push(exchange, 1)
        await exchange.settled()
        dead = await state(exchange, message)
        assert (dead["state"], dead["attempts"]) == ("dead", 3)
        _, _, body = await exchange.get("/api/v1/dead-letters")
        assert [(letter["message"], letter["reason"][:8]) for letter in json.loads(body)] == [
            (message, "http-503")
        ]
        faults.faults = ()
        status, _, body = await exchange.post(
            "/api/v1/dead-letters/resend",
            json.dumps({"deliveries": [dead["id"]]}),
            Content_Type="application/json",
        )
        assert (status, json.loads(body)["resent"]) == (200, [dead["id"]])
        await exchange.settled()
        again = await state(exchange, message)
        assert (again["state"], again["attempts"]) == ("delivered", 1), "all attempts anew"
        counts = await exchange.counts("luova")
        assert (counts["delivered"], counts["queued"]) == (1, 1)
        assert not [check for check in exchange.verify().checks if check.broken]


async def test_a_receiver_that_refuses_is_waited_for(tmp_path: Path) -> None:
    async with running(tmp_path, Faults([Fault("kela.core-data", "refuse", 1.0)], 3)) as exchange:
        (message,) = await push(exchange, 1)
        async with asyncio.timeout(10):
            while not (waiting := await state(exchange, message))["attempts"]:
                await asyncio.sleep(0.05)
        assert waiting["state"] == "waiting"


async def test_one_conversation_arrives_in_its_order_though_the_receiver_fails(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, Faults([Fault("kela.core-data", "down", 0.4)], 5)) as exchange:
        ids = await push(exchange, 12, X_Conversation_Id="c-1", X_Ordered="true")
        await exchange.settled()
        ended = [(await state(exchange, each))["endedAt"] for each in ids]
        assert ended == sorted(ended)

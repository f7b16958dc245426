"""Luova's mailbox over sockets: what is refused and why, waiting, and callers that go."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.adapters.luova.test_delivery import (
    about_leases,
    acknowledge,
    held,
    put,
    read,
)
from tests.journeys.running import Running, running

NOBODYS = {"id": "0" * 31 + "1", "lease": "0" * 31 + "2"}


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as started:
        yield started


async def test_a_refused_letter_is_a_dead_letter_with_its_reason(exchange: Running) -> None:
    await put(exchange, 1)
    (letter,) = await read(exchange)
    body = json.dumps({"deliveries": held(letter), "reason": "no such person"})
    assert await about_leases(exchange, "refusals", body) == (200, {"refused": [letter["id"]]})
    _, _, dead = await exchange.get("/api/v1/dead-letters")
    assert [each["reason"] for each in json.loads(dead)] == ["refused: no such person"]
    status, told = await acknowledge(exchange, held(letter))
    assert (status, told["violations"][0]["rule"]) == (409, "luova.lease-ended")
    assert not [check for check in exchange.verify().checks if check.broken]


async def test_a_lease_is_extended(exchange: Running) -> None:
    await put(exchange, 1)
    (letter,) = await read(exchange, "?lease_seconds=1")
    body = json.dumps({"deliveries": held(letter), "lease_seconds": 100})
    status, told = await about_leases(exchange, "extensions", body)
    assert (status, told["extended"]) == (200, [letter["id"]])
    assert told["leaseUntil"] > letter["leaseUntil"]
    await asyncio.sleep(1.1)
    assert await read(exchange) == []
    body = json.dumps({"deliveries": held(letter), "lease_seconds": 3600})
    status, told = await about_leases(exchange, "extensions", body)
    assert (status, told["violations"][0]["rule"]) == (409, "luova.lease-limit")
    assert (await acknowledge(exchange, held(letter)))[0] == 200


async def test_what_is_wrong_with_some_does_not_keep_the_others(exchange: Running) -> None:
    for number in range(2):
        await put(exchange, number)
    first, second = await read(exchange)
    mixed = [held(first)[0], {"id": second["id"], "lease": NOBODYS["lease"]}, NOBODYS]
    status, told = await acknowledge(exchange, mixed)
    assert (status, told["acknowledged"]) == (409, [first["id"]])
    assert [(each["path"], each["rule"]) for each in told["violations"]] == [
        ("/deliveries/1", "luova.lease-over"),
        ("/deliveries/2", "luova.lease-unknown"),
    ]
    assert all(each["expected"] for each in told["violations"])
    status, told = await acknowledge(exchange, held(second) * 2)
    assert (status, told["acknowledged"]) == (409, [second["id"]])
    assert told["violations"][0]["rule"] == "luova.lease-twice"


@pytest.mark.parametrize(
    ("what", "members", "path"),
    [
        ("refusals", {}, ""),
        ("refusals", {"reason": ""}, "/reason"),
        ("refusals", {"reason": " "}, "/reason"),
        ("refusals", {"reason": 7}, "/reason"),
        ("refusals", {"reason": "x" * 401}, "/reason"),
        ("refusals", {"reason": "person 131052-308T"}, "/reason"),
        ("refusals", {"reason": "x", "why": "y"}, "/why"),
        ("extensions", {}, ""),
        ("extensions", {"lease_seconds": 3601}, "/lease_seconds"),
        ("extensions", {"lease_seconds": 0}, "/lease_seconds"),
        ("extensions", {"lease_seconds": True}, "/lease_seconds"),
        ("extensions", {"lease_seconds": "60"}, "/lease_seconds"),
    ],
)
async def test_what_a_call_about_leases_lacks(
    exchange: Running, what: str, members: dict[str, Any], path: str
) -> None:
    await put(exchange, 1)
    (letter,) = await read(exchange)
    body = json.dumps({"deliveries": held(letter), **members})
    status, told = await about_leases(exchange, what, body)
    (violation,) = told["violations"]
    assert (status, violation.get("path", "")) == (400, path)
    assert violation["expected"]
    assert "131052" not in json.dumps(told)
    assert (await acknowledge(exchange, held(letter)))[0] == 200, "nothing is lost"


async def test_filters_give_what_they_name(exchange: Running) -> None:
    for number, conversation in enumerate(("c-1", "c-2")):
        await put(exchange, number, conversation)
    assert await read(exchange, "?conversation=c-3") == []
    assert await read(exchange, "?type=tax.response") == []
    (letter,) = await read(exchange, "?conversation=c-2&type=unemployment.benefit-data")
    assert letter["messageId"] == "b-1"
    (other,) = await read(exchange)
    assert other["messageId"] == "b-0"


async def test_a_waiting_reader_gets_what_comes_and_takes_nobodys_place(tmp_path: Path) -> None:
    limits = {"in_flight_max": 2, "in_flight_partner_max": 1, "waiting_calls_partner_max": 3}
    async with running(tmp_path, limits=limits) as exchange:
        waiting = [asyncio.create_task(read(exchange, "?wait=30&most=1")) for _ in range(3)]
        await asyncio.sleep(0.2)
        status, _, body = await exchange.get("/luova/v1/mailbox?wait=30", "fund.super")
        assert (status, json.loads(body)["reason"]) == (429, "busy")
        for number in range(3):
            await put(exchange, number)
        found = [letter for page in await asyncio.gather(*waiting) for letter in page]
        assert sorted(letter["messageId"] for letter in found) == ["b-0", "b-1", "b-2"]


async def test_a_wait_ends_with_its_caller(tmp_path: Path) -> None:
    async with running(tmp_path, limits={"waiting_calls_partner_max": 1}) as exchange:
        key = exchange.key("fund.super")
        address = f"{exchange.url}/luova/v1/mailbox?wait=30"
        async with aiohttp.ClientSession() as session:
            gone = asyncio.create_task(session.get(address, headers=key))
            await asyncio.sleep(0.2)
            assert (await exchange.get("/luova/v1/mailbox", "fund.super"))[0] == 429
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
        until = time.monotonic() + 5
        while (await exchange.get("/luova/v1/mailbox", "fund.super"))[0] == 429:
            assert time.monotonic() < until, "it still waits"
            await asyncio.sleep(0.02)
        await put(exchange, 1)
        assert len(await read(exchange)) == 1, "who went has taken nothing"


async def test_a_wait_does_not_hold_up_the_end(tmp_path: Path) -> None:
    async with running(tmp_path) as exchange:
        waiting = asyncio.create_task(read(exchange, "?wait=30"))
        await asyncio.sleep(0.2)
        began = time.monotonic()
        exchange.exchange.mailboxes.arrivals.close()
        assert await asyncio.wait_for(waiting, 5) == []
        assert time.monotonic() - began < 5

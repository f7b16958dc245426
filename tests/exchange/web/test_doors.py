"""The doors over a real server: limits, fairness between partners, bodies that never come; what a channel answers is its own tests'."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web

from exchange.errors import LedgerClosed
from exchange.ports import Channel, Desk, Door, Inbound, Outcome
from exchange.settings import Limits
from exchange.web.doors import Doors
from exchange.web.metrics import Metrics
from schemas.call import Call, Reply
from schemas.directory import Directory, Partner
from schemas.envelope import Envelope

ONE, TWO = Partner("one", "One", "bank", key="key-one"), Partner("two", "Two", "bank", key="key-two")


class Refusals:
    """A desk that only notes what was refused unread."""

    def __init__(self) -> None:
        self.refused: list[tuple[str, str]] = []

    async def refuse(self, inbound: Inbound, reason: str, violations: Any) -> Outcome:
        """Note it."""
        self.refused.append((inbound.partner.id, reason))
        return Outcome("rejected", Envelope(1, "c", "", inbound.partner.id, "", 0, ""), list(violations), reason)


class Served:
    """A server with one channel whose door waits until it is let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.inside: list[str] = []
        self.most = 0
        self.full = False
        self.desk = Refusals()
        self.metrics = Metrics()
        self.url = ""

    async def wait(self, call: Call, partner: Partner, desk: Desk) -> Reply:
        """Wait, then tell the length of the body."""
        self.inside.append(partner.id)
        self.most = max(self.most, len(self.inside))
        try:
            if "quick" not in call.query:
                await self.go.wait()
        finally:
            self.inside.remove(partner.id)
        return Reply(202, str(len(call.body)).encode())

    async def fail(self, call: Call, partner: Partner, desk: Desk) -> Reply:
        """A bug, or a ledger that is closing."""
        raise LedgerClosed("closing") if "closing" in call.query else ZeroDivisionError("key-one in a traceback")


@asynccontextmanager
async def serving(**limits: Any) -> AsyncIterator[tuple[Served, aiohttp.ClientSession]]:
    """A real server on a free port."""
    served = Served()
    nothing: Any = lambda *_: None  # noqa: E731 - the journey's half of the channel is never called here
    doors = (
        Door("POST", "/c/v1/messages", "Wait", served.wait, takes_messages=True),
        Door("GET", "/c/v1/fail", "Fail", served.fail),
        Door("GET", "/c/v1/things/{id}", "Public", public=lambda call: Reply(200, call.parameters["id"].encode(), "text/plain")),
    )
    channel = Channel("c", {"en": "C"}, (), doors, nothing, nothing, nothing, nothing, nothing)
    bounds = Limits(**{"body_bytes_max": 2048, **limits})
    app = web.Application(client_max_size=bounds.body_bytes_max + 1)
    gate = Doors(Directory([ONE, TWO]), bounds, served.metrics, lambda: served.full)
    app.add_routes(gate.routes(channel, cast(Desk, served.desk)))
    runner = web.AppRunner(app, access_log=None, auto_decompress=False)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    served.url = runner.addresses and f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            yield served, session
            served.go.set()
    finally:
        await runner.cleanup()


async def post(
    served: Served, session: aiohttp.ClientSession, partner: Partner, query: str = "", body: Any = b"x", **headers: str
) -> tuple[int, str, Any]:
    """Status, Retry-After and body of a call."""
    sent = {"X-API-Key": partner.key, **{name.replace("_", "-"): value for name, value in headers.items()}}
    async with session.post(f"{served.url}/c/v1/messages{query}", data=body, headers=sent) as response:
        text = await response.text()
        is_problem = response.headers["Content-Type"] == "application/problem+json"
        return response.status, response.headers.get("Retry-After", ""), json.loads(text) if is_problem else text


async def until_inside(served: Served, at_least: int, at_most: int = 100) -> None:
    """Wait until so many calls are being served."""
    until = time.monotonic() + 5
    while not at_least <= len(served.inside) <= at_most:
        assert time.monotonic() < until, served.inside
        await asyncio.sleep(0.005)


async def test_a_flooding_partner_is_told_to_wait_while_another_gets_in() -> None:
    async with serving(in_flight_max=10, in_flight_partner_max=4) as (served, session):
        flood = [asyncio.create_task(post(served, session, ONE)) for _ in range(4)]
        await until_inside(served, 4)
        for _ in range(5):
            status, retry_after, problem = await post(served, session, ONE, "?quick")
            assert (status, retry_after, problem["reason"]) == (429, "1", "busy")
        assert (await post(served, session, TWO, "?quick"))[0] == 202
        served.go.set()
        assert [status for status, _, _ in await asyncio.gather(*flood)] == [202] * 4
        assert (await post(served, session, ONE))[0] == 202, "its places are free again"


async def test_a_full_exchange_refuses_everybody_until_there_is_room() -> None:
    async with serving(in_flight_max=3, in_flight_partner_max=3) as (served, session):
        calls = [asyncio.create_task(post(served, session, partner)) for partner in (ONE, ONE, TWO)]
        await until_inside(served, 3)
        for partner in (ONE, TWO):
            status, retry_after, problem = await post(served, session, partner)
            assert (status, retry_after, problem["reason"]) == (503, "1", "busy")
        served.go.set()
        await asyncio.gather(*calls)
        assert (served.most, (await post(served, session, TWO))[0]) == (3, 202)
        served.full = True
        assert (await post(served, session, TWO))[0] == 503, "the queue has outgrown its limit"
        served.full = False
        assert (await post(served, session, TWO))[0] == 202
        assert served.desk.refused == [], "what is to come again is not a message that was rejected"
        assert b'reason="busy"' in served.metrics.response().body  # type: ignore[operator]


async def test_a_caller_that_goes_away_frees_its_place() -> None:
    async with serving(in_flight_max=2, in_flight_partner_max=2) as (served, session):
        for _ in range(5):
            call = asyncio.create_task(post(served, session, ONE))
            await until_inside(served, 1)
            call.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await call
            served.go.set()
            await until_inside(served, 0, 0)
            served.go.clear()
        assert (await post(served, session, ONE, "?quick"))[0] == 202


@pytest.mark.parametrize(("size", "status"), [(0, 202), (2047, 202), (2048, 202), (2049, 413), (100_000, 413)])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_is_taken_up_to_its_limit(size: int, status: int, chunked: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, size, 1000):
            yield b"x" * min(1000, size - start)

    async with serving() as (served, session):
        answered, _, told = await post(served, session, ONE, "?quick", chunks() if chunked else b"x" * size)
        assert answered == status
        if status == 202:
            assert told == str(size)
        else:
            assert (told["reason"], told["violations"][0]["expected"]) == ("too-large", "at most 2048 bytes")
            assert served.desk.refused == [("one", "too-large")]


async def test_a_body_that_does_not_come_gives_its_place_back() -> None:
    async with serving(read_seconds=0.1, in_flight_max=1) as (served, session):

        async def slow() -> AsyncIterator[bytes]:
            yield b"x"
            await asyncio.sleep(0.5)
            yield b"y"

        status, _, told = await post(served, session, ONE, "?quick", slow())
        assert (status, told["reason"]) == (408, "timeout")
        assert (await post(served, session, TWO, "?quick"))[0] == 202


async def test_refusals_in_words() -> None:
    async with serving() as (served, session):
        assert (await post(served, session, ONE, "?quick", Content_Encoding="gzip"))[0] == 415
        nobody = Partner("nobody", "Nobody", "bank", key="key-none")
        status, _, told = await post(served, session, nobody)
        assert (status, told["reason"], "key-none" in str(told)) == (401, "unauthorized", False)
        headers = {"X-API-Key": ONE.key}
        for path, expected, reason in (
            ("/c/v1/fail", 500, "internal"),
            ("/c/v1/fail?closing", 503, "closing"),
            ("/c/v1/nothing", 404, "not-found"),
            ("/c", 404, "not-found"),
            ("/c/v1/messages", 405, "method"),
        ):
            async with session.get(served.url + path, headers=headers) as response:
                told = await response.json(content_type="application/problem+json")
                assert (response.status, told["reason"]) == (expected, reason)
                assert "key-one" not in str(told)
                assert (response.headers.get("Allow") == "POST") == (expected == 405)
        async with session.get(f"{served.url}/c/v1/things/%C3%A4%2F7") as response:
            assert (response.status, await response.text()) == (200, "ä/7"), "public, without a key"

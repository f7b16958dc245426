"""The host of the stubs over real sockets: who is served, what faults do, and what is
remembered.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from exchange.partners.faults import Fault, Faults
from exchange.partners.server import HOST, StubHost, serve_stubs
from tests.partners.echo import DIRECTORY, Echo


@asynccontextmanager
async def serving(
    *faults: Fault, exchange_url: str = "", seed: int = 1
) -> AsyncIterator[tuple[str, StubHost]]:
    runner = await serve_stubs(
        [Echo()], DIRECTORY, "127.0.0.1", 0, Faults(faults, seed), seed, exchange_url
    )
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", runner.app[HOST]
    finally:
        await runner.cleanup()


async def post(url: str, delivery_id: str = "") -> tuple[int, bytes]:
    headers = {"X-Delivery-Id": delivery_id} if delivery_id else {}
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=b"hello", headers=headers) as response,
    ):
        return response.status, await response.read()


async def test_each_partner_is_served_under_its_id_and_strangers_are_not() -> None:
    async with serving() as (url, host):
        assert (await post(f"{url}/fund.a/echo"))[0] == 200
        assert (await post(f"{url}/fund.c/echo"))[0] == 404
        assert (await post(f"{url}/fund.a/other"))[0] == 404
        assert [
            (arrival.partner, arrival.path, arrival.status) for arrival in host.arrivals.latest
        ] == [
            ("fund.a", "/echo", 200),
            ("fund.a", "/other", 404),
        ]


async def test_a_delivery_that_was_taken_twice_is_told() -> None:
    async with serving() as (url, host):
        for delivery_id in ("one", "two", "one"):
            await post(f"{url}/fund.a/echo", delivery_id)
        assert host.arrivals.duplicates() == {("fund.a", "one"): 2}


async def test_chance_comes_from_the_seed_the_partner_and_the_delivery() -> None:
    async def run(seed: int, deliveries: str) -> dict[str, bytes]:
        async with serving(seed=seed) as (url, _):
            return {
                f"{name} {each}": (await post(f"{url}/fund.{name}/echo", each))[1]
                for name in "ab"
                for each in deliveries
            }

    first = await run(5, "123")
    assert len(set(first.values())) == 6
    # Another start, which has seen other deliveries before.
    assert await run(5, "4321") | first == await run(5, "1234")
    assert await run(6, "123") != first


async def test_what_a_delivery_leads_to_is_sent_once_however_often_it_comes() -> None:
    async with serving() as (url, host):
        for delivery_id in ("one", "two", "one", "two", "two"):
            await post(f"{url}/fund.a/echo", delivery_id)
        assert host.arrivals.following_dropped == 2


@pytest.mark.parametrize(
    ("kind", "status"), [("refuse", 403), ("down", 503), ("garbage", 200), ("slow", 200)]
)
async def test_faults_show_in_the_reply_and_in_what_is_remembered(kind: str, status: int) -> None:
    async with serving(Fault("fund.a", kind, 1.0, 0.0)) as (url, host):
        got, body = await post(f"{url}/fund.a/echo", "d")
        assert got == status
        assert (b'"chance"' in body) == (kind == "slow")
        assert host.arrivals.latest[0].fault == kind
        assert bool(host.arrivals.served) == (status == 200)


async def test_a_dropped_connection_gives_no_reply_though_the_call_was_served() -> None:
    async with serving(Fault("fund.a", "drop", 1.0)) as (url, host):
        with pytest.raises(aiohttp.ClientError):
            await post(f"{url}/fund.a/echo", "d")
        assert host.arrivals.served["fund.a", "d"] >= 1


@pytest.mark.parametrize(("faults", "answers"), [((), 1), ((Fault("*", "twice", 1.0),), 2)])
async def test_a_partner_sends_its_own_answer_once_or_by_a_fault_twice(
    faults: tuple[Fault, ...], answers: int
) -> None:
    got: list[tuple[str, bytes]] = []

    async def take(request: web.Request) -> web.Response:
        got.append((request.headers["X-API-Key"], await request.read()))
        return web.Response(status=202)

    app = web.Application()
    app.router.add_post("/in", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with serving(*faults, exchange_url=f"http://127.0.0.1:{runner.addresses[0][1]}") as (
        url,
        host,
    ):
        await post(f"{url}/fund.a/echo")
        await host.settle()
        assert host.sent.total.accepted == answers
    await runner.cleanup()
    assert got == [("key-a", b"answer")] * answers


async def test_what_cannot_be_sent_on_is_counted() -> None:
    async with serving() as (url, host):
        await post(f"{url}/fund.a/echo")
        assert host.arrivals.following_dropped == 1

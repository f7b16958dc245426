"""The traffic over real sockets: rate, mix, counts, follow-ups and a clean stop."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from exchange.partners.sender import Sent, send_traffic
from tests.partners.echo import DIRECTORY, Echo


@asynccontextmanager
async def exchange(
    answer: Callable[[bytes], web.Response],
) -> AsyncIterator[tuple[str, list[bytes]]]:
    bodies: list[bytes] = []

    async def take(request: web.Request) -> web.Response:
        bodies.append(await request.read())
        return answer(bodies[-1])

    app = web.Application()
    app.router.add_post("/in", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", bodies
    finally:
        await runner.cleanup()


def accept(_: bytes) -> web.Response:
    return web.Response(status=202)


async def test_the_rate_and_the_duration_give_the_number_of_calls() -> None:
    async with exchange(accept) as (url, bodies):
        sent = await send_traffic([Echo()], DIRECTORY, url, 200, 0.5, seed=1)
    assert sent.total.sent == sent.total.accepted == len(bodies) == 100
    assert sent.total.items == 300
    assert sent.latency_seconds_max > 0


async def test_the_same_seed_sends_the_same_messages_mixed_by_weight() -> None:
    async def run(seed: int) -> Counter[bytes]:
        async with exchange(accept) as (url, bodies):
            await send_traffic([Echo()], DIRECTORY, url, 1000, 0.3, seed)
            return Counter(bodies)

    first = await run(3)
    assert first == await run(3) != await run(4)
    shares = Counter(body[2:8] for body in first)
    assert 1.3 < shares[b"fund.b"] / shares[b"fund.a"] < 3.0


@pytest.mark.parametrize(
    ("status", "name"), [(422, "rejected"), (503, "failed"), (429, "failed"), (200, "accepted")]
)
async def test_replies_are_counted_by_what_they_mean(status: int, name: str) -> None:
    async with exchange(lambda _: web.Response(status=status)) as (url, _):
        sent = await send_traffic([Echo()], DIRECTORY, url, 100, 0.1, seed=1)
    assert getattr(sent.total, name) == sent.total.sent == 10


async def test_an_exchange_that_is_not_there_is_a_failure_not_an_error() -> None:
    async with exchange(accept) as (url, _):
        pass
    sent = await send_traffic([Echo()], DIRECTORY, url, 100, 0.05, seed=1)
    assert sent.total.failed == 5


async def test_what_follows_from_a_reply_is_sent() -> None:
    async with exchange(lambda body: web.Response(text="" if body == b"again" else "again")) as (
        url,
        bodies,
    ):
        sent = await send_traffic([Echo()], DIRECTORY, url, 100, 0.05, seed=1)
    assert bodies.count(b"again") == 5
    assert sent.total.sent == 10


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_the_traffic_after_what_is_in_flight(number: signal.Signals) -> None:
    reports: list[int] = []

    def kill(_: bytes) -> web.Response:
        os.kill(os.getpid(), number)
        return web.Response(status=202)

    async with exchange(kill) as (url, _):
        async with asyncio.timeout(10):
            sent = await send_traffic(
                [Echo()],
                DIRECTORY,
                url,
                5,
                0,
                seed=1,
                report=lambda sent: reports.append(sent.total.sent),
            )
    assert sent.total.accepted == sent.total.sent == reports[-1] >= 1


async def test_a_rate_of_nothing_or_no_flows_is_refused() -> None:
    for stubs, rate in (([Echo()], 0.0), ([], 1.0)):
        with pytest.raises(ValueError):
            await send_traffic(stubs, DIRECTORY, "http://127.0.0.1:1", rate, 1, seed=1)


def test_a_tally_of_all_flows_is_their_sum() -> None:
    sent = Sent()
    sent.of("a").sent, sent.of("b").sent = 2, 3
    assert sent.total.sent == 5

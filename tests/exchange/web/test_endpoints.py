"""The endpoints over a real server: limits, fairness between partners, bodies that never
come; what a channel answers is its own tests'.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from exchange.schemas.directory import Partner
from exchange.web.rate_limits import Rates
from tests.exchange.web.one_channel import LIMITED, ONE, TWO, post, server, until_inside


async def test_a_flooding_partner_is_told_to_wait_while_another_gets_in() -> None:
    async with server(in_flight_max=10, in_flight_partner_max=4) as (served, session):
        flood = [asyncio.create_task(post(served, session, ONE)) for _ in range(4)]
        await until_inside(served, 4)
        for _ in range(5):
            status, retry_after, problem = await post(served, session, ONE, True)
            assert (status, retry_after, problem["reason"]) == (429, "1", "busy")
        assert (await post(served, session, TWO, True))[0] == 202
        served.go.set()
        assert [status for status, _, _ in await asyncio.gather(*flood)] == [202] * 4
        assert (await post(served, session, ONE))[0] == 202, "its places are free again"


async def test_a_full_exchange_refuses_everybody_until_there_is_room() -> None:
    async with server(in_flight_max=3, in_flight_partner_max=3) as (served, session):
        calls = [asyncio.create_task(post(served, session, partner)) for partner in (ONE, ONE, TWO)]
        await until_inside(served, 3)
        for partner in (ONE, TWO):
            status, retry_after, problem = await post(served, session, partner)
            assert (status, retry_after, problem["reason"]) == (503, "1", "busy")
        served.go.set()
        await asyncio.gather(*calls)
        assert (served.most, (await post(served, session, TWO))[0]) == (3, 202)
        assert served.desk.refused == [], "what is to come again is not a message that was rejected"
        assert b'reason="busy"' in served.metrics.response().body  # type: ignore[operator]


async def test_who_was_taken_in_as_the_server_ends_is_answered() -> None:
    async with server() as (served, _):
        host, _, port = served.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        while not served.connections.open:
            await asyncio.sleep(0)

        async def call() -> bytes:
            await asyncio.sleep(0.05)
            head = f"POST /c/v1/messages HTTP/1.1\r\nHost: {host}\r\nX-API-Key: {ONE.key}\r\n"
            writer.write(f"{head}X-Quick: 1\r\nContent-Length: 2\r\n\r\n{{}}".encode())
            return await reader.read()

        called = asyncio.create_task(call())
    assert (await called).startswith(b"HTTP/1.1 202 ")
    writer.close()


async def test_a_caller_that_goes_away_frees_its_place() -> None:
    async with server(in_flight_max=2, in_flight_partner_max=2) as (served, session):
        for _ in range(5):
            call = asyncio.create_task(post(served, session, ONE))
            await until_inside(served, 1)
            call.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await call
            served.go.set()
            await until_inside(served, 0, 0)
            served.go.clear()
        assert (await post(served, session, ONE, True))[0] == 202


@pytest.mark.parametrize(
    ("size", "status"), [(0, 202), (2047, 202), (2048, 202), (2049, 413), (100_000, 413)]
)
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_is_taken_up_to_its_limit(size: int, status: int, chunked: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, size, 1000):
            yield b"x" * min(1000, size - start)

    async with server() as (served, session):
        answered, _, told = await post(
            served, session, ONE, True, chunks() if chunked else b"x" * size
        )
        assert answered == status
        if status == 202:
            assert told == str(size)
        else:
            assert (told["reason"], told["violations"][0]["expected"]) == (
                "too-large",
                "at most 2048 bytes",
            )
            assert served.desk.refused == [("one", "too-large")]


async def test_a_body_that_does_not_come_gives_its_place_back() -> None:
    async with server(read_seconds=0.1, in_flight_max=1) as (served, session):

        async def slow() -> AsyncIterator[bytes]:
            yield b"x"
            await asyncio.sleep(0.5)
            yield b"y"

        status, _, told = await post(served, session, ONE, True, slow())
        assert (status, told["reason"]) == (408, "timeout")
        assert (await post(served, session, TWO, True))[0] == 202


async def test_refusals_in_words() -> None:
    async with server() as (served, session):
        assert (await post(served, session, ONE, True, Content_Encoding="gzip"))[0] == 415
        nobody = Partner("nobody", "Nobody", "bank", key="key-none")
        status, _, told = await post(served, session, nobody)
        assert (status, told["reason"], "key-none" in str(told)) == (401, "unauthorized", False)
        headers = {"X-API-Key": ONE.key}
        for path, expected, reason in (
            ("/c/v1/fail", 500, "internal"),
            ("/c/v1/fail?closing", 503, "closing"),
            ("/c/v1/fail?full", 503, "unavailable"),
            ("/c/v1/nothing", 404, "not-found"),
            ("/c", 404, "not-found"),
            # aiohttp takes no brace for a parameter: no address, whatever the method.
            ("/c/v1/things/%7Bid%7D", 404, "not-found"),
            ("/c/v1/messages", 405, "method"),
        ):
            async with session.get(served.url + path, headers=headers) as response:
                told = await response.json(content_type="application/problem+json")
                assert (response.status, told["reason"]) == (expected, reason)
                assert "key-one" not in str(told)
                assert (response.headers.get("Allow") == "POST") == (expected == 405)
        async with session.get(f"{served.url}/c/v1/things/%C3%A4%2F7") as response:
            assert (response.status, await response.text()) == (200, "ä/7"), "public, without a key"


async def test_a_partner_has_a_rate_of_its_own() -> None:
    async with server() as (served, session):
        for _ in range(2):
            assert (await post(served, session, LIMITED, True))[0] == 202
        status, after, told = await post(served, session, LIMITED, True)
        assert (status, after) == (429, "1")
        assert told["reason"] == "rate"
        assert told["violations"][0]["expected"] == "at most 2 a second"
        assert (await post(served, session, ONE, True))[0] == 202, "others are not held up"
        assert 'reason="rate"} 1.0' in str(served.metrics.response().text)
        served.now += 0.5
        assert (await post(served, session, LIMITED, True))[0] == 202
        assert (await post(served, session, LIMITED, True))[0] == 429
        served.now += 3600
        answers = [(await post(served, session, LIMITED, True))[0] for _ in range(3)]
        assert answers == [202, 202, 429], "an hour of silence is no credit"
        async with session.get(
            f"{served.url}/c/v1/fail", headers={"X-API-Key": LIMITED.key}
        ) as answered:
            assert answered.status == 500, "a call without a message is no matter"


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_partner_has_a_size_of_its_own(chunked: bool) -> None:
    async def chunks(size: int) -> AsyncIterator[bytes]:
        yield b"x" * size

    async with server() as (served, session):
        for size, status in ((100, 202), (101, 413)):
            body = chunks(size) if chunked else b"x" * size
            answered, _, told = await post(served, session, LIMITED, True, body)
            assert answered == status
        assert told["violations"][0]["expected"] == "at most 100 bytes"
        assert (await post(served, session, ONE, True, b"x" * 101))[0] == 202


def test_a_rate_is_divided_among_workers_and_always_lets_one_through() -> None:
    at = [0.0]
    rates = Rates(workers=4, now=lambda: at[0])
    slow = Partner("slow", "Slow", "kela", per_second=0.1)
    assert (rates.take(slow), rates.take(slow)) == (0, 40)
    at[0] = 39.0
    assert rates.take(slow) == 1
    at[0] = 40.0
    assert rates.take(slow) == 0

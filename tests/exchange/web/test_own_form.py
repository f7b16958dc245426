"""What aiohttp would answer itself is answered in the form of the address, counted as a refusal,
and repeats nothing; who ends its side after a request gets the reply.
"""

from __future__ import annotations

import asyncio
import time

import pytest

from exchange.web.connection_limits import Connections
from tests.exchange.web.one_channel import ONE, until_inside
from tests.exchange.web.raw import KEY, Raw, connected, request
from tests.exchange.web.test_caller_connection import nothing_held, until

SECRET = "secret-of-a-caller"
#: At addresses of channel c, whose form has `"channel":"c"`.
AT = "/c/v1/messages"


def head(start: str, *lines: str) -> bytes:
    """The head of a request, as it is sent."""
    return "\r\n".join((start, "Host: here", *lines, "", "")).encode("latin-1")


REFUSED = {
    "unknown expectation": (head(f"POST {AT} HTTP/1.1", f"Expect: {SECRET}"), 417, "expectation"),
    "expectation at no endpoint": (
        head("GET /c/x HTTP/1.1", f"Expect: {SECRET}"),
        417,
        "expectation",
    ),
    "no version": (f"GET {AT}\r\n\r\n".encode(), 505, "version"),
    "old version": (head(f"GET {AT} HTTP/0.9"), 505, "version"),
    "two hosts": (head(f"GET {AT} HTTP/1.1", f"Host: {SECRET}"), 400, "not-http"),
    "two lengths": (
        head(f"POST {AT} HTTP/1.1", "Content-Length: 3", "Content-Length: 4"),
        400,
        "not-http",
    ),
    "unknown coding": (
        head(f"POST {AT} HTTP/1.1", f"Transfer-Encoding: {SECRET}"),
        400,
        "not-http",
    ),
    "another coding before chunks": (
        head(f"POST {AT} HTTP/1.1", "Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
        501,
        "transfer-coding",
    ),
    "no coding": (
        head(f"POST {AT} HTTP/1.1", "Transfer-Encoding: ") + request(),
        501,
        "transfer-coding",
    ),
    "length and chunks": (
        head(f"POST {AT} HTTP/1.1", "Content-Length: 3", "Transfer-Encoding: chunked"),
        400,
        "not-http",
    ),
    "key twice": (
        head(f"POST {AT} HTTP/1.1", f"X-API-Key: {ONE.key}", f"x-api-key: {SECRET}"),
        400,
        "header-twice",
    ),
    "folded line": (head(f"GET {AT} HTTP/1.1", "X: a", f" {SECRET}"), 400, "not-http"),
    "space before the colon": (head(f"GET {AT} HTTP/1.1", f"X : {SECRET}"), 400, "not-http"),
    "line feeds alone": (f"GET {AT} HTTP/1.1\nHost: here\n\n".encode(), 400, "not-http"),
    "half a head": (f"GET {AT} HTTP/1.1\r\nX: {SECRET}".encode(), 408, "timeout"),
    "long head": (head(f"GET {AT} HTTP/1.1", f"X: {SECRET * 1_000}"), 431, "head-too-large"),
    "longer head": (head(f"GET {AT} HTTP/1.1", f"X: {SECRET * 10_000}"), 431, "head-too-large"),
    "longer target": (head(f"GET {AT}?{SECRET * 10_000} HTTP/1.1"), 431, "head-too-large"),
    "many headers": (
        head(f"GET {AT} HTTP/1.1", *[f"X: {SECRET[:3]}"] * 200),
        431,
        "head-too-large",
    ),
    "more headers": (
        head(f"GET {AT} HTTP/1.1", *[f"X: {SECRET[:3]}"] * 300),
        431,
        "head-too-large",
    ),
    "no endpoint": (head(f"GET /c/{SECRET} HTTP/1.1"), 404, "not-found"),
    "no such method": (head(f"TRACE {AT} HTTP/1.1", f"X: {SECRET}"), 405, "method"),
    "upgrade": (
        head(f"GET {AT} HTTP/1.1", "Connection: upgrade", f"Upgrade: {SECRET}"),
        405,
        "method",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_aiohttp_would_answer_is_refused_in_the_channels_form(name: str) -> None:
    sent, status, reason = REFUSED[name]
    async with connected(read_seconds=0.4) as (served, connect):
        raw = await connect()
        raw.writer.write(sent)
        got, told, body = await raw.reply()
        assert (got, f'"reason":"{reason}"'.encode() in body) == (status, True), body
        assert b'"channel":"c"' in body, "the form of the channel"
        assert SECRET not in told + body.decode()
        metrics = served.metrics.response().body
        assert isinstance(metrics, bytes)
        counted = f'exchange_refused_total{{channel="c",reason="{reason}"}} 1.0'
        assert counted.encode() in metrics


async def test_what_names_no_channel_is_refused_with_a_problem_and_counted() -> None:
    async with connected() as (served, connect):
        for sent, status in (
            (head("GET /nothing HTTP/1.1"), 404),
            (head("GET /stream HTTP/1.1", f"Expect: {SECRET}"), 417),
            (head("POST /open HTTP/1.1", f"Transfer-Encoding: {SECRET}"), 400),
            (f"CONNECT {SECRET}:1 HTTP/1.1\r\nHost: here\r\n\r\n".encode(), 404),
            (b"\x16\x03\x01" + SECRET.encode(), 400),
        ):
            raw = await connect()
            raw.writer.write(sent)
            got, told, body = await raw.reply()
            assert (got, b'"channel"' in body) == (status, False), sent
            assert "application/problem+json" in told
            assert SECRET not in told + body.decode()
        metrics = served.metrics.response().body
        assert isinstance(metrics, bytes)
        assert metrics.count(b'exchange_refused_total{channel="none"') == 3


async def replies(raw: Raw, count: int) -> list[tuple[int, bytes]]:
    """So many replies, and then the end of the connection."""
    told = [(await raw.reply())[::2] for _ in range(count)]
    assert await raw.ended()
    return told


async def test_who_ends_its_side_after_a_request_gets_the_reply() -> None:
    async with connected() as (served, connect):
        for sent, expected in (
            (request(b"0123"), [(202, b"4")]),
            (request(method="GET", path="/c/v1/things/7"), [(200, b"7")]),
            (
                b"".join(request(b"x" * size) for size in range(3)),
                [(202, b"%d" % n) for n in range(3)],
            ),
        ):
            for wait in (False, True):
                raw = await connect()
                raw.writer.write(sent)
                if wait:
                    await asyncio.sleep(0.02)
                raw.writer.write_eof()
                assert await replies(raw, len(expected)) == expected
        slow = await connect()
        slow.writer.write(request(b"slow", more=""))
        await until_inside(served, 1)
        slow.writer.write_eof()
        await asyncio.sleep(0.05)
        served.go.set()
        assert await replies(slow, 1) == [(202, b"4")]
        await until(lambda: nothing_held(served.connections))


@pytest.mark.parametrize(
    "half", [request(b"x" * 100)[:-90], request(b"")[:-4]], ids=["body", "head"]
)
async def test_who_ends_its_side_within_a_request_is_not_waited_for(half: bytes) -> None:
    async with connected(read_seconds=30, idle_seconds=30) as (served, connect):
        raw = await connect()
        raw.writer.write(request(b"") + half)
        await asyncio.sleep(0.02)
        raw.writer.write_eof()
        assert (await raw.reply())[0] == 202
        if b"\r\n\r\n" in half:
            assert b"broken-off" in (await raw.reply())[2]
        assert await raw.ended()
        idle = await connect()
        idle.writer.write_eof()
        assert await idle.ended()
        await until(lambda: nothing_held(served.connections))


async def test_a_call_that_waits_does_not_wait_for_who_ended_its_side() -> None:
    async with connected() as (served, connect):
        for early in (True, False):
            raw = await connect()
            raw.writer.write(head("GET /c/v1/wait HTTP/1.1", KEY.strip()))
            if not early:
                await until_inside(served, 1)
            begun = time.monotonic()
            raw.writer.write_eof()
            status, _, body = await raw.reply()
            assert (status, b'"reason":"left"' in body) == (400, True)
            assert time.monotonic() - begun < 4
            assert await raw.ended()
            await until_inside(served, 0, 0)
        raw = await connect()
        raw.writer.write(head("GET /c/v1/wait HTTP/1.1", KEY.strip(), "X-Quick: yes"))
        raw.writer.write_eof()
        assert await replies(raw, 1) == [(202, b"0")], "what is there at once is given"


async def test_a_head_behind_a_served_request_ends_too() -> None:
    async with connected(read_seconds=0.3, idle_seconds=0.6) as (served, connect):
        raw = await connect()
        raw.writer.write(request(more="") + b"GET /c/v1/things/8 HTTP/1.1\r\nX: ")
        await until_inside(served, 1)
        served.go.set()
        assert (await raw.reply())[0] == 202
        await until(lambda: nothing_held(served.connections))


def held_by(connections: Connections) -> tuple[int, int]:
    """Bytes held in all, and for unknown callers."""
    return connections.held_bytes, connections.unknown_bytes


async def test_what_a_request_held_is_free_after_its_reply_also_among_others() -> None:
    async with connected(body_bytes_max=65_536) as (served, connect):
        raw = await connect()
        raw.writer.write(request(b"x" * 30_000, more=""))
        await until_inside(served, 1)
        assert held_by(served.connections)[0] > 30_000 > held_by(served.connections)[1] == 0
        raw.writer.write(request(b"y" * 30_000, key="") + request(b"z" * 30_000, more=""))
        served.go.set()
        assert [(await raw.reply())[0] for _ in range(3)] == [202, 401, 202]
        await until(lambda: held_by(served.connections) == (0, 0))
        assert ONE.id not in served.inside

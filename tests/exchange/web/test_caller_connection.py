"""Connections of callers by the byte and the clock: requests in pieces and one behind the other,
halves that never end, replies that nobody reads, more than there is room for.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

import pytest

from exchange.web.connection_limits import Connections
from tests.exchange.web.one_channel import ONE, post, server, until_inside
from tests.exchange.web.raw import KEY, connected, connecting, request
from tests.waiting import WAIT_SECONDS


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.01)


def nothing_held(connections: Connections) -> bool:
    """Whether no connection holds anything."""
    return (len(connections.open), connections.held_bytes, connections.unknown_bytes) == (0, 0, 0)


async def test_a_request_may_come_in_any_pieces() -> None:
    async with connected() as (_, connect):
        raw = await connect()
        whole = request(b"0123456789")
        start = whole.index(b"\r\n\r\n") + 4
        for cuts in ((start,), (20, start + 1, start + 5), (start + 3, len(whole) - 1)):
            for first, last in zip((0, *cuts), (*cuts, len(whole)), strict=True):
                raw.writer.write(whole[first:last])
                await raw.writer.drain()
                await asyncio.sleep(0.01)
            assert (await raw.reply())[::2] == (202, b"10"), cuts


async def test_requests_one_behind_the_other_are_answered_in_order() -> None:
    async with connected() as (served, connect):
        raw = await connect()
        raw.writer.write(b"".join(request(b"x" * size) for size in range(40)))
        assert [(await raw.reply())[2] for _ in range(40)] == [
            str(size).encode() for size in range(40)
        ]
        assert served.most == 1, "one at a time"


async def test_who_sends_ahead_is_read_no_further_than_a_few_requests() -> None:
    async with connected(body_bytes_max=65_536) as (served, connect):
        raw = await connect()
        raw.writer.write(request(b"first", more=""))
        await until_inside(served, 1)
        raw.writer.write(b"".join(request(b"y" * 65_000) for _ in range(200)))
        await asyncio.sleep(0.3)
        assert served.connections.held_bytes < 6_000_000, "of 13 MB"
        served.go.set()
        assert [(await raw.reply())[2] for _ in range(201)] == [b"5", *[b"65000"] * 200]


@pytest.mark.parametrize("dripped", [False, True], ids=["silent", "dripped"])
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"POST /c/v1/mess", 408),
        (b"GET /c/v1/things/7 HTTP/1.1\r\nHost: here\r\nX: ", 408),
        (request(b"x" * 1000)[:-900], 408),
        (request(b"x" * 1000, key="")[:-900], 401),
        (request(b"x" * 1000, path="/c/v1/nothing")[:-900], 404),
        (request(b"x" * 1000, path="/elsewhere")[:-900], 404),
    ],
    ids=["line", "head", "body", "no key", "no endpoint", "no channel"],
)
async def test_half_a_request_ends_at_its_deadline(sent: bytes, status: int, dripped: bool) -> None:
    async with connected(read_seconds=0.3) as (served, connect):
        raw = await connect()
        raw.writer.write(sent)

        async def drip() -> None:
            while True:
                await asyncio.sleep(0.05)
                raw.writer.write(b"x")

        dripping = asyncio.create_task(drip()) if dripped else None
        got, _, body = await raw.reply()
        assert (got, b'"type"' in body) == (status, True)
        with contextlib.suppress(ConnectionError):
            assert await raw.ended()
        if dripping is not None:
            dripping.cancel()
        await until(lambda: nothing_held(served.connections))


async def test_a_slow_request_behind_a_served_one_has_its_own_time() -> None:
    async with connected(read_seconds=0.2) as (served, connect):
        raw = await connect()
        second = request(b"0123456789")
        raw.writer.write(request(b"x", more="") + second[:30])
        await until_inside(served, 1)
        raw.writer.write(second[30:40])
        await asyncio.sleep(0.3)
        served.go.set()
        assert (await raw.reply())[0] == 202, "the deadline is no served request's"
        raw.writer.write(second[40:])
        assert (await raw.reply())[::2] == (202, b"10")


async def test_a_kept_connection_ends_when_it_is_idle_for_long_also_after_a_page() -> None:
    async with connected(idle_seconds=0.2) as (served, connect):
        silent, after = await connect(), await connect()
        after.writer.write(request(method="GET", path="/c/v1/things/7", more=""))
        assert (await after.reply())[2] == b"7"
        assert await after.ended()
        assert await silent.ended()
        await until(lambda: nothing_held(served.connections))


async def test_a_peer_that_never_reads_is_not_read_on_and_ends() -> None:
    async with connected(idle_seconds=0.5, body_bytes_max=65_536) as (served, connect):
        raw = await connect()
        raw.reader._transport.pause_reading()  # type: ignore[attr-defined]
        page = request(method="GET", path="/c/v1/large", more="")
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(WAIT_SECONDS):
                for _ in range(2_000):
                    raw.writer.write(page * 100)
                    await raw.writer.drain()
        assert served.large < 100, "of 200,000 asked for"
        assert served.connections.held_bytes < 2_000_000
        await until(lambda: nothing_held(served.connections))


async def test_events_that_nobody_reads_end() -> None:
    async with connected(idle_seconds=0.3) as (served, connect):
        raw = await connect()
        raw.reader._transport.pause_reading()  # type: ignore[attr-defined]
        raw.writer.write(request(method="GET", path="/stream", more=""))
        await until(lambda: served.large > 0)
        await until(lambda: nothing_held(served.connections))
        assert served.large < 5_000, "no more than the buffers of two sockets"


async def test_events_do_not_keep_half_a_request_open() -> None:
    async with connected(read_seconds=0.2) as (served, connect):
        raw = await connect()
        raw.reader._transport.pause_reading()  # type: ignore[attr-defined]
        half = request(method="GET", path="/stream", more="Content-Length: 9\r\n")
        raw.writer.write(half)
        await until(lambda: served.large > 0)
        await until(lambda: nothing_held(served.connections))


async def test_connections_are_limited_in_all_and_of_an_address() -> None:
    for limits in ({"connections_max": 3}, {"connections_address_max": 3}):
        async with connected(**limits) as (served, connect):
            raws = [await connect() for _ in range(3)]
            await until(lambda served=served: len(served.connections.open) == 3)
            assert await (await connect()).ended(), "one too many"
            raws[0].writer.close()
            await until(lambda served=served: len(served.connections.open) == 2)
            raw = await connect()
            raw.writer.write(request())
            assert (await raw.reply())[0] == 202, "there is room again"


async def test_bytes_of_unknown_callers_are_limited_and_a_partner_still_gets_in() -> None:
    limits = {"unknown_bytes_max": 100_000, "body_bytes_max": 65_536, "read_seconds": 5}
    async with connected(**limits) as (served, connect):
        half = b"POST /open HTTP/1.1\r\nHost: here\r\nContent-Length: 60000\r\n\r\n" + b"x" * 40_000
        raws = [await connect() for _ in range(6)]
        for raw in raws:
            raw.writer.write(half)
        replies = [asyncio.create_task(raw.reply()) for raw in raws]
        await until(lambda: sum(each.done() for each in replies) >= 4)
        assert {each.result()[0] for each in replies if each.done()} == {503}
        assert served.connections.unknown_bytes <= 100_000
        assert all("Retry-After" in each.result()[1] for each in replies if each.done())
        last, left = await connect(), 100_000 - served.connections.unknown_bytes
        last.writer.write(half[:left])
        await until(lambda: served.connections.unknown_bytes == 100_000)
        partner = await connect()
        partner.writer.write(request(b"y" * 15_000))
        assert (await partner.reply())[::2] == (202, b"15000")
        for each in replies:
            each.cancel()
        await asyncio.gather(*replies, return_exceptions=True)


async def test_bytes_of_partners_are_limited_in_all() -> None:
    async with connected(held_bytes_max=100_000, body_bytes_max=65_536) as (served, connect):
        first, second = await connect(), await connect()
        first.writer.write(request(b"x" * 60_000, more=""))
        await until_inside(served, 1)
        second.writer.write(request(b"x" * 60_000, more=""))
        assert (await second.reply())[0] == 503
        served.go.set()
        assert (await first.reply())[0] == 202
        await until(lambda: served.connections.held_bytes == 0)


async def test_a_head_that_is_too_large_is_refused_in_the_form_of_its_address() -> None:
    async with connected(head_bytes_max=2_048) as (_, connect):
        for more in (
            f"X: {'x' * 3_000}\r\n",
            f"X: {'x' * 1_000}\r\n" * 4,
            f"X: {'x' * 5_000}\r\n",
            f"{'X' * 5_000}: x\r\n",
            "X: x\r\n" * 200,
            "X: x\r\n" * 400,
        ):
            raw = await connect()
            raw.writer.write(request(more=more))
            status, _, body = await raw.reply()
            assert (status, b'"reason":"head-too-large"' in body) == (431, True), (more[:9], body)
            assert b"xxxx" not in body


@pytest.mark.parametrize(
    "sent",
    [
        request(more="Content-Type: text/xml; charset=N\r\n"),
        request(more="X-Message-Type: N\r\n"),
        request(path="/c/v1/messages?type=N"),
    ],
)
@pytest.mark.parametrize("no_text", [b"\xff", b"\xed\xa0\x80"])
async def test_a_head_that_is_no_text_is_refused(sent: bytes, no_text: bytes) -> None:
    async with connected() as (_, connect):
        raw = await connect()
        raw.writer.write(sent.replace(b"N", no_text))
        status, _, body = await raw.reply()
        assert status == 400
        assert b"head-encoding" in body or b"not-http" in body


async def test_a_target_with_a_character_that_is_in_no_text_is_refused() -> None:
    async with connected() as (_, connect):
        raw = await connect()
        raw.writer.write(request(path="/c/v1/messages?type=a%00b"))
        status, _, body = await raw.reply()
        assert (status, b"head-encoding" in body) == (400, True)


async def test_nobody_is_served_after_an_end_but_who_is_inside_gets_a_reply() -> None:
    async with contextlib.AsyncExitStack() as stack:
        served, _ = await stack.enter_async_context(server())
        async with connecting(served.url) as connect:
            raw, idle = await connect(), await connect()
            raw.writer.write(request(more=""))
            await until_inside(served, 1)
            await stack.aclose()
            assert (await raw.reply())[0] == 202
            assert await raw.ended()
            assert await idle.ended()


async def test_who_goes_away_takes_nothing_along() -> None:
    async with connected() as (served, connect):
        raw = await connect()
        raw.writer.write(request(more=""))
        await until_inside(served, 1)
        raw.writer.close()
        served.go.set()
        await until_inside(served, 0, 0)
        await until(lambda: nothing_held(served.connections))


SECRET = b"secret-of-a-caller"


def _chunked(chunk: bytes) -> bytes:
    return (
        request(b"", more="Transfer-Encoding: chunked\r\n").replace(b"Content-Length: 0\r\n", b"")
        + chunk
    )


@pytest.mark.parametrize(
    "garbage",
    [
        _chunked(b"3;ext\r\nabc\r\n" + SECRET + b"\r\n"),
        _chunked(SECRET + b"\r\n"),
        b"POST / HTTP/9.9\r\nX: " + SECRET + b"\r\n\r\n",
        b"\x16\x03\x01" + SECRET * 20,
        SECRET + b" / HTTP/1.1\r\n\r\n",
        b"GET /" + SECRET * 4_000,
        b"GET / HTTP/1.1\r\nHost: here\r\nX: a\0" + SECRET + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: here\r\nContent-Length: " + SECRET + b"\r\n\r\n",
        b"GET http://[" + SECRET + b"/ HTTP/1.1\r\nHost: here\r\n\r\n",
        b"\r\n\r\n\r\n\r\n",
    ],
)
async def test_garbage_is_answered_and_nothing_of_it_repeated(
    garbage: bytes,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with connected(read_seconds=0.5) as (served, connect):
        raw = await connect()
        raw.writer.write(garbage)
        status, head, body = await raw.reply()
        assert status in (400, 404, 408, 431)
        assert SECRET not in head.encode() + body
        assert await raw.ended()
        raw = await connect()
        raw.writer.write(request())
        assert (await raw.reply())[0] == 202
        await until(lambda: len(served.connections.open) == 1)
    said = "".join(capfd.readouterr()) + caplog.text
    assert SECRET.decode() not in said
    assert KEY.split()[1] not in said


async def test_wrong_chunks_are_told_in_the_channels_form_at_once() -> None:
    async with connected(read_seconds=30) as (_, connect):
        raw = await connect()
        raw.writer.write(_chunked(b"3\r\nabc\r\n"))
        await asyncio.sleep(0.05)
        raw.writer.write(b"zz\r\n")
        status, _, body = await raw.reply()
        assert (status, b'"broken-off"' in body) == (400, True)
        assert await raw.ended()


async def test_many_callers_hold_nothing_up() -> None:
    async with server() as (served, session):
        statuses = await asyncio.gather(*(post(served, session, ONE, True) for _ in range(200)))
        assert {status for status, _, _ in statuses} == {202}
    assert nothing_held(served.connections)

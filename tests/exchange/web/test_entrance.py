"""The entrance byte by byte: requests in pieces and one behind the other, connections that change
hands, ends of all kinds.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from exchange.web import entrance
from tests.exchange.web.one_channel import ONE, Served, server, until_inside

KEY = f"X-API-Key: {ONE.key}\r\n"


def request(
    body: bytes = b"x",
    more: str = "X-Quick: yes\r\n",
    method: str = "POST",
    path: str = "/c/v1/messages",
) -> bytes:
    """A request as bytes."""
    length, sent = (f"Content-Length: {len(body)}\r\n", body) if method == "POST" else ("", b"")
    return f"{method} {path} HTTP/1.1\r\nHost: here\r\n{KEY}{more}{length}\r\n".encode() + sent


class Raw:
    """A connection by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def reply(self) -> tuple[int, str, bytes]:
        """Status, head and body of the next reply."""
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 5)).decode()
        length = next(
            line.split(": ")[1]
            for line in head.splitlines()
            if line.lower().startswith("content-length")
        )
        return int(head.split(" ")[1]), head, await self.reader.readexactly(int(length))

    async def ended(self) -> bool:
        """Whether the other side closes."""
        return await asyncio.wait_for(self.reader.read(), 5) == b""


@asynccontextmanager
async def connected(**limits: Any) -> AsyncIterator[tuple[Served, Callable[[], Awaitable[Raw]]]]:
    """A server, and what opens connections to it."""
    async with server(**{"read_seconds": 0.1, **limits}) as (served, _):
        writers: list[asyncio.StreamWriter] = []

        async def connect() -> Raw:
            raw = Raw(
                *await asyncio.open_connection("127.0.0.1", int(served.url.rsplit(":", 1)[1]))
            )
            writers.append(raw.writer)
            return raw

        yield served, connect
        for writer in writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def test_a_request_may_come_in_any_pieces() -> None:
    async with connected() as (served, connect):
        raw = await connect()
        whole = request(b"0123456789")
        start = whole.index(b"\r\n\r\n") + 4
        for cuts in ((start,), (start + 1, start + 5), (start + 3, len(whole) - 1)):
            for first, last in zip((0, *cuts), (*cuts, len(whole)), strict=True):
                raw.writer.write(whole[first:last])
                await raw.writer.drain()
                await asyncio.sleep(0.02)
            assert (await raw.reply())[::2] == (202, b"10"), cuts
        raw.writer.write(whole[:20])
        await asyncio.sleep(0.05)
        raw.writer.write(whole[20:])
        assert (await raw.reply())[::2] == (202, b"10"), "a head in pieces is aiohttp's"
        assert not served.entrances.connections, "and so is the connection from there on"


async def test_requests_one_behind_the_other_are_answered_in_order() -> None:
    async with connected() as (served, connect):
        raw = await connect()
        raw.writer.write(b"".join(request(b"x" * size) for size in range(20)))
        assert [(await raw.reply())[2] for _ in range(20)] == [
            str(size).encode() for size in range(20)
        ]
        assert served.most == 1, "one at a time"


async def test_a_connection_changes_hands_and_keeps_serving() -> None:
    async with connected() as (_, connect):
        raw = await connect()
        raw.writer.write(
            request() + request(method="GET", path="/c/v1/things/7", more="") + request(b"xyz")
        )
        assert [(await raw.reply())[2] for _ in range(3)] == [b"1", b"7", b"3"]
        raw.writer.write(request(b"four"))
        assert (await raw.reply())[2] == b"4"


async def test_what_was_sent_ahead_is_bounded_and_not_lost() -> None:
    async with connected() as (served, connect):
        raw = await connect()
        raw.writer.write(request(b"first", more=""))
        await until_inside(served, 1)
        many = 400
        raw.writer.write(b"".join(request(b"y" * 1024) for _ in range(many)))
        await asyncio.sleep(0.2)
        (connection,) = served.entrances.connections
        assert len(connection._ahead) < entrance.AHEAD_BYTES_MAX + 300_000, (
            "no more is read than a buffer of the socket"
        )
        served.go.set()
        assert [(await raw.reply())[2] for _ in range(many + 1)] == [b"5", *[b"1024"] * many]


async def test_a_body_that_does_not_come_is_told_so() -> None:
    async with connected() as (served, connect):
        raw = await connect()
        raw.writer.write(request(b"0123456789")[:-1])
        status, head, body = await raw.reply()
        assert (status, b'"timeout"' in body, "Connection: close" in head) == (408, True, True)
        assert await raw.ended()
        assert served.inside == []


async def test_nobody_is_served_after_an_end_but_who_is_inside_gets_a_reply() -> None:
    async with connected() as (served, connect):
        raw, idle = await connect(), await connect()
        raw.writer.write(request(more=""))
        await until_inside(served, 1)
        stopping = asyncio.create_task(served.entrances.stop(5))
        await asyncio.sleep(0.05)
        served.go.set()
        status, head, _ = await raw.reply()
        assert (status, "Connection: close" in head) == (202, True)
        await stopping
        assert await raw.ended()
        assert await idle.ended()


async def test_who_goes_away_takes_nothing_along() -> None:
    async with connected(idle_seconds=0.2) as (served, connect):
        raw = await connect()
        raw.writer.write(request(more=""))
        await until_inside(served, 1)
        raw.writer.close()
        served.go.set()
        await until_inside(served, 0, 0)
        idle = await connect()
        assert await idle.ended(), "nothing came for long"
        until = time.monotonic() + 5
        while served.entrances.connections or served.entrances.tasks:
            assert time.monotonic() < until
            await asyncio.sleep(0.01)


async def test_garbage_is_answered_as_ever() -> None:
    async with connected() as (_, connect):
        for garbage in (
            b"\r\n\r\n\r\n\r\n",
            b"\x16\x03\x01" * 20,
            b"POST / HTTP/9.9\r\n\r\n",
            b"GET " + b"x" * 9000,
        ):
            raw = await connect()
            raw.writer.write(garbage)
            raw.writer.write_eof()
            with contextlib.suppress(asyncio.IncompleteReadError):
                assert (await raw.reply())[0] in (400, 404)
        raw = await connect()
        raw.writer.write(request())
        assert (await raw.reply())[0] == 202

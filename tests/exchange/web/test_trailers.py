"""What follows the last chunk of a request is no part of the next one, however it comes."""

from __future__ import annotations

import asyncio

import pytest

from tests.exchange.web.one_channel import ONE, TWO
from tests.exchange.web.raw import Raw, connected, request

#: As `request` has it, but that its key belongs to nobody: the trailer's is a partner's.
NEXT = request(key="X-API-Key: nobody's\r\n")
TRAILER = f"X-A: b\r\nX-API-Key: {TWO.key}\r\n".encode()


def chunked(trailer: bytes = b"", end: bytes = b"0\r\n") -> bytes:
    """A request with a body in chunks and a trailer."""
    head = request(b"", more="X-Quick: yes\r\nTransfer-Encoding: chunked\r\n")
    return head.replace(b"Content-Length: 0\r\n", b"") + b"2\r\n{}\r\n" + end + trailer + b"\r\n"


async def told(raw: Raw, *parts: bytes) -> list[int]:
    """The statuses of the replies to what is sent in these parts, up to the end."""
    for part in parts:
        raw.writer.write(part)
        await asyncio.sleep(0.02)
    statuses = []
    while True:
        try:
            statuses.append((await raw.reply())[0])
        except (asyncio.IncompleteReadError, ConnectionError):
            return statuses


@pytest.mark.parametrize("cut", [0, 1, 9, len(TRAILER) + 4])
async def test_nothing_is_read_behind_a_trailer(cut: int) -> None:
    """In one piece with the next request, and cut at several places before the trailer's end."""
    async with connected() as (served, connect):
        sent = chunked(TRAILER)
        parts = (sent + NEXT,) if not cut else (sent[:-cut], sent[-cut:] + NEXT)
        assert await told(await connect(), *parts) == [202]
        assert await told(await connect(), sent, NEXT) == [202], "the next one comes later"
        assert served.inside == []


@pytest.mark.parametrize("end", [b"00\r\n", b"0;a=b\r\n"])
async def test_what_only_may_have_a_trailer_ends_the_connection_too(end: bytes) -> None:
    async with connected() as (_, connect):
        assert await told(await connect(), chunked(end=end) + NEXT) == [202]


async def test_chunks_without_a_trailer_are_one_request_of_many() -> None:
    async with connected() as (_, connect):
        raw, last = await connect(), request(more="X-Quick: yes\r\nConnection: close\r\n")
        sent = chunked()
        assert await told(raw, sent, sent[:-1], sent[-1:], sent[:-6], sent[-6:], last) == [202] * 4


async def test_a_trailer_behind_a_refused_request_ends_its_connection() -> None:
    async with connected() as (_, connect):
        sent = chunked(TRAILER).replace(b"key-one", b"key-non")
        raw = await connect()
        assert await told(raw, sent[:-20], sent[-20:], NEXT) == [401]


#: A request without a key, which ends as chunks do that have no trailer.
NEXT_CHUNKED = chunked().replace(f"X-API-Key: {ONE.key}\r\n".encode(), b"")
PAGE = request(method="GET", path="/c/v1/things/7", more="")


@pytest.mark.parametrize("before", [30, 31, 32, 33])
async def test_nothing_is_read_behind_a_trailer_where_many_wait(before: int) -> None:
    """aiohttp's parser stops after so many requests, and goes on when some were served."""
    async with connected() as (_, connect):
        sent = PAGE * before + chunked(TRAILER) + NEXT_CHUNKED
        statuses = await told(await connect(), sent)
        assert statuses == [200] * before + [202]


async def test_nothing_is_read_behind_a_request_for_another_protocol() -> None:
    wanted = "Connection: upgrade\r\nUpgrade: websocket\r\nX-Quick: yes\r\n"
    async with connected() as (_, connect):
        for first, status in (
            (request(method="GET", path="/c/v1/things/7", more=wanted), 200),
            (request(b"{}", more=wanted), 202),
        ):
            assert await told(await connect(), first + chunked(TRAILER) + NEXT_CHUNKED) == [status]


async def test_what_is_sent_ahead_is_read_also_where_a_body_came_late() -> None:
    async with connected() as (_, connect):
        raw, sent = await connect(), request(b"{}")
        raw.writer.write(sent[:-1])
        await asyncio.sleep(0.02)
        raw.writer.write(sent[-1:])
        assert (await raw.reply())[0] == 202
        raw.writer.write(PAGE * 40)
        assert [(await raw.reply())[0] for _ in range(40)] == [200] * 40

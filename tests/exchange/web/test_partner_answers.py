"""What a partner sends behind an answer, or without a call, is part of no other answer; an answer
in a coding that nobody asked for is none.
"""

from __future__ import annotations

import asyncio

import pytest

from exchange.errors import Unreachable
from tests.exchange.web.partners import CALL, Behaviour, always, partner, request_of

OK = b"HTTP/1.1 200 OK\r\n"
SHORT = OK + b"Content-Length: 2\r\n\r\nok"
UNASKED = OK + b"Content-Length: 7\r\n\r\nunasked"
TRAILER = OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-A: b\r\nX-Y: trailer\r\n\r\n"


def in_pieces(*pieces: bytes) -> Behaviour:
    """Answers every request with these pieces, each a moment after the one before."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await request_of(reader):
            for piece in pieces:
                writer.write(piece)
                await asyncio.sleep(0.02)

    return behave


@pytest.mark.parametrize("cut", [0, 1, 5, 14, 25])
async def test_a_trailer_is_no_header_of_the_next_answer(cut: int) -> None:
    pieces = (TRAILER[:-cut], TRAILER[-cut:]) if cut else (TRAILER,)
    async with partner(in_pieces(*pieces)) as (transport, to, seen):
        for _ in range(3):
            reply = await transport.send(to, CALL, 5)
            assert (reply.status, reply.body) == (200, b"ok")
            assert not {"x-a", "x-y"} & {name.lower() for name in reply.headers}
        assert seen.connections == 1


@pytest.mark.parametrize(
    "pieces",
    [
        (SHORT, UNASKED),
        (SHORT + UNASKED,),
        (SHORT[:-2], b"ok" + UNASKED),
        (SHORT + UNASKED[:20], UNASKED[20:]),
        (SHORT, UNASKED[:9], UNASKED[9:]),
        (SHORT, b"\r\n"),
        (OK + b"Content-Length: 0\r\n\r\n", UNASKED),
        (b"HTTP/1.1 204 No Content\r\n\r\n", UNASKED),
        (SHORT, b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000),
    ],
)
async def test_what_nobody_asked_for_answers_no_later_call(pieces: tuple[bytes, ...]) -> None:
    async with partner(in_pieces(*pieces)) as (transport, to, seen):
        for number in range(1, 4):
            reply = await transport.send(to, CALL, 5)
            assert reply.body in (b"ok", b"")
            await asyncio.sleep(0.05)
            assert (seen.connections, len(seen.requests)) == (number, number), "not used again"


async def test_nor_does_what_the_loop_has_not_read_yet() -> None:
    writers = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await in_pieces(SHORT)(reader, writer)

    async with partner(behave) as (transport, to, seen):
        assert (await transport.send(to, CALL, 5)).body == b"ok"
        writers[0].write(UNASKED)
        # It lies in the client's socket now: the loop has had no turn to read it.
        assert (await transport.send(to, CALL, 5)).body == b"ok"
        assert seen.connections == 2


@pytest.mark.parametrize(
    "coding",
    [
        b"gzip, chunked",
        b"gzip",
        b"identity",
        b"chunked, identity",
        b"",
        b"gzip\r\nTransfer-Encoding: chunked",
    ],
)
async def test_an_answer_in_another_coding_than_chunks_is_a_failed_attempt(coding: bytes) -> None:
    answer = OK + b"Transfer-Encoding: %b\r\n\r\n2\r\nok\r\n0\r\n\r\n" % coding
    async with partner(always(answer)) as (transport, to, seen):
        with pytest.raises(Unreachable, match=r"coding|no HTTP response"):
            await transport.send(to, CALL, 5)
        assert len(seen.requests) == 1

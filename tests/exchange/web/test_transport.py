"""Calls to partners: over real sockets, against partners that answer well, badly, slowly, in parts,
or not at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from exchange.errors import Unreachable
from exchange.schemas.call import Call
from exchange.schemas.directory import Partner
from exchange.web.transport import HttpTransport, origin_of, request_bytes

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
CALL = Call("POST", "/in", {"X-Delivery-Id": "1"}, b"message")
ANSWER_BYTES_MAX = 1000


@asynccontextmanager
async def partner(behave: Behaviour) -> AsyncIterator[tuple[HttpTransport, Partner, list[int]]]:
    """A transport and a partner that behaves so; the list counts its connections."""
    connections: list[int] = []
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await behave(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    transport = HttpTransport(
        f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", ANSWER_BYTES_MAX
    )
    await transport.open()
    try:
        yield transport, Partner("somebody", "Somebody", "kela"), connections
    finally:
        await transport.close()
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def request_of(reader: asyncio.StreamReader) -> bytes:
    """One whole request; empty at the end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
    return head + await reader.readexactly(length)


def always(answer: bytes) -> Behaviour:
    """Answers every request with these bytes, until the connection ends."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await request_of(reader):
            writer.write(answer)
            await writer.drain()

    return behave


def once(answer: bytes) -> Behaviour:
    """Answers one request with these bytes and closes."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(answer)
        await writer.drain()

    return behave


async def test_a_connection_is_used_again() -> None:
    async with partner(
        always(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nX-Y: z\r\n\r\nok")
    ) as (transport, to, connections):
        for _ in range(5):
            reply = await transport.send(to, CALL, 5)
            assert (reply.status, reply.body, reply.headers["x-y"]) == (202, b"ok", "z")
        assert len(connections) == 1


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
            200,
            b"abc",
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, b"x"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end", 200, b"to the end"),
        (b"HTTP/1.0 500 Oops\r\n\r\n", 500, b""),
    ],
    ids=["chunked", "no content", "interim", "ends with the connection", "HTTP/1.0"],
)
async def test_every_form_of_response_is_read(answer: bytes, status: int, body: bytes) -> None:
    async with partner(once(answer)) as (transport, to, _):
        reply = await transport.send(to, CALL, 5)
        assert (reply.status, reply.body) == (status, body)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "closed the connection"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "closed the connection"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
            "closed the connection",
        ),
        (b"\x00\x01 no HTTP at all\r\n\r\n", "no HTTP response"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + b"a" * 1001,
            "larger than 1000 bytes",
        ),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", "head is larger"),
    ],
    ids=["nothing", "cut off", "cut off in chunks", "no HTTP", "too large", "head too large"],
)
async def test_a_bad_response_says_why(answer: bytes, why: str) -> None:
    async with partner(once(answer)) as (transport, to, _):
        with pytest.raises(Unreachable, match=why):
            await transport.send(to, CALL, 5)


async def test_a_silent_partner_is_given_up_in_time_and_its_late_answer_taken_for_nobody_elses() -> (
    None
):
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b"slow" in await request_of(reader):
            await asyncio.sleep(0.3)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext")
        await writer.drain()

    async with partner(behave) as (transport, to, connections):
        with pytest.raises(Unreachable, match="no response within"):
            await transport.send(to, Call("POST", "/slow", {}, b""), 0.05)
        assert (await transport.send(to, CALL, 5)).body == b"next"
        assert len(connections) == 2


async def test_a_kept_connection_that_the_partner_closed_is_no_failure() -> None:
    answers = iter([b"first", b"other"])

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await request_of(reader):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + next(answers))
            await writer.drain()

    async with partner(behave) as (transport, to, connections):
        assert (await transport.send(to, CALL, 5)).body == b"first"
        assert (await transport.send(to, CALL, 5)).body == b"other"
        assert len(connections) == 2


async def test_nobody_listens() -> None:
    async with partner(once(b"")) as (transport, to, _):
        nobody = Partner(to.id, to.name, to.sector, url="http://127.0.0.1:1")
        with pytest.raises(Unreachable, match="ConnectionRefused"):
            await transport.send(nobody, CALL, 5)


@pytest.mark.parametrize(
    "address", ["ftp://127.0.0.1", "http://", "http://127.0.0.1:99999", "http://a\r\nb/"]
)
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(Unreachable, match="no address"):
        origin_of(address)


@pytest.mark.parametrize(
    "call",
    [
        Call("POST", "/in", {"X-A": "1\r\nX-B: 2"}),
        Call("POST", "/in HTTP/1.1\r\nX-B: 2"),
        Call("POST", "/in there"),
        Call("POST", "/in", {"X-A\nX-B": "2"}),
    ],
)
def test_nothing_breaks_out_of_its_line(call: Call) -> None:
    with pytest.raises(ValueError, match="break"):
        request_bytes(origin_of("http://127.0.0.1/p"), call)


def test_a_request_is_what_it_should_be() -> None:
    call = Call("POST", "/in", {"X-A": "ä"}, b"body", {"q": "a b&c"})
    head, _, body = request_bytes(origin_of("http://127.0.0.1:81/p"), call).partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /p/in?q=a+b%26c HTTP/1.1",
        b"Host: 127.0.0.1:81",
        "X-A: ä".encode("latin-1"),
        b"Content-Length: 4",
    ]
    assert body == b"body"

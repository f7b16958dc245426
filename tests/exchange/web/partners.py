"""Partners by hand, over real sockets, for the tests of calls to them; no test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from exchange.schemas.call import Call
from exchange.schemas.directory import Partner
from exchange.settings import Deliveries, Limits
from exchange.web.partner_calls import HttpTransport

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
CALL = Call("POST", "/in", {"X-Delivery-Id": "1"}, b"message")
ANSWER_BYTES_MAX = 1024
HEAD_BYTES_MAX = 16_384


class Seen:
    """What a partner saw: its connections, and the requests that came whole."""

    def __init__(self) -> None:
        self.connections = 0
        self.requests: list[bytes] = []


@asynccontextmanager
async def partner(behave: Behaviour) -> AsyncIterator[tuple[HttpTransport, Partner, Seen]]:
    """A transport, a partner that behaves so, and what that partner saw."""
    seen = Seen()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.connections += 1
        reader.seen = seen  # type: ignore[attr-defined]
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await behave(reader, writer)
        except ConnectionError:
            pass  # the exchange has heard enough
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    transport = HttpTransport(
        f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}",
        Deliveries(answer_bytes_max=ANSWER_BYTES_MAX, connections_max=64),
        Limits(head_bytes_max=HEAD_BYTES_MAX),
    )
    await transport.open()
    try:
        yield transport, Partner("somebody", "Somebody", "kela"), seen
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
    whole = head + await reader.readexactly(length)
    reader.seen.requests.append(whole)  # type: ignore[attr-defined]
    return whole


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


def endless(start: bytes, again: bytes) -> Behaviour:
    """Answers with `start`, and then with `again` for as long as anybody reads."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(start)
        while True:
            writer.write(again)
            await writer.drain()

    return behave

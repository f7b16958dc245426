"""Connections by hand, byte by byte, for the tests of what callers and partners send; no test."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.exchange.web.one_channel import ONE, Served, server
from tests.waiting import WAIT_SECONDS

KEY = f"X-API-Key: {ONE.key}\r\n"


def request(
    body: bytes = b"x",
    more: str = "X-Quick: yes\r\n",
    method: str = "POST",
    path: str = "/c/v1/messages",
    key: str = KEY,
) -> bytes:
    """A request as bytes."""
    length = f"Content-Length: {len(body)}\r\n" if method == "POST" else ""
    head = f"{method} {path} HTTP/1.1\r\nHost: here\r\n{key}{more}{length}\r\n"
    return head.encode() + (body if method == "POST" else b"")


class Raw:
    """A connection by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def reply(self) -> tuple[int, str, bytes]:
        """Status, head and body of the next reply."""
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), WAIT_SECONDS)).decode()
        length = next(
            line.split(": ")[1]
            for line in head.splitlines()
            if line.lower().startswith("content-length")
        )
        return int(head.split(" ")[1]), head, await self.reader.readexactly(int(length))

    async def ended(self) -> bool:
        """Whether the other side closes, and says nothing before it does."""
        try:
            return await asyncio.wait_for(self.reader.read(), WAIT_SECONDS) == b""
        except ConnectionError:
            return True


@asynccontextmanager
async def connected(**limits: Any) -> AsyncIterator[tuple[Served, Callable[[], Awaitable[Raw]]]]:
    """A server, and what opens connections to it."""
    async with server(**limits) as (served, _), connecting(served.url) as connect:
        yield served, connect


@asynccontextmanager
async def connecting(url: str) -> AsyncIterator[Callable[[], Awaitable[Raw]]]:
    """What opens connections to a server, which are closed at the end."""
    writers: list[asyncio.StreamWriter] = []

    async def connect() -> Raw:
        raw = Raw(*await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1])))
        writers.append(raw.writer)
        return raw

    try:
        yield connect
    finally:
        for writer in writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

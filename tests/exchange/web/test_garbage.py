"""Memory that callers' bytes take once nobody needs them: what is no HTTP is looked at once, its
error keeps nothing, and what refers to itself is collected by the bytes that came.
"""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Iterator
from typing import Any
from weakref import ref

import pytest

from exchange.web.caller_connection import Connection
from exchange.web.garbage import YOUNG_BYTES, YOUNG_LOOKS, Garbage
from tests.exchange.web.one_channel import until_inside
from tests.exchange.web.partners import CALL, always, partner
from tests.exchange.web.raw import connected, request

NO_HTTP = b"\x00" * 200_000


@pytest.fixture
def by_bytes_only() -> Iterator[None]:
    """The interpreter collects nothing by itself."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Cycle:
    """What refers to itself, and to a body."""

    def __init__(self) -> None:
        self.itself = self
        self.body = b"x" * 1000


@pytest.mark.usefixtures("by_bytes_only")
def test_what_refers_to_itself_is_collected_by_the_bytes_that_came() -> None:
    collector, kept = Garbage(), ref(Cycle())
    collector.saw(YOUNG_BYTES - 1)
    assert kept() is not None
    collector.saw(1)
    assert kept() is None


@pytest.mark.usefixtures("by_bytes_only")
def test_what_had_grown_old_is_collected_at_last() -> None:
    made: list[Any] = [Cycle()]
    kept = ref(made[0])
    gc.collect()  # it is among the oldest now
    made.clear()
    collector = Garbage()
    for _ in range(YOUNG_LOOKS - 1):
        collector.saw(YOUNG_BYTES)
    assert kept() is not None
    collector.saw(YOUNG_BYTES)
    assert kept() is None


async def test_nothing_after_what_is_no_http_is_looked_at() -> None:
    async with connected() as (served, connect):
        raw = await connect()
        raw.writer.write(request(b"first", more=""))
        await until_inside(served, 1)
        for _ in range(10):
            raw.writer.write(NO_HTTP)
            await raw.writer.drain()
            await asyncio.sleep(0.01)
        (connection,) = served.connections.open
        assert isinstance(connection, Connection)
        assert connection.queued == 1, "one error, however much follows it"
        served.go.set()
        assert (await raw.reply())[2] == b"5"


@pytest.mark.usefixtures("by_bytes_only")
async def test_the_error_of_what_is_no_http_keeps_none_of_its_bytes() -> None:
    async with connected() as (_, connect):
        await no_http(await connect())
        tracemalloc.start()
        try:
            for _ in range(20):
                await no_http(await connect())
            now, _most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert now < len(NO_HTTP) * 10


async def no_http(raw: Any) -> None:
    """Send it, and wait for the end."""
    raw.writer.write(NO_HTTP)
    await raw.ended()
    raw.writer.close()


async def test_every_byte_from_callers_and_partners_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[int] = []
    monkeypatch.setattr(Garbage, "saw", lambda _, size: seen.append(size))
    async with connected() as (_, connect):
        raw = await connect()
        raw.writer.write(request(b"x" * 5000))
        await raw.reply()
    assert sum(seen) == len(request(b"x" * 5000))
    seen.clear()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000
    async with partner(always(answer)) as (transport, to, _):
        await transport.send(to, CALL, 5)
    assert sum(seen) == len(answer)

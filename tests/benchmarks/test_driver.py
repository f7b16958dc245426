"""The benchmark's client: it counts what was answered, and does not hang on a server that falls
silent.
"""

from __future__ import annotations

import asyncio
import itertools

import pytest

from exchange.benchmarks import driver
from exchange.benchmarks.driver import drive, request


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: bytes) -> None:
    """Answers every request with these bytes."""
    while True:
        try:
            await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            break
        await reader.readexactly(4)
        writer.write(answer)
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", True),
        (b"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n", False),
    ],
)
async def test_every_answer_is_counted(answer: bytes, right: bool) -> None:
    server = await asyncio.start_server(
        lambda reader, writer: serve(reader, writer, answer), "127.0.0.1", 0
    )
    port = server.sockets[0].getsockname()[1]
    measured = await drive("127.0.0.1", port, itertools.repeat(request("/", {}, b"body"), 50), 4, 5)
    server.close()
    await asyncio.sleep(0.05)
    assert (measured.answered, measured.unexpected) == ((50, 0) if right else (0, 50))
    assert len(measured.latencies) == measured.answered


async def test_a_silent_server_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "ANSWER_SECONDS", 0.1)
    server = await asyncio.start_server(
        lambda reader, writer: serve(reader, writer, b""), "127.0.0.1", 0
    )
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(TimeoutError, match="2 of 2 requests were not answered"):
        await drive("127.0.0.1", port, itertools.repeat(request("/", {}, b"body")), 2, 0.1)
    server.close()
    await asyncio.sleep(0.05)

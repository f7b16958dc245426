"""A receiver that reads a call whole and resets the connection: as many calls as attempts counted."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.exchange.journey.way import BODY, FIRST
from tests.journeys.running import Running, running

ATTEMPTS = ("delivered", "attempt-failed", "probe-failed")
CALLS = 12


@asynccontextmanager
async def resetting(seen: Counter[str]) -> AsyncIterator[str]:
    """The address of a receiver that counts the calls it has read by their message ids, and then
    resets.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        headers = dict(line.split(": ", 1) for line in head.strip().split("\r\n")[1:])
        await reader.readexactly(int(headers["content-length"]))
        seen[headers["x-sender-message-id"]] += 1
        taken: socket.socket = writer.get_extra_info("socket")
        # To close without lingering is to reset.
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def attempts(served: Running, messages: dict[str, int]) -> Counter[str]:
    """The attempts that the ledger tells of, by the sender's message id."""
    counted: Counter[str] = Counter()
    for name, message in messages.items():
        events = await served.exchange.ledger.events(message)
        counted[name] = sum(each.kind in ATTEMPTS for each in events)
    return counted


async def test_calls_seen_are_attempts_counted(tmp_path: Path) -> None:
    seen: Counter[str] = Counter()
    limits = {
        "first_backoff_seconds": 0.01,
        "poll_seconds": 0.02,
        "probe_seconds_max": 0.05,
        "failures_max": 8,
    }
    async with (
        resetting(seen) as address,
        running(tmp_path, partners={"address": address}, deliveries=limits) as served,
    ):
        messages = {}
        for number in range(6):
            name = f"r-{number}"
            headers = {"X_Message_Id": name, "X_Message_Type": "population.births"}
            if number % 2:
                headers |= {"X_Conversation_Id": "c", "X_Ordered": "true"}
            status, _, body = await served.post(
                "/luova/v1/messages", BODY, "dvv", Content_Type="application/json", **headers
            )
            assert status == 202, body
            messages[name] = int(json.loads(body)["id"], 16)
        await served.until(lambda: sum(seen.values()) >= CALLS)
        (receiver,) = {
            each.receiver
            for message in messages.values()
            for each in await served.exchange.ledger.deliveries(message)
        }
        path = f"/api/v1/partners/{receiver}/pause"
        assert (await served.post(path, "{}", Content_Type="application/json"))[0] == 200
        # Whoever is out by now comes back; nobody else goes.
        await asyncio.sleep(0.3)
        counted = await attempts(served, messages)
        assert receiver == FIRST
        assert sum(seen.values()) >= CALLS
        for name, calls in seen.items():
            assert counted[name] <= calls <= counted[name] + 1, (name, seen, counted)
        assert sum(seen.values()) <= sum(counted.values()) + 1
        assert seen["r-3"] == seen["r-5"] == 0, "followers wait"

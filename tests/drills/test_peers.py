"""Clients and partners that are hostile, silent, slow, never read or close half: their connections
end, the memory stays bounded, and everybody else is served.
"""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.drills.client import PATH, RECEIVERS, SENDER, key_of
from tests.drills.conftest import Ledger, Record
from tests.drills.drill import FULL, Drill, drilling
from tests.drills.receiver import WAYS
from tests.drills.server import busy

#: Short limits, so that the drill need not wait long for them.
LIMITS = {"EXCHANGE_LIMITS__READ_SECONDS": "1", "EXCHANGE_LIMITS__IDLE_SECONDS": "1"}
ANSWER_BYTES = 1_048_576
PARTNERS = {
    "EXCHANGE_DELIVERIES__TIMEOUT_SECONDS": "1",
    "EXCHANGE_DELIVERIES__ANSWER_BYTES_MAX": str(ANSWER_BYTES),
}
#: What the system takes of an answer while nobody reads it.
SYSTEM_BYTES = 4 * 1_048_576
#: Connections of an attack that is tried alone, and of those that are tried together; how long a
#: partner misbehaves who is tried alone, and with others.
CONNECTIONS, CONNECTIONS_TOGETHER = (40 if FULL else 3), 3
TURN_SECONDS, TURN_SECONDS_TOGETHER = (5.0 if FULL else 0.6), 0.6
#: After it somebody has tried the failing receiver again.
CALLED_SECONDS = 20.0
#: The exchange may keep this much more memory while it is attacked.
GROWTH_BYTES_MAX = 150_000_000
#: Answers that are read at once from one partner, each up to its limit, come on top of it
#: (`deliveries.concurrent_receiver_max`).
ANSWERS_BYTES_MAX = 16 * ANSWER_BYTES
#: The attack of one connection; after it the connection must end.
CLOSED_SECONDS = 15.0 if FULL and not busy() else 60.0
HOSTILE_BYTES = 64 * 1024 * 1024 if FULL else 16 * 1024 * 1024

Attack = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def head(length: int) -> bytes:
    """The head of a call with a body, by a partner that is known."""
    return (
        f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key_of(SENDER)}\r\n"
        f"X-Message-Id: hostile\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


async def silent(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    """Say nothing at all."""


async def half_head(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Begin a head and stop."""
    writer.write(head(10)[:40])


async def half_body(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Announce a body and send a part of it."""
    writer.write(head(1_000_000) + b" " * 1_000)


async def half_body_of_nobody(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The same without a key, to the operators' interface."""
    writer.write(
        b"POST /api/v1/validate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n{"
    )


async def slow(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A byte now and then: each is in time, the whole never is."""
    writer.write(head(1_000_000))
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.1)


async def endless_header(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A header without an end."""
    writer.write(f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nX-Long: ".encode())
    for _sent in range(HOSTILE_BYTES // 65_536):
        writer.write(b"x" * 65_536)
        await writer.drain()


async def never_reading(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Ask for the page again and again and read no answer."""
    while True:
        writer.write(b"GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
        await writer.drain()


async def half_closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a whole call, close one's own half, and read to the end."""
    writer.write(head(2) + b"{}")
    writer.write_eof()
    while await reader.read(65_536):
        pass


async def garbage(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Bytes that are no HTTP."""
    writer.write(random.Random(1).randbytes(4096))


ATTACKS: tuple[Attack, ...] = (
    silent,
    half_head,
    half_body,
    half_body_of_nobody,
    slow,
    endless_header,
    never_reading,
    half_closing,
    garbage,
)


async def closed(drill: Drill, attack: Attack) -> None:
    """Attack on one connection until the exchange ends it.

    Raises:
        TimeoutError: when it does not.
    """
    async with asyncio.timeout(CLOSED_SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", drill.server.port)
        writer.transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536
        )
        reading = attack is never_reading
        if reading:
            writer.transport.pause_reading()  # type: ignore[attr-defined]
        with suppress(ConnectionError):
            attacking = asyncio.ensure_future(attack(reader, writer))
            try:
                if reading:
                    await attacking
                while await reader.read(65_536):
                    pass
            finally:
                attacking.cancel()
                await asyncio.gather(attacking, return_exceptions=True)
        writer.close()


def names(kinds: Sequence[Any]) -> str:
    """How a case is called."""
    told = [getattr(kind, "__name__", kind).replace("_", " ").replace("-", " ") for kind in kinds]
    return ", ".join(told)


def cases(kinds: Sequence[Any]) -> list[Any]:
    """Each kind alone at full length; all together in the short form, and on a server."""
    groups = [(kind,) for kind in kinds] if FULL else [tuple(kinds)]
    on_server = pytest.param(tuple(kinds), "server", id="server", marks=pytest.mark.drill)
    return [*(pytest.param(group, "file", id=names(group)) for group in groups), on_server]


@pytest.mark.parametrize(("attacks", "ledger"), cases(ATTACKS), indirect=["ledger"])
async def test_clients_misbehave(
    attacks: Sequence[Attack], tmp_path: Path, ledger: Ledger, record: Record
) -> None:
    connections = CONNECTIONS if len(attacks) == 1 else CONNECTIONS_TOGETHER
    async with drilling(tmp_path, environment=LIMITS, senders=4, ledger=ledger) as drill:
        drill.client.begin()
        await drill.client.until(10)
        before = most = drill.server.resident_bytes()
        repeated = [attack for attack in attacks for _ in range(connections)]
        tasks = [asyncio.create_task(closed(drill, attack)) for attack in repeated]
        while not all(task.done() for task in tasks):
            await drill.client.until(4)
            assert (await drill.server.ready(drill.client.session))[0] == 200
            most = max(most, drill.server.resident_bytes())
            await asyncio.sleep(0.1)
        open_still = [
            attack.__name__
            for attack, task in zip(repeated, tasks, strict=True)
            if task.exception() is not None
        ]
        assert open_still == []
        assert most - before < GROWTH_BYTES_MAX, f"{(most - before) / 1e6:.0f} MB more"
        # A kept connection may end just when its client sends again; nothing else is refused.
        assert set(drill.client.journal.refused) <= {"dropped"}, drill.client.journal.refused
        row = await drill.account(
            f"clients: {names(attacks)}; {connections} connections each",
            f"all ended; {(most - before) / 1e6:.0f} MB more",
        )
    record(row)


@pytest.mark.parametrize(("ways", "ledger"), cases(WAYS), indirect=["ledger"])
async def test_partners_misbehave(
    ways: Sequence[str], tmp_path: Path, ledger: Ledger, record: Record
) -> None:
    bad, good = RECEIVERS
    turn = TURN_SECONDS if len(ways) == 1 else TURN_SECONDS_TOGETHER
    async with drilling(tmp_path, environment=PARTNERS, senders=4, ledger=ledger) as drill:
        drill.client.begin()
        await drill.client.until(10)
        before = most = drill.server.resident_bytes()
        others = 0
        for way in ways:
            drill.receiver.badly[bad] = way
            arrived = sum(arrival.receiver == good for arrival in drill.arrivals())
            until = time.monotonic() + turn
            while time.monotonic() < until or not drill.receiver.misbehaved[way]:
                assert time.monotonic() < until + CALLED_SECONDS, f"{way}: nobody was called"
                await asyncio.sleep(0.1)
                most = max(most, drill.server.resident_bytes())
            came = sum(arrival.receiver == good for arrival in drill.arrivals()) - arrived
            assert came > 0, f"{way}: the other receiver gets its deliveries"
            others += came
        allowed = GROWTH_BYTES_MAX + ANSWERS_BYTES_MAX
        assert most - before < allowed, f"{(most - before) / 1e6:.0f} MB more"
        drill.receiver.badly.clear()
        row = await drill.account(
            f"partners: {names(ways)}",
            f"{others} to the other meanwhile; {(most - before) / 1e6:.0f} MB more",
        )
        poured = drill.receiver.poured_bytes
        assert poured < ANSWER_BYTES + SYSTEM_BYTES, f"{poured / 1e6:.0f} MB of an answer are read"
    record(row)

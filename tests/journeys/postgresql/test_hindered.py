"""Nodes on a PostgreSQL server that hinders them: notices that get lost, sessions that are all in
use, a reader that stays for long, a statement that takes too long; and one mailbox at two gateways.
"""

from __future__ import annotations

import asyncio
import itertools

import pytest

from exchange.errors import LedgerUnavailable
from exchange.ports.ledger import Wanted
from exchange.storage.connection import Connection
from exchange.storage.postgresql import ledger as server_ledger
from exchange.storage.postgresql import owner
from exchange.storage.postgresql.ledger import PostgresLedger
from tests.contracts.rows import record
from tests.exchange.journey.way import FIRST, Way
from tests.journeys.postgresql.nodes import Nodes
from tests.postgresql import LocalServer


async def test_notices_that_are_lost_cost_no_delivery(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = await nodes.another("gateway")
    await nodes.another("deliverer")
    await nodes.own(256)
    # (As where a network drops what the server says: the session stands, and hears nothing.)
    assert gateway.exchange.leased is not None
    monkeypatch.setattr(gateway.exchange.leased.wakes, "wake", lambda *_: None)
    for number in range(5):
        await gateway.send(f"free-{number}")
        await gateway.send(f"ordered-{number}", conversation="c")
    await nodes.settled(gateway)
    assert len(nodes.script.taken) == 10


async def test_a_mailbox_at_two_gateways_gives_each_letter_once(nodes: Nodes) -> None:
    first, second = await nodes.another("gateway"), await nodes.another("all")
    gateways = itertools.cycle((first, second))
    for number in range(20):
        await next(gateways).send(f"free-{number}", mode="mailbox")
        await next(gateways).send(f"c-{number}", mode="mailbox", conversation="c")

    async def empty(gateway: Way) -> list[str]:
        """Take a few at a time and acknowledge them, until nothing is left."""
        came = []
        wanted = Wanted(gateway.channel.name, FIRST, 3, "")
        boxes = gateway.exchange.mailboxes
        while sum((await gateway.exchange.ledger.waiting_by_channel()).values()):
            leased = await boxes.lease(wanted, 60)
            held = [each.hold for each in leased]
            came += [each.envelope.sender_message_id for each in leased]
            assert await boxes.acknowledge(gateway.channel.name, FIRST, held) == [""] * len(held)
        return came

    async with asyncio.timeout(60):
        here, there = await asyncio.gather(empty(first), empty(second))
    assert len(here) + len(there) == 40
    assert len({*here, *there}) == 40
    for came in (here, there):
        ordered = [int(name[2:]) for name in came if name.startswith("c-")]
        assert ordered == sorted(ordered), "each was out after the one before it was acknowledged"


async def test_when_all_sessions_are_in_use_who_reads_waits_and_is_told(
    postgresql: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_ledger, "READERS_MAX", 2)
    monkeypatch.setattr(server_ledger, "READER_SECONDS", 0.2)
    ledger = PostgresLedger(postgresql.ledger())
    await ledger.open()
    slow = [asyncio.ensure_future(ledger.read(_sleep, 1.5)) for _ in range(2)]
    await asyncio.sleep(0.2)
    with pytest.raises(LedgerUnavailable, match="no session is free to read by"):
        await ledger.position()
    assert (await ledger.record(record("a"))).kind == "new", "writing has a session of its own"
    await asyncio.gather(*slow)
    assert await ledger.position() == 1
    await ledger.close()


async def test_a_statement_that_takes_too_long_is_ended_and_the_next_one_is_not(
    postgresql: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = PostgresLedger(postgresql.ledger())
    with monkeypatch.context() as impatient:
        # So much that what else is asked on these sessions is answered on a busy machine too.
        impatient.setattr(owner, "ANSWER_SECONDS", 2.0)
        impatient.setattr(server_ledger, "READ_SECONDS", 2.0)
        await ledger.open()
        with pytest.raises(LedgerUnavailable):
            await ledger.read(_sleep, 300)
        with pytest.raises(LedgerUnavailable):
            await ledger.change(lambda connection: _sleep(connection, 300))
    assert await ledger.check() in ("", ledger.refusal)
    async with asyncio.timeout(60):
        while await ledger.check():
            await asyncio.sleep(0.05)
    assert (await ledger.record(record("a"))).kind == "new"
    assert await ledger.position() == 1
    await ledger.close()
    assert (await ledger.verify()).clean


async def test_a_reader_that_stays_for_long_holds_up_no_writer_and_sees_one_view(
    postgresql: LocalServer,
) -> None:
    ledger = PostgresLedger(postgresql.ledger())
    await ledger.open()
    await ledger.record(record("before"))
    begun, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    reading = asyncio.ensure_future(asyncio.to_thread(_read_twice, ledger, loop, begun, go_on))
    await begun.wait()
    for number in range(50):
        await ledger.record(record(f"meanwhile-{number}"))
    await ledger.compact(2, 1000)
    go_on.set()
    assert await reading == (1, 1)
    await ledger.close()
    assert (await ledger.verify()).clean


def _sleep(connection: Connection, seconds: float) -> None:
    connection.execute("SELECT pg_sleep(?)", (seconds,))


def _read_twice(
    ledger: PostgresLedger,
    loop: asyncio.AbstractEventLoop,
    begun: asyncio.Event,
    go_on: asyncio.Event,
) -> tuple[int, int]:
    """Count messages, wait, and count again in the same view."""
    from exchange.storage.postgresql_server.snapshot import snapshot

    with snapshot(ledger._server) as session:
        [(first,)] = session.execute("SELECT COUNT(*) FROM message").fetchall()
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(60)
        [(second,)] = session.execute("SELECT COUNT(*) FROM message").fetchall()
    return first, second

"""The nodes on a real server as an operator is told of them: who lives, who is gone, who delivers,
who waits.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from exchange.ports.lanes import Cluster, Duties, named
from exchange.storage.connection import Connection
from exchange.storage.nodes.server import GONE_MILLISECONDS, ServerNodes, look
from exchange.storage.postgresql.leases import ServerLeases
from exchange.storage.postgresql.ledger import PostgresLedger
from tests.contracts.rows import MINUTE, record
from tests.postgresql import LocalServer

GATEWAY, DELIVERER, KEEPER = Duties(False, False), Duties(True, False), Duties(False, True)
NOW, LASTS = 10 * MINUTE, 8_000


@pytest.fixture
async def nodes(postgresql: LocalServer) -> AsyncIterator[list[PostgresLedger]]:
    """A gateway, a deliverer and a keeper, by their numbers."""
    where = postgresql.ledger()
    opened = []
    for role in ("gateway", "deliverer", "keeper"):
        ledger = PostgresLedger(where, name=named("here process 1", role))
        await ledger.open()
        opened.append(ledger)
    for ledger, duties in zip(opened, (GATEWAY, DELIVERER, KEEPER), strict=True):
        await ServerLeases(ledger).renew(duties, LASTS, ())
    yield opened
    for ledger in opened:
        await ledger.close()


async def seen(nodes: list[PostgresLedger]) -> Cluster:
    return await ServerNodes(nodes[0]).look(NOW)


def as_reader(connection: Connection) -> Cluster:
    """What a user sees who is told nothing of the server."""
    connection.execute("SET ROLE pg_read_all_data")
    try:
        return look(connection, NOW)
    finally:
        connection.execute("RESET ROLE")


async def step_clock(ledger: PostgresLedger, node: int, milliseconds: int) -> None:
    """As if a node's lease had ended sooner by it."""
    await ledger.change(
        lambda connection: connection.execute(
            "UPDATE node_lease SET until=until-? WHERE node=?", (milliseconds, node)
        )
    )


async def test_each_node_is_told_with_its_role_and_what_it_holds(
    nodes: list[PostgresLedger],
) -> None:
    for name in ("one", "two"):
        await nodes[0].record(record(name, lane=9))
    found = await seen(nodes)
    told = [(each.number, each.role, each.state, each.lanes, each.is_keeper, each.due)
            for each in found.nodes]  # fmt: skip
    assert told == [
        (0, "gateway", "live", 0, False, 0),
        (1, "deliverer", "live", 256, False, 2),
        (2, "keeper", "live", 0, True, 0),
    ]
    assert (found.lanes_free, found.turns_waiting, found.standby_missing) == (0, 0, False)
    assert found.nodes[1].due_since == MINUTE
    assert found.standbys == []
    assert (await nodes[0].read(as_reader)).standbys is None, "who may not see them"
    assert all(each.seen_at >= each.since for each in found.nodes)


async def test_a_node_that_is_gone_is_told_and_so_are_the_lanes_that_nobody_holds(
    nodes: list[PostgresLedger],
) -> None:
    await nodes[0].record(record("one", lane=9))
    await step_clock(nodes[0], 1, LASTS)
    await ServerLeases(nodes[2]).hand_back()
    found = await seen(nodes)
    told = [(each.number, each.state, each.lanes, each.due) for each in found.nodes]
    assert told == [(0, "live", 0, 0), (1, "gone", 0, 0)], "who ended in order is not told of"
    assert (found.lanes_free, found.due_free) == (256, 1)
    await step_clock(nodes[0], 1, GONE_MILLISECONDS)
    assert [each.number for each in (await seen(nodes)).nodes] == [0], "nor who is gone for long"


async def test_a_node_that_waits_for_its_turn_to_write_is_told(
    nodes: list[PostgresLedger],
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hold(connection: Connection) -> None:
        begun.set()
        while not go_on.is_set():
            connection.execute("SELECT pg_sleep(0.01)").fetchall()

    holding = asyncio.ensure_future(nodes[0].change(hold))
    while not begun.is_set():
        await asyncio.sleep(0.01)
    waiting = asyncio.ensure_future(nodes[1].record(record("waits")))
    try:
        async with asyncio.timeout(5):
            while not (found := await seen(nodes)).turn_milliseconds:
                await asyncio.sleep(0.01)
    finally:
        go_on.set()
    await asyncio.gather(holding, waiting)
    assert found.turns_waiting == 1
    assert (await seen(nodes)).turns_waiting == 0

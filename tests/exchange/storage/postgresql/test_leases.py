"""Leases on a real server: numbers of nodes, lanes, the keeper's duty; what a node that stands
still does to the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from exchange.errors import LedgerUnavailable
from exchange.ports.lanes import KEEPER, LANES, Duties
from exchange.storage.postgresql import owner
from exchange.storage.postgresql.leases import ServerLeases
from exchange.storage.postgresql.ledger import PostgresLedger
from tests.contracts.rows import record
from tests.postgresql import LocalServer

ALL, GATEWAY, DELIVERER = Duties(True, True), Duties(False, False), Duties(True, False)
LONG = 60_000


class Nodes:
    """Nodes on one ledger, opened one after another."""

    def __init__(self, server: LocalServer) -> None:
        self.where = server.ledger()
        self.open: list[PostgresLedger] = []

    async def another(self) -> PostgresLedger:
        """A node of whichever number is free."""
        opened = PostgresLedger(self.where)
        await opened.open()
        self.open.append(opened)
        return opened

    async def leases(self) -> ServerLeases:
        """The leases of another node."""
        return ServerLeases(await self.another())


@pytest.fixture
async def nodes(postgresql: LocalServer) -> AsyncIterator[Nodes]:
    """None yet; at the end the ledger is proved."""
    opened = Nodes(postgresql)
    yield opened
    for each in opened.open:
        await each.close()
    assert (await opened.open[0].verify()).clean


async def test_each_node_leases_a_number_that_nobody_has(nodes: Nodes) -> None:
    first, second, third = [await nodes.another() for _ in range(3)]
    assert [each.ownership.node for each in (first, second, third)] == [0, 1, 2]
    await second.close()
    again = await nodes.another()
    assert (again.ownership.node, again.ownership.epoch) == (1, 2)
    for each in (first, again, third):
        assert (await each.record(record(f"by {each.ownership.node}"))).kind == "new"


async def test_lanes_are_shared_evenly_and_each_has_one_owner(nodes: Nodes) -> None:
    first, second, gateway = [await nodes.leases() for _ in range(3)]
    alone = await first.renew(ALL, LONG, ())
    assert alone.own == frozenset(range(LANES + 1))
    assert KEEPER in alone.own
    assert (await second.renew(ALL, LONG, ())).own == frozenset(), "nothing is free yet"
    shared = await first.renew(ALL, LONG, ())
    assert (shared.share, shared.own) == (128, alone.own)
    given = frozenset(range(128, LANES))
    assert (await first.renew(ALL, LONG, given)).own == alone.own - given
    assert (await second.renew(ALL, LONG, ())).own == given
    seen = await gateway.renew(GATEWAY, LONG, ())
    assert (seen.own, seen.share) == (frozenset(), 0)
    assert [seen.owners[lane] for lane in (0, 127, 128, 255, KEEPER)] == [0, 0, 1, 1, 0]


async def test_what_another_node_has_can_not_be_given_back(nodes: Nodes) -> None:
    first, second = [await nodes.leases() for _ in range(2)]
    await first.renew(ALL, LONG, ())
    await second.renew(DELIVERER, LONG, range(LANES))
    assert (await first.renew(ALL, LONG, ())).own == frozenset(range(LANES + 1))


async def test_a_lease_that_ended_is_the_next_nodes_and_not_before(nodes: Nodes) -> None:
    first, second = [await nodes.leases() for _ in range(2)]
    await first.renew(ALL, LONG, ())
    assert not (await second.renew(ALL, LONG, ())).own
    await first.renew(ALL, -1, ())
    assert (await second.renew(ALL, LONG, ())).own == frozenset(range(LANES + 1))
    assert not (await first.renew(ALL, LONG, ())).own, "who comes back has what is left over"
    assert (await second.renew(ALL, LONG, ())).share == 128


async def test_what_is_handed_back_is_free_at_once(nodes: Nodes) -> None:
    first, second = [await nodes.leases() for _ in range(2)]
    await first.renew(ALL, LONG, ())
    await first.hand_back()
    assert (await second.renew(ALL, LONG, ())).own == frozenset(range(LANES + 1))


async def test_another_life_of_a_node_has_no_lane_of_the_one_before(nodes: Nodes) -> None:
    first = await nodes.another()
    await ServerLeases(first).renew(ALL, LONG, ())
    await first.close()
    second, other = await nodes.another(), await nodes.leases()
    assert second.ownership.node == first.ownership.node
    await ServerLeases(second).renew(GATEWAY, LONG, ())
    assert (await other.renew(DELIVERER, LONG, ())).own == frozenset(range(LANES))


async def test_a_node_that_stands_still_in_a_transaction_holds_up_nobody_and_comes_back(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as impatient:
        impatient.setattr(owner, "STILL_MILLISECONDS", 1500)
        still = await nodes.another()
    other = await nodes.another()
    writer = still._writer._owner
    assert writer is not None
    number = await writer.begin_transaction()
    # (As a stopped process would: it has the turn to write, and does nothing.)
    async with asyncio.timeout(25):  # less than a node waits for its turn
        assert (await other.record(record("meanwhile"))).kind == "new"
    with pytest.raises(LedgerUnavailable):
        await writer.commit(number)
    assert (await still.record(record("back"))).kind == "new"
    assert not still.lost.is_set()
    assert still.ownership.epoch == 1

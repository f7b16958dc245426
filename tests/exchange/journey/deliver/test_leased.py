"""A node's leased lanes by its own clock, on a real server: what is its own until when, and what is
given back only when nothing of it is out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection

import pytest

from exchange.journey.deliver import leased
from exchange.journey.deliver.leased import LeasedLanes
from exchange.ports.lanes import LANES, NOBODY, Duties, Standing
from exchange.storage.postgresql.leases import ServerLeases
from exchange.storage.postgresql.ledger import PostgresLedger
from tests.postgresql import LocalServer

ALL, GATEWAY = Duties(True, True), Duties(False, False)
EVERY = frozenset(range(LANES))


class Out:
    """Deliveries that are being made, and what was told of lanes."""

    def __init__(self) -> None:
        self.lanes: set[int] = set()
        #: The lanes that it was to go on with.
        self.told: list[Collection[int]] = []

    def lanes_out(self) -> set[int]:
        """Those set by the test."""
        return self.lanes

    def lanes_changed(self, kept: Collection[int], given: Collection[int]) -> None:
        """Note it."""
        self.told.append(kept)


class Node:
    """A node whose clock the test moves."""

    def __init__(self, ledger: PostgresLedger, duties: Duties) -> None:
        self.ledger, self.out, self.seconds = ledger, Out(), 1000.0
        self.lanes = LeasedLanes(ServerLeases(ledger), duties, None, lambda: self.seconds)

    async def renewed(self) -> None:
        """It is time to renew, and it does."""
        before = self.lanes._standing
        self.seconds += leased.RENEW_SECONDS
        async with asyncio.timeout(30):
            while self.lanes._standing is before:
                await asyncio.sleep(0.02)


class Nodes:
    """Nodes on one ledger."""

    def __init__(self, server: LocalServer) -> None:
        self.where = server.ledger()
        self.open: list[Node] = []

    async def another(self, duties: Duties = ALL) -> Node:
        ledger = PostgresLedger(self.where)
        await ledger.open()
        node = Node(ledger, duties)
        await node.lanes.start(node.out)
        self.open.append(node)
        return node


@pytest.fixture
async def nodes(postgresql: LocalServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Nodes]:
    """None yet; by the ledger's clock no lease ends while a test lasts."""
    monkeypatch.setattr(leased, "LEASE_SECONDS", 600.0)
    opened = Nodes(postgresql)
    yield opened
    for each in opened.open:
        await each.lanes.stop()
        await each.ledger.close()


class Counted:
    """Leases of a node that is alone, and how often they were renewed."""

    node = 0

    def __init__(self) -> None:
        self.renewals = 0

    async def renew(self, duties: Duties, lasts: int, given: Collection[int]) -> Standing:
        """Every lane."""
        self.renewals += 1
        return Standing(EVERY, dict.fromkeys(EVERY, 0), LANES, unbroken=True)

    async def hand_back(self) -> None:
        """Nothing."""


async def test_leases_are_renewed_in_time() -> None:
    leases, seconds = Counted(), 1000.0
    lanes = LeasedLanes(leases, ALL, None, lambda: seconds)
    await lanes.start(Out())
    for later, renewals in ((0.0, 1), (leased.RENEW_SECONDS - 0.1, 1), (leased.RENEW_SECONDS, 2)):
        seconds = 1000.0 + later
        for _ in range(3):
            await lanes._look()
            await asyncio.sleep(0)
        assert leases.renewals == renewals
    await lanes.stop()


async def test_lanes_end_by_the_nodes_own_clock_before_the_ledgers(nodes: Nodes) -> None:
    node = await nodes.another()
    lanes = node.lanes
    assert (lanes.own(), lanes.keeps, lanes.may_make(7), lanes.owner(7)) == (EVERY, True, True, 0)
    # (The task that renews has no turn before this: it is as if the process had stood still.)
    node.seconds += leased.LEASE_SECONDS - 0.9
    assert (lanes.own(), lanes.keeps, lanes.may_make(7)) == (frozenset(), False, False)
    assert lanes.owner(7) == NOBODY
    assert lanes.takers() == []
    assert node.out.told == [frozenset()], "of nothing, at its start"
    await node.renewed()
    assert lanes.own() == EVERY
    assert node.out.told == [frozenset()] * 3, "all lost, and all anew: another may have had them"


async def test_a_lane_is_given_back_when_nothing_of_it_is_out_any_more(nodes: Nodes) -> None:
    first, second = await nodes.another(), await nodes.another()
    first.out.lanes = {200}
    await first.renewed()
    assert first.lanes.own() == frozenset(range(128)), "nothing new of the others is begun"
    for _ in range(2):
        await first.renewed()
        await second.renewed()
    assert second.lanes.own() == frozenset(range(128, LANES)) - {200}
    assert second.lanes.owner(200) == 0
    first.out.lanes = set()
    await first.renewed()
    await second.renewed()
    assert second.lanes.own() == frozenset(range(128, LANES))


async def test_who_delivers_takes_in_for_its_own_lanes_and_a_gateway_for_all(nodes: Nodes) -> None:
    first, gateway = await nodes.another(), await nodes.another(GATEWAY)
    placed = {gateway.lanes.place("fund", "luova", number << 22) for number in range(2000)}
    assert len(placed) > 250
    assert gateway.lanes.owner(9) == 0, "who is told of it"
    second = await nodes.another()
    for _ in range(2):
        await first.renewed()
        await second.renewed()
    places = [second.lanes.place("fund", "luova", number << 22) for number in range(500)]
    assert set(places) <= set(range(128, LANES)) == second.lanes.own()


async def test_a_node_that_stops_hands_its_lanes_on(nodes: Nodes) -> None:
    first, second = await nodes.another(), await nodes.another()
    await first.lanes.stop()
    assert first.lanes.own() == frozenset()
    await second.renewed()
    assert second.lanes.own() == EVERY
    assert second.lanes.keeps

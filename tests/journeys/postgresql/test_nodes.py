"""Several nodes with roles on one PostgreSQL ledger, in one process: who delivers, who is the
keeper, and that a message is one whichever gateway it comes to.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict

import pytest

from exchange.assembly import Exchange
from exchange.ports import Inbound, Outcome
from exchange.ports.lanes import LANES
from exchange.settings import Settings
from tests.exchange.journey.way import BODY, FIRST, SECOND, SENDER, Way, channel
from tests.journeys.postgresql.nodes import Nodes, lanes

EVERY = frozenset(range(LANES))


async def send(node: Way, message_id: str, **hints: str) -> Outcome:
    """What becomes of a message."""
    sender = node.exchange.directory.get(SENDER)
    assert sender is not None
    named = {"type": "population.births", "id": message_id, "receiver": FIRST, **hints}
    inbound = Inbound(sender, BODY, "application/json", "api", named)
    return await node.exchange.acceptance.accept(node.channel, inbound)


async def test_gateways_take_deliverers_deliver_in_order_and_a_lane_is_handed_over(
    nodes: Nodes,
) -> None:
    first, second = await nodes.another("gateway"), await nodes.another("gateway")
    await nodes.another("deliverer")
    leaving = await nodes.another("deliverer")
    await nodes.own(128, 128)
    assert not lanes(first)
    conversations = [f"c{number}" for number in range(6)]

    async def converse(name: str, since: int) -> None:
        """Each message by the other gateway than the one before."""
        for number in range(since, since + 6):
            gateway = (first, second)[number % 2]
            await gateway.send(f"{name}-{number}", (FIRST, SECOND)[number % 2], conversation="x")
            await gateway.send(f"{name}-{number}-o", FIRST, conversation=name)

    await asyncio.gather(*(converse(name, 0) for name in conversations))
    going = asyncio.gather(*(converse(name, 6) for name in conversations))
    await asyncio.sleep(0.1)
    await nodes.close(leaving)
    await going
    await nodes.own(256)
    await nodes.settled(first)
    assert sorted(nodes.script.calls) == sorted(set(nodes.script.calls)), "each once"
    came: dict[str, list[str]] = defaultdict(list)
    for _, message_id in nodes.script.taken:
        if message_id.endswith("-o"):
            came[message_id.partition("-")[0]].append(message_id)
    for name in conversations:
        assert came[name] == [f"{name}-{number}-o" for number in range(12)]
    for gateway in (first, second):
        assert gateway.exchange.dispatcher.held == 0, "a gateway holds nothing"


async def test_a_gateway_makes_synchronous_deliveries_itself(nodes: Nodes) -> None:
    gateway = await nodes.another("gateway")
    sender = gateway.exchange.directory.get(SENDER)
    assert sender is not None
    hints = {"type": "population.births", "id": "asked", "receiver": FIRST, "mode": "ask"}
    inbound = Inbound(sender, BODY, "application/json", "api", hints)
    outcome, told = await gateway.exchange.asking.ask(gateway.channel, inbound, 5)
    assert (outcome.kind, told) == ("accepted", b"taken")
    pushed = await send(gateway, "pushed")
    assert (await gateway.state(pushed.envelope.id))[0] == "waiting", "nobody delivers yet"
    deliverer = await nodes.another("all")
    await nodes.settled(deliverer)
    assert nodes.script.taken == [(FIRST, "asked"), (FIRST, "pushed")]


async def test_a_storm_to_two_gateways_in_opposite_order_is_taken_once(nodes: Nodes) -> None:
    first, second = await nodes.another("gateway"), await nodes.another("all")
    names = [f"m-{number}" for number in range(40)]
    there, back = await asyncio.gather(
        asyncio.gather(*(send(first, name) for name in names)),
        asyncio.gather(*(send(second, name) for name in reversed(names))),
    )
    for one, other in zip(there, reversed(back), strict=True):
        assert {one.kind, other.kind} == {"accepted", "duplicate"}
        assert one.envelope.id == other.envelope.id
    await nodes.settled(first)
    assert sorted(nodes.script.calls) == sorted((FIRST, name) for name in names)


async def test_a_deliverer_is_told_of_what_a_gateway_took_in_also_after_its_session_ended(
    nodes: Nodes,
) -> None:
    nodes.poll_seconds = 3600.0
    gateway, deliverer = await nodes.another("gateway"), await nodes.another("deliverer")
    assert gateway.exchange.leased is not None
    async with asyncio.timeout(30):
        while gateway.exchange.leased.owner(0) != deliverer.exchange.worker:
            await asyncio.sleep(0.02)
    session = ""
    for life in range(2):
        session = await nodes.listens(deliverer, after=session)
        await gateway.send(f"{life}")
        await gateway.send(f"{life}-ordered", SECOND, conversation="c")
        await nodes.settled(gateway)
        await nodes.ask(f"SELECT pg_terminate_backend({session})")
    assert len(nodes.script.taken) == 4


async def test_one_node_is_the_keeper_and_another_takes_over(nodes: Nodes) -> None:
    first, second = await nodes.another("keeper"), await nodes.another("all")
    gateway = await nodes.another("gateway")
    async with asyncio.timeout(30):
        while not first.exchange.keeper.running:
            await asyncio.sleep(0.02)
    assert not second.exchange.keeper.running
    await nodes.close(first)
    async with asyncio.timeout(30):
        while not second.exchange.keeper.running:
            await asyncio.sleep(0.02)
    assert not gateway.exchange.keeper.running


async def test_calls_of_a_gateway_that_is_gone_are_ended_by_the_keeper(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway, other = await nodes.another("gateway"), await nodes.another("all")
    asked = await send(gateway, "asked", mode="ask")
    assert await other.exchange.asking.abandon_old() == 0, "its caller may wait still"
    monkeypatch.setattr("exchange.journey.answer.GRACE_SECONDS", -60.0)
    assert await other.exchange.asking.abandon_old() == 1
    assert await gateway.state(asked.envelope.id) == ("dead", 1, "interrupted")


@pytest.mark.parametrize(
    ("role", "taken"), [("all", True), ("gateway", True), ("deliverer", False), ("keeper", False)]
)
def test_partners_call_gateways_alone_and_each_node_has_its_health(role: str, taken: bool) -> None:
    settings = Settings(
        storage={"url": "postgresql://nobody@127.0.0.1/none"},
        server={"role": role},
    )
    app = Exchange(settings, channels={"luova": channel()}).application()
    addresses = {resource.canonical for resource in app.router.resources()}
    assert ("/luova/v1/messages" in addresses) == taken
    assert {"/health/ready", "/metrics", "/api/v1/snapshot"} <= addresses

"""An exchange of several nodes on one PostgreSQL server: two gateways, two deliverers and two
keepers, one of each killed, stopped and ended under load; who has which lanes is read from the
ledger.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from exchange.ports.lanes import KEEPER, LANES
from exchange.storage.postgresql_server.address import Server as Address
from exchange.storage.proof.verify import verify
from tests.drills.client import Spread
from tests.drills.conftest import Record
from tests.drills.drill import PAUSE_SECONDS, REPEATED_MAX, Row, stored
from tests.drills.journal import ReceiverJournal, faults
from tests.drills.receiver import Receiver
from tests.drills.server import BUSY_SECONDS, Server, within
from tests.postgresql import LocalServer, local_server, name_of

pytestmark = [pytest.mark.drill, pytest.mark.by_clock]

#: How long a deliverer is stopped, in seconds: longer than its lease lasts.
STOPPED_SECONDS = 12
#: What is promised, in seconds; on a busy machine it is only seen that it happens.
RECEIPT_SECONDS, LANES_SECONDS, HANDED_SECONDS = 5.0, 15.0, 8.0
_OWNERS = (
    "SELECT lane_lease.lane, lane_lease.node FROM lane_lease JOIN node_lease USING (node, epoch) "
    "WHERE until>extract(epoch FROM clock_timestamp())*1000"
)


class Node(Server):
    """A node with a role, at an address of its own."""

    def __init__(self, folder: Path, partners: str, ledger: Address, role: str) -> None:
        folder.mkdir()
        super().__init__(folder, partners, ledger=ledger, options=("--role", role))
        self.number = -1


@dataclass
class Cluster:
    """The nodes, the server below and the receiver beyond."""

    postgresql: LocalServer
    where: Address
    client: Spread
    gateways: list[Node]
    deliverers: list[Node]
    keepers: list[Node]
    arrivals: Path

    @property
    def name(self) -> str:
        """The name of the database."""
        return name_of(self.where)

    def owners(self) -> dict[int, int]:
        """Which node has which lane by a lease that has not ended."""
        told = self.postgresql.ask(_OWNERS, self.name)
        return {int(lane): int(node) for lane, node in (row.split("|") for row in told.split())}

    async def start(self, node: Node) -> None:
        """Start a node; it says which number it has."""
        await node.start(self.client.session)
        async with self.client.session.get(node.url + "/health/ready") as response:
            node.number = (await response.json())["worker"]

    async def owned_by(self, *numbers: int, keeper: int | None = None, seconds: float) -> float:
        """Wait until these nodes alone have all lanes (or the keeper's duty); how long it took."""
        began = time.monotonic()
        while True:
            owners = await asyncio.to_thread(self.owners)
            lanes = {node for lane, node in owners.items() if lane != KEEPER}
            whole = len(owners.keys() - {KEEPER}) == LANES
            if (
                owners.get(KEEPER) == keeper
                if keeper is not None
                else (whole and lanes == set(numbers))
            ):
                return time.monotonic() - began
            assert time.monotonic() - began < within(seconds), owners
            await asyncio.sleep(0.1)

    async def receipts_go_on(self) -> float:
        """Wait for as many more receipts as there are senders; how long it took."""
        began = time.monotonic()
        await self.client.until(8, within(RECEIPT_SECONDS))
        return time.monotonic() - began


@asynccontextmanager
async def cluster(folder: Path) -> AsyncIterator[Cluster]:
    """Two of each role."""
    postgresql = await asyncio.to_thread(local_server)
    journal = ReceiverJournal(folder / "arrivals.jsonl")
    receiver = Receiver(journal)
    address, ledger = await receiver.start(), postgresql.ledger()
    roles = ("gateway", "gateway", "deliverer", "deliverer", "keeper", "keeper")
    nodes = [
        Node(folder / f"{role}-{number}", address, ledger, role)
        for number, role in enumerate(roles)
    ]
    try:
        urls = [node.url for node in nodes[:2]]
        async with Spread(urls, pause_seconds=PAUSE_SECONDS) as client:
            made = Cluster(
                postgresql=postgresql,
                where=ledger,
                client=client,
                gateways=nodes[:2],
                deliverers=nodes[2:4],
                keepers=nodes[4:],
                arrivals=folder / "arrivals.jsonl",
            )
            for node in nodes:
                await made.start(node)
            yield made
    finally:
        for node in nodes:
            await node.clear()
        await receiver.close()
        journal.close()
        await asyncio.to_thread(postgresql.remove)


async def test_nodes_are_killed_stopped_and_ended(tmp_path: Path, record: Record) -> None:
    async with cluster(tmp_path) as made:
        first, second = made.deliverers
        await made.owned_by(first.number, second.number, seconds=BUSY_SECONDS)
        made.client.begin()
        await made.client.until(40)
        seen: dict[str, float] = {}

        await first.signal(signal.SIGKILL)
        seen["lanes"] = await made.owned_by(second.number, seconds=LANES_SECONDS)
        await made.receipts_go_on()
        await made.start(first)
        await made.owned_by(first.number, second.number, seconds=LANES_SECONDS)

        await made.gateways[0].signal(signal.SIGKILL)
        seen["receipts"] = await made.receipts_go_on()
        await made.start(made.gateways[0])

        os.kill(second.pid, signal.SIGSTOP)
        await made.owned_by(first.number, seconds=LANES_SECONDS)
        await asyncio.sleep(STOPPED_SECONDS)
        await made.receipts_go_on()
        os.kill(second.pid, signal.SIGCONT)
        await made.owned_by(first.number, second.number, seconds=LANES_SECONDS)
        assert second.process is not None
        assert second.process.returncode is None, "it goes on as what it was"

        one, other = made.keepers
        await made.owned_by(keeper=one.number, seconds=LANES_SECONDS)
        await one.signal(signal.SIGKILL)
        seen["keeper"] = await made.owned_by(keeper=other.number, seconds=LANES_SECONDS)

        await second.signal(signal.SIGTERM)
        seen["handed"] = await made.owned_by(first.number, seconds=HANDED_SECONDS)
        record(await account(made, ", ".join(f"{k} {v:.1f} s" for k, v in seen.items())))


async def account(made: Cluster, seen: str) -> Row:
    """End the traffic and compare all journals with the ledger."""
    await made.client.end()
    receipts = made.client.journal.receipts
    until = time.monotonic() + BUSY_SECONDS
    waiting = "SELECT COUNT(*) FROM delivery WHERE state='waiting'"
    while int(await asyncio.to_thread(made.postgresql.ask, waiting, made.name)):
        assert time.monotonic() < until, "deliveries still wait"
        await asyncio.sleep(0.1)
    for node in [*made.gateways, made.deliverers[0], made.keepers[1]]:
        await node.signal(signal.SIGTERM)
    arrivals = ReceiverJournal.read(made.arrivals)
    wrong = faults(receipts, arrivals)
    assert not wrong, f"{len(wrong)} faults of what arrived: {wrong[:5]}"
    kept = await asyncio.to_thread(stored, made.where)
    assert made.client.journal.missing(kept) == []
    assert made.client.journal.unexplained == 0, "a refusal without Retry-After"
    found = await asyncio.to_thread(verify, made.where)
    assert found.clean, [check for check in found.checks if check.broken]
    counted = found.channels["luova"]
    delivered = {arrival.message_id for arrival in arrivals}
    assert (counted["accepted"], counted["delivered"]) == (len(kept), len(kept))
    repeated = len(arrivals) - len(delivered)
    # One deliverer was killed, one stopped: each with what it had out.
    assert repeated <= 2 * REPEATED_MAX, f"{repeated} deliveries came again"
    return Row(
        drill="PostgreSQL, six nodes: one of each role killed, one stopped, one ended",
        acknowledged=len(receipts),
        stored=len(kept),
        delivered=len(delivered),
        counted=counted["accepted"],
        repeated=repeated,
        ready=0.0,
        seen=seen,
    )

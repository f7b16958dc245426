"""Two workers in one process, each with a ledger and a dispatcher of its own on one file, and the
receivers of what they deliver, with a journal.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from exchange.clocks import SequentialIds, WallClock
from exchange.journey.deliver.attempt import Attempts, delivery_of
from exchange.journey.deliver.circuit_breaker import Probing
from exchange.journey.deliver.circuit_breaker import Receivers as States
from exchange.journey.deliver.dispatcher import Dispatcher
from exchange.journey.deliver.lanes import NumberedLanes
from exchange.journey.deliver.queues import Bounds
from exchange.journey.deliver.retry import RetryPolicy
from exchange.ports.lanes import Wakes, lane_of
from exchange.ports.ledger import DeliveryRow, EventRow, MessageRow, Record
from exchange.schemas import directory as directories
from exchange.schemas.call import Call, Reply
from exchange.schemas.directory import Partner
from exchange.storage.partners.receiver_states import LedgerReceivers
from exchange.storage.sqlite import SqliteLedger
from tests.exchange.journey import way as made
from tests.waiting import WAIT_SECONDS

DIRECTORY, CLOCK = directories.load(), WallClock()
#: Ids of each worker, as in a run of the service.
IDS = [SequentialIds(CLOCK, worker) for worker in range(2)]
SERIAL = count()


@dataclass(frozen=True)
class Step:
    """A message: who takes it in, its conversation, how often its receiver fails first, and how
    often it then refuses it for good.
    """

    worker: int
    receiver: str
    conversation: str
    failures: int
    deaths: int = 0


class Lossy:
    """Wakes that get lost."""

    def wake(self, worker: int, receiver: str) -> None:
        """Nobody is told."""

    def listen(self, worker: int, woken: Callable[[str], None]) -> None:
        """Nothing comes."""

    def stop(self, worker: int) -> None:
        """Nothing to stop."""


@dataclass
class Receivers:
    """Partners that fail as often as each message's step says, with a journal of their calls."""

    steps: dict[str, Step] = field(default_factory=dict)
    calls: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    taken: list[str] = field(default_factory=list)
    at_once: list[str] = field(default_factory=list)
    out: set[tuple[str, str]] = field(default_factory=set)

    async def send(self, partner: Partner, call: Call, timeout_seconds: float) -> Reply:
        """Take or fail."""
        message = call.headers["X-Message-Id"]
        step = self.steps[message]
        key = (partner.id, step.conversation)
        if key in self.out:
            self.at_once.append(message)
        self.out.add(key)
        self.calls[key].append(message)
        try:
            await asyncio.sleep(0.001)
        finally:
            self.out.discard(key)
        calls = self.calls[key].count(message)
        if calls <= step.failures + step.deaths:
            return Reply(503 if calls <= step.failures else 499)
        self.taken.append(message)
        return Reply(200)


class Worker:
    """A ledger and a dispatcher on it."""

    def __init__(
        self,
        path: Path,
        number: int,
        receivers: Receivers,
        ready_max: int,
        wakes: Wakes | None,
        workers: int = 2,
    ) -> None:
        self.number = number
        self.ledger = SqliteLedger(path)
        channel = made.channel()
        policy = RetryPolicy(10, 0.004, 0.01, 3600.0, 1)
        attempts = Attempts(
            self.ledger, {channel.name: channel}, receivers, DIRECTORY, CLOCK, policy, 5.0
        )
        bounds = Bounds(ready_max=ready_max, poll_seconds=0.05)
        lanes = NumberedLanes(number, workers, wakes)
        self.states = LedgerReceivers(self.ledger)
        states = States(self.states, CLOCK, Probing(3, 0.004, 0.01, timeout_seconds=0.1))
        self.dispatcher = Dispatcher(self.ledger, attempts, DIRECTORY, CLOCK, bounds, lanes, states)

    async def open(self) -> None:
        """Begin."""
        await self.ledger.open()
        self.dispatcher.start()

    async def close(self, grace_seconds: float = 5.0) -> None:
        """End."""
        await self.dispatcher.stop(grace_seconds)
        await self.ledger.close()

    async def commit(self, message: str, step: Step) -> Record:
        """Commit a message."""
        record = ordered_record(self.number, message, step)
        assert (await self.ledger.record(record)).kind == "new"
        return record

    async def offer(self, record: Record) -> None:
        """Say that it was committed, as the first half does."""
        [pending] = await self.ledger.pending([record.deliveries[0].id]) or [None]
        if pending is not None:
            self.dispatcher.offer(delivery_of(pending, DIRECTORY))


def ordered_record(worker: int, message: str, step: Step) -> Record:
    """An ordered message and its delivery."""
    ids, now = IDS[worker], CLOCK.now()
    row = MessageRow(
        ids.next(), "luova", "population.births", "dvv", message, message.encode(), now, "accepted", "api",
        step.conversation, 1, 4, "application/json", "{}",
    )  # fmt: skip
    lane = lane_of(step.receiver, "luova", step.conversation)
    delivery = DeliveryRow(
        ids.next(), row.id, step.receiver, "push", "waiting", 0, 1, now, 0, lane, 1, ""
    )
    return Record(row, b"<a/>", [delivery], [EventRow(row.id, 0, now, "accepted", "")], [])


async def ended(ledger: SqliteLedger) -> None:
    """Wait until nothing waits."""
    async with asyncio.timeout(WAIT_SECONDS):
        while await ledger.waiting_by_channel():
            await asyncio.sleep(0.005)

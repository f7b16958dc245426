"""Mailboxes while readers lease, acknowledge, refuse, extend and forget, operators resend and skip,
time passes and workers restart: of an ordered conversation the next one is never given before the
one before has ended, nothing that was acknowledged comes again, what is leased is nobody else's and
is never lost. One worker, and two on the same ledger.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.clocks import SequentialIds
from exchange.journey.mailbox import Mailboxes
from exchange.ports import Actor, Leased, Operator
from exchange.ports.ledger import EventRow, Record, Wanted
from exchange.settings import Settings
from exchange.storage.dead_letters import LedgerDeadLetters
from exchange.storage.proof.verify import verify
from exchange.storage.sqlite import SqliteLedger
from tests.contracts.rows import record

FUND, BEGUN_AT = "fund.super", 1_704_060_000_000
ANN = Actor(Operator("ann", "operator"), "127.0.0.1")
DEADLINE_SECONDS, LEASE_SECONDS_MAX = 100.0, 40.0
SERIAL = count()

#: What is done, by which worker, and a number that says to which or how much.
OPERATIONS = st.tuples(
    st.sampled_from(
        [
            *("put", "put", "put", "loose", "lease", "lease", "lease", "acknowledge"),
            *("acknowledge", "refuse", "extend", "resend", "skip", "wait", "expire", "restart"),
        ]
    ),
    st.integers(0, 1),
    st.integers(0, 5),
)


@dataclass
class Set:
    """A clock that is set."""

    at: int = BEGUN_AT

    def now(self) -> int:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += int(seconds * 1000)
        await asyncio.sleep(0)


@dataclass
class Play:
    """A mailbox, the workers that give what lies in it, and what must be so."""

    path: Path
    count: int
    clock: Set = field(default_factory=Set)
    ledgers: list[SqliteLedger] = field(default_factory=list)
    boxes: list[Mailboxes] = field(default_factory=list)
    #: Deliveries of each ordered conversation in the order of their commits.
    order: dict[str, list[int]] = field(default_factory=dict)
    put: list[int] = field(default_factory=list)
    leases: list[Leased] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)
    skipped: set[int] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    async def begin(self) -> None:
        self.ids = [SequentialIds(self.clock, number) for number in range(self.count)]
        for number in range(self.count):
            self.ledgers.append(SqliteLedger(self.path, durable=False))
            await self.ledgers[number].open()
            self.boxes.append(self.box(number))

    def box(self, number: int) -> Mailboxes:
        ledger = self.ledgers[number]
        bounds = Settings(
            deliveries={  # type: ignore[arg-type]
                "deadline_seconds": DEADLINE_SECONDS,
                "lease_seconds_max": LEASE_SECONDS_MAX,
            }
        ).deliveries
        return Mailboxes(ledger, LedgerDeadLetters(ledger), self.clock, self.ids[number], bounds)

    async def do(self, what: str, worker: int, number: int) -> None:
        """One operation; what needs something that is not there does nothing."""
        worker %= self.count
        box, ledger = self.boxes[worker], self.ledgers[worker]
        if what in ("put", "loose"):
            await self.add(worker, f"c-{number % 3}", ordered=what == "put")
        elif what == "lease":
            await self.lease(box, most=1 + number % 3, seconds=5.0 * (1 + number))
        elif what == "wait":
            await self.clock.sleep(4.0 * (1 + number))
        elif what == "expire":
            await self.clock.sleep(DEADLINE_SECONDS * (number % 2))
            await box.expire()
        elif what == "restart":
            await ledger.close()
            self.ledgers[worker] = SqliteLedger(self.path, durable=False)
            await self.ledgers[worker].open()
            self.boxes[worker] = self.box(worker)
        elif what in ("resend", "skip"):
            if dead := await ledger.dead(100):
                chosen = [dead[number % len(dead)].delivery.id]
                if what == "skip":
                    self.skipped.update(await box.skip(chosen, ANN))
                else:
                    await box.resend(chosen, ANN)
        elif self.leases:
            await self.end(what, box, self.leases[-1 - number % len(self.leases)])

    async def add(self, worker: int, conversation: str, ordered: bool) -> None:
        made = self.record(worker, conversation, ordered)
        assert (await self.ledgers[worker].record(made)).kind == "new"
        delivery = made.deliveries[0].id
        self.put.append(delivery)
        if ordered:
            self.order.setdefault(conversation, []).append(delivery)

    def record(self, worker: int, conversation: str, ordered: bool) -> Record:
        now, ids = self.clock.now(), self.ids[worker]
        made = record(f"m-{next(SERIAL)}", modes=["mailbox"], receiver=FUND, received_at=now)
        row = made.message._replace(id=ids.next(), conversation=conversation)
        delivery = made.deliveries[0]._replace(
            id=ids.next(), message_id=row.id, ordered=int(ordered), next_at=now
        )
        events = [EventRow(row.id, 0, now, "accepted", "")]
        return Record(row, made.body, [delivery], events, made.counts)

    async def lease(self, box: Mailboxes, most: int, seconds: float) -> None:
        now = self.clock.now()
        held = {
            each.delivery_id
            for each in self.leases
            if each.lease_until > now and not self.has_ended(each.delivery_id)
        }
        for each in await box.lease(Wanted("luova", FUND, most), seconds):
            number = each.delivery_id
            if number in held:
                self.wrong.append(f"{number} was given while somebody held it")
            if self.has_ended(number):
                self.wrong.append(f"{number} was given after it had ended")
            for conversation in self.order.values():
                if number in conversation:
                    before = conversation[: conversation.index(number)]
                    if not all(map(self.has_ended, before)):
                        self.wrong.append(f"{number} was given before one before it had ended")
            self.leases.append(each)

    def has_ended(self, delivery: int) -> bool:
        return delivery in self.acknowledged or delivery in self.skipped

    async def end(self, what: str, box: Mailboxes, leased: Leased) -> None:
        """Say something of a lease, perhaps of an old one."""
        is_newest = all(
            each.lease == leased.lease
            for each in self.leases[self.leases.index(leased) :]
            if each.delivery_id == leased.delivery_id
        )
        if what == "acknowledge":
            [told] = await box.acknowledge("luova", FUND, [leased.hold])
            if not told:
                self.acknowledged.append(leased.delivery_id)
        elif what == "refuse":
            [told] = await box.refuse("luova", FUND, [leased.hold], "no")
            if not told:
                leased.lease_until = 0  # nobody holds what was refused
        else:
            [told], until = await box.extend("luova", FUND, [leased.hold], 10.0)
            if not told:
                leased.lease_until = until
        if not told and not is_newest:
            self.wrong.append(f"an old lease of {leased.delivery_id} counted")

    async def finish(self) -> None:
        """Acknowledge all that is given, and send again all that is dead, until nothing is left."""
        for _ in range(20 * len(self.put) + 20):
            box, ledger = self.boxes[0], self.ledgers[0]
            dead = [each.delivery.id for each in await ledger.dead(100)]
            if not dead and not await ledger.waiting_by_channel():
                break
            await box.resend(dead, ANN)
            await self.clock.sleep(LEASE_SECONDS_MAX)
            first = len(self.leases)
            await self.lease(box, most=10, seconds=30.0)
            for leased in self.leases[first:]:
                await self.end("acknowledge", box, leased)
        for each in self.ledgers:
            await each.close()


@pytest.mark.parametrize("workers", [1, 2])
@settings(max_examples=60, deadline=None)
@given(operations=st.lists(OPERATIONS, min_size=5, max_size=40))
def test_a_mailbox_keeps_order_and_loses_nothing(
    workers: int, operations: Sequence[tuple[str, int, int]]
) -> None:
    async def main(folder: str) -> None:
        play = Play(Path(folder) / "exchange.db", workers)
        await play.begin()
        for each in operations:
            await play.do(*each)
        await play.finish()
        assert play.wrong == []
        ended = [*play.acknowledged, *play.skipped]
        assert sorted(ended) == sorted(play.put), "each has ended, once"
        broken = [check.name for check in verify(play.path).checks if check.broken]
        assert broken == []

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(folder))

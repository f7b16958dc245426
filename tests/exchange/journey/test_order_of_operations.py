"""Ordered deliveries by push while operators resend, skip, pause and resume, and workers restart:
the next one is never out before the one before has ended, nothing that was taken comes again, and
nothing is lost. One worker, and two on the same ledger.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.journey.deliver.lanes import SocketWakes
from exchange.journey.mailbox import Mailboxes
from exchange.ports import Actor, Operator
from exchange.schemas.call import Call, Reply
from exchange.schemas.directory import Partner
from exchange.settings import Settings
from exchange.storage.dead_letters import LedgerDeadLetters
from tests.exchange.journey.two_workers import (
    CLOCK,
    IDS,
    SERIAL,
    Receivers,
    Step,
    Worker,
)
from tests.exchange.journey.way import FIRST, SECOND
from tests.waiting import WAIT_SECONDS

ANN = Actor(Operator("ann", "operator"), "127.0.0.1")
SENDS = st.builds(
    Step,
    st.integers(0, 1),
    st.sampled_from([FIRST, SECOND]),
    st.sampled_from(["a", "b"]),
    st.sampled_from([0, 0, 1, 3]),
    st.sampled_from([0, 0, 1, 2]),
)
OPERATIONS = st.one_of(
    SENDS,
    SENDS,
    st.tuples(st.sampled_from(["resend", "skip"]), st.integers(0, 5)),
    st.tuples(st.sampled_from(["pause", "resume", "restart"]), st.integers(0, 1)),
    st.tuples(st.just("wait"), st.integers(1, 3)),
)


@dataclass
class Watched(Receivers):
    """Receivers that look at each call whether it may be made."""

    #: By receiver and conversation, the messages in the order of their commits.
    order: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    skipped: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    async def send(self, partner: Partner, call: Call, timeout_seconds: float) -> Reply:
        """Look, then take or fail."""
        message = call.headers["X-Message-Id"]
        if message in self.taken:
            self.wrong.append(f"{message} was taken before")
        conversation = self.order[partner.id, self.steps[message].conversation]
        for earlier in conversation[: conversation.index(message)]:
            if earlier not in self.taken and earlier not in self.skipped:
                self.wrong.append(f"{message} was out before {earlier} had ended")
        return await super().send(partner, call, timeout_seconds)


@dataclass
class Play:
    """The workers on one ledger, and what an operator does to it."""

    path: Path
    count: int
    receivers: Watched = field(default_factory=Watched)
    workers: list[Worker] = field(default_factory=list)

    async def begin(self) -> None:
        """Start every worker."""
        self.wakes = SocketWakes(2)
        for number in range(self.count):
            self.workers.append(self.worker(number))
            await self.workers[-1].open()

    def worker(self, number: int) -> Worker:
        """A worker of that number."""
        wakes = self.wakes if self.count > 1 else None
        return Worker(self.path, number, self.receivers, 4096, wakes, self.count)

    @property
    def mailboxes(self) -> Mailboxes:
        """What operators resend and skip by."""
        ledger = self.workers[0].ledger
        return Mailboxes(ledger, LedgerDeadLetters(ledger), CLOCK, IDS[0], Settings().deliveries)

    async def do(self, operation: Step | tuple[str, int]) -> None:
        """One operation."""
        if isinstance(operation, Step):
            await self.send(operation)
            return
        what, number = operation
        if what == "wait":
            await asyncio.sleep(0.02 * number)
        elif what == "restart":
            number %= self.count
            await self.workers[number].close()
            self.workers[number] = self.worker(number)
            await self.workers[number].open()
        elif what in ("pause", "resume"):
            await self.change(what, (FIRST, SECOND)[number])
        elif dead := await self.workers[0].ledger.dead(100):
            letter = dead[number % len(dead)]
            if what == "resend":
                await self.mailboxes.resend([letter.delivery.id], ANN)
            else:
                # Before, since its follower may be out before we are told that it is done.
                self.receivers.skipped.add(letter.message.sender_message_id)
                assert await self.mailboxes.skip([letter.delivery.id], ANN)

    async def send(self, step: Step) -> None:
        """Commit a message by its worker, and offer it."""
        message, worker = f"m-{next(SERIAL)}", self.workers[step.worker % self.count]
        self.receivers.steps[message] = step
        self.receivers.order[step.receiver, step.conversation].append(message)
        await worker.offer(await worker.commit(message, step))

    async def change(self, what: str, receiver: str) -> None:
        """Pause or resume."""
        now, states = CLOCK.now(), self.workers[0].states
        row = ANN.did(now, what, receiver, "done")
        if what == "pause":
            await states.pause(receiver, now, "at work", row)
        else:
            await states.resume(receiver, now, row)

    async def end(self) -> None:
        """Resume everybody and send all that is dead again until nothing is left, or something was
        wrong.
        """
        for receiver in (FIRST, SECOND):
            await self.change("resume", receiver)
        ledger = self.workers[0].ledger
        async with asyncio.timeout(WAIT_SECONDS):
            while not self.receivers.wrong:
                # (In this order: what waited may be dead by the next look.)
                waiting = await ledger.waiting_by_channel()
                dead = [each.delivery.id for each in await ledger.dead(100)]
                if not dead and not waiting:
                    break
                await self.mailboxes.resend(dead, ANN)
                await asyncio.sleep(0.01)
        for each in self.workers:
            await each.close()
        self.wakes.close()


@pytest.mark.parametrize("workers", [1, 2])
@settings(max_examples=15, deadline=None)
@given(operations=st.lists(OPERATIONS, min_size=3, max_size=25))
def test_order_holds_whatever_operators_do(
    workers: int, operations: Sequence[Step | tuple[str, int]]
) -> None:
    async def main(folder: str) -> None:
        play = Play(Path(folder) / "exchange.db", workers)
        await play.begin()
        for each in operations:
            await play.do(each)
        await play.end()
        receivers = play.receivers
        assert receivers.wrong == []
        assert receivers.at_once == []
        assert len(receivers.taken) == len(set(receivers.taken)), (
            "nothing that was taken comes back"
        )
        ended = sorted([*receivers.taken, *receivers.skipped])
        assert ended == sorted(receivers.steps), "nothing is lost"

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(folder))

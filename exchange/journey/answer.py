"""Waiting for an answer in the same call: accept, commit, ask the receiver, settle, answer;
asynchronous answers are messages of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

from exchange.clocks import Deadline
from exchange.journey.accept import Acceptance
from exchange.journey.deliver.attempt import Attempts
from exchange.ports import Channel, Clock, Inbound, Ledger, Outcome

#: How much longer than a call may last it is left to the node that made it, in seconds: nodes'
#: clocks differ, and a ledger may have said no meanwhile.
GRACE_SECONDS = 60.0


class Asking:
    """Both halves in one call, for channels whose endpoints answer synchronously."""

    def __init__(
        self,
        ledger: Ledger,
        acceptance: Acceptance,
        attempts: Attempts,
        clock: Clock,
        longest_seconds: float,
    ) -> None:
        self._ledger = ledger
        self._acceptance = acceptance
        self._attempts = attempts
        self._clock = clock
        self._longest_seconds = longest_seconds

    async def ask(
        self, channel: Channel, inbound: Inbound, deadline_seconds: float
    ) -> tuple[Outcome, bytes | None]:
        """The outcome of the first half, and the first receiver's answer; None when there was none
        in time.

        A duplicate gets the answer that the original got.
        """
        deadline = Deadline(self._clock, min(deadline_seconds, self._longest_seconds))
        outcome, asked = await self._acceptance.accept_for_answer(channel, inbound)
        if outcome.kind == "duplicate":
            return outcome, await self._earlier_answer(outcome.envelope.id)
        answer: bytes | None = None
        for delivery in asked:
            delivered = await self._attempts.ask(delivery, deadline.left_seconds())
            if delivered is not None and answer is None:
                answer = delivered.answer
        return outcome, answer

    async def recover(self, lanes: Sequence[int]) -> int:
        """Settle what a crash left half asked: nobody waits for those answers any more; how many
        there were.
        """
        # Due or not: the clock may have stepped back meanwhile.
        asked = await self._ledger.waiting(lanes, 1 << 62, 100_000, "ask")
        return await self._attempts.abandon([each.id for each in asked])

    async def abandon_old(self) -> int:
        """Settle calls that nobody can wait for any more, whoever took them in: the node may be
        gone for good; how many there were.
        """
        before = self._clock.now() - int((self._longest_seconds + GRACE_SECONDS) * 1000)
        asked = await self._ledger.waiting((), before, 100_000, "ask")
        return await self._attempts.abandon([each.id for each in asked])

    async def _earlier_answer(self, message_id: int) -> bytes | None:
        for row in await self._ledger.deliveries(message_id):
            answer = await self._ledger.answer(row.id)
            if answer is not None:
                return answer[1]
        return None

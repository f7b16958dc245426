"""One attempt to deliver, and its settlement: delivered, to be tried again, or dead; which delivery
comes next is decided elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import structlog

from exchange.clocks import Deadline
from exchange.errors import LedgerClosed, LedgerUnavailable, Unreachable
from exchange.journey.count import ITEMS_TOLD, delivery_counts
from exchange.journey.deliver.circuit_breaker import says_receiver_fails
from exchange.journey.deliver.retry import RetryPolicy
from exchange.journey.deliver.settle import Settling
from exchange.journey.deliver.sign import signed
from exchange.journey.record import envelope_of
from exchange.ports import (
    Attempted,
    Channel,
    Clock,
    Delivered,
    Delivery,
    Ledger,
    RefusedByPartner,
    Settlement,
    Transport,
    TryAgain,
)
from exchange.ports.ledger import EventRow, Pending
from exchange.schemas import guard
from exchange.schemas.call import retry_after_seconds
from exchange.schemas.directory import Directory, Partner
from exchange.schemas.value import value

log = structlog.get_logger(__name__)

#: Longest reason or detail kept with an event, in characters.
DETAIL_CHARACTERS_MAX = 500
#: Refusals by status after which nobody who waits for an answer gets one by asking again.
_REFUSED_BY_STATUS = re.compile(r"http-4(?!08|25|29)..")


@value
class Made:
    """How an attempt was settled: when to try again (milliseconds, 0: it has ended), whether it is
    dead now, whether it was a probe that spent no attempt.
    """

    attempted: Attempted
    again_at: int
    dead: bool
    unspent: bool


class Attempts:
    """Makes attempts for every channel alike. Whatever happens, the outcome is recorded."""

    def __init__(
        self,
        ledger: Ledger,
        channels: Mapping[str, Channel],
        transport: Transport,
        directory: Directory,
        clock: Clock,
        policy: RetryPolicy,
        timeout_seconds: float,
        allow_real_persons: bool = False,
    ) -> None:
        self._directory = directory
        self._ledger = ledger
        self._channels = channels
        self._transport = transport
        self._clock = clock
        self._policy = policy
        self._timeout_seconds = timeout_seconds
        self._allow_real_persons = allow_real_persons
        self._settling = Settling(ledger, clock)

    async def make(
        self,
        delivery: Delivery,
        probe: bool = False,
        answered: Callable[[Attempted], None] = lambda _: None,
    ) -> Made:
        """One attempt, settled. A probe that fails for its receiver's sake spends no attempt.
        `answered` is told how the attempt ended, before that is committed.
        """
        await self._look_up_since(delivery)
        attempted = await self._attempt(delivery, self._timeout_seconds)
        answered(attempted)
        unspent = probe and says_receiver_fails(attempted)
        settlement = self._end(delivery, attempted, again=True, unspent=unspent)
        await self._settling.settle(settlement)
        return Made(attempted, settlement.next_at, settlement.state == "dead", unspent)

    async def is_over(self, delivery: Delivery) -> bool:
        """Whether its deadline has passed."""
        await self._look_up_since(delivery)
        return self._policy.is_over(_since(delivery), self._clock.now())

    async def _look_up_since(self, delivery: Delivery) -> None:
        """Find out whether an old delivery was sent again, which begins its time anew. Before an
        attempt, and for old ones only: all others have time left for another attempt anyway.
        """
        policy, received_at = self._policy, delivery.envelope.received_at
        later = self._clock.now() + int((policy.backoff_seconds_max + self._timeout_seconds) * 1000)
        if delivery.since or not policy.is_over(received_at, later):
            return
        try:
            events = await self._ledger.events(delivery.envelope.id)
        except LedgerUnavailable:
            # It is not given up for that.
            delivery.since = self._clock.now()
            return
        mine = [each for each in events if each.delivery_id == delivery.id]
        resent = [each.at for each in mine if each.kind == "resent"]
        delivery.since = max([received_at, *resent])

    async def expire(self, delivery: Delivery) -> None:
        """Settle as dead, without a call, what waited for its receiver until its deadline."""
        now = self._clock.now()
        settlement = _ended(delivery, "dead", now)
        settlement.reason = "deadline: the receiver was failing or paused"
        _tell(settlement, delivery, ["dead-lettered"], now)
        await self._settling.settle(settlement)

    async def ask(self, delivery: Delivery, deadline_seconds: float) -> Delivered | None:
        """Attempts until the deadline, since somebody waits for the answer; a delivery without one
        is dead afterwards.

        Raises:
            LedgerUnavailable: when the ledger takes no outcome just now; it is settled later.
        """
        deadline = Deadline(self._clock, deadline_seconds)
        wait_seconds = 0.05
        while True:
            if why := self._ledger.refusal:
                # Nobody is called for an outcome that can't be kept.
                self._settle_later(delivery, RefusedByPartner("interrupted"))
                raise LedgerUnavailable(why)
            left_seconds = max(deadline.left_seconds(), 0.001)
            attempted = await self._attempt(delivery, min(left_seconds, self._timeout_seconds))
            again = (
                isinstance(attempted, TryAgain)
                and not _REFUSED_BY_STATUS.fullmatch(attempted.reason)
                and wait_seconds < deadline.left_seconds()
            )
            settlement = self._end(delivery, attempted, again, in_memory=True)
            try:
                await self._ledger.settle(settlement)
            except LedgerClosed:
                raise
            except Exception:  # whatever it is, the delivery must not be made again for it
                delivery.attempts -= 1
                self._settle_later(delivery, attempted)
                raise
            if isinstance(attempted, Delivered):
                return attempted
            if not again:
                return None
            await self._clock.sleep(wait_seconds)
            wait_seconds *= 2

    async def abandon(self, delivery_ids: Sequence[int]) -> int:
        """Settle deliveries as dead whose caller went away with a crash; how many."""
        pending = await self._ledger.pending(delivery_ids)
        for each in pending:
            delivery = delivery_of(each, self._directory)
            settlement = self._end(delivery, RefusedByPartner("interrupted"), again=False)
            await self._ledger.settle(settlement)
        return len(pending)

    async def stop(self) -> None:
        """Let go of outcomes that the ledger has not taken and nobody waits for."""
        await self._settling.stop()

    def _settle_later(self, delivery: Delivery, attempted: Attempted) -> None:
        """Keep the outcome of an attempt whose caller is told that the ledger refused it."""
        self._settling.later(self._end(delivery, attempted, again=False))

    async def _attempt(self, delivery: Delivery, timeout_seconds: float) -> Attempted:
        if self._directory.get(delivery.receiver.id) is None:
            return TryAgain("receiver-unknown", "not in the partner directory")
        try:
            channel = self._channels[delivery.envelope.channel]
            call = signed(channel.request(delivery), delivery, self._clock.now())
            reply = await self._transport.send(delivery.receiver, call, timeout_seconds)
            attempted = self._guarded(delivery, channel.judge(delivery, reply))
            asked_seconds = retry_after_seconds(reply, self._clock.now())
            if isinstance(attempted, TryAgain) and asked_seconds:
                attempted = replace(attempted, retry_after_seconds=asked_seconds)
            return attempted
        except Unreachable as error:
            return TryAgain("unreachable", str(error))
        except (
            Exception
        ) as error:  # a bug in an adapter must not lose the delivery, nor end the dispatcher
            log.exception("adapter failed", channel=delivery.envelope.channel, delivery=delivery.id)
            return TryAgain("internal", type(error).__name__)

    def _guarded(self, delivery: Delivery, attempted: Attempted) -> Attempted:
        """An answer that may name a living person is kept by nobody: whoever waits for it gets none,
        and what else was delivered has none.
        """
        answer = attempted.answer if isinstance(attempted, Delivered) else None
        if answer is None or self._allow_real_persons or not guard.real_person_in(answer):
            return attempted
        log.warning("an answer may name a living person", delivery=delivery.id)
        return RefusedByPartner("real-person") if delivery.mode == "ask" else Delivered()

    def _end(
        self,
        delivery: Delivery,
        attempted: Attempted,
        again: bool,
        in_memory: bool = False,
        unspent: bool = False,
    ) -> Settlement:
        """The end of an attempt with its events and counts, to be committed. One that is `unspent`
        was a probe.

        Once the attempt was made nothing is waited for before the ledger has its end: whoever is
        cancelled then does not undo it.
        """
        now = self._clock.now()
        delivery.attempts += 0 if unspent else 1
        settlement = _ended(delivery, "delivered", now)
        if isinstance(attempted, Delivered):
            kinds = ["delivered"]
            settlement.items_told = delivery.envelope.detail.get(ITEMS_TOLD, {})
            if attempted.answer is not None:
                kinds.append("answered")
                settlement.answer = attempted.answer
                settlement.answer_content_type = attempted.content_type
        else:
            kinds = ["probe-failed" if unspent else "attempt-failed"]
            said = guard.storable(attempted.reason), guard.storable(attempted.detail)
            settlement.reason = ": ".join(filter(None, said))[:DETAIL_CHARACTERS_MAX]
            due = now if in_memory else self._due(delivery, attempted, now, unspent)
            if isinstance(attempted, TryAgain) and again and due is not None:
                settlement.state, settlement.next_at, settlement.ended_at = "waiting", due, 0
            else:
                settlement.state = "dead"
                kinds.append("dead-lettered")
        _tell(settlement, delivery, kinds, now)
        return settlement

    def _due(self, delivery: Delivery, attempted: Attempted, now: int, unspent: bool) -> int | None:
        since = _since(delivery)
        if unspent:
            return None if self._policy.is_over(since, now) else now
        asked_seconds = attempted.retry_after_seconds if isinstance(attempted, TryAgain) else 0.0
        return self._policy.next_at(delivery.id, delivery.attempts, since, now, asked_seconds)


def _since(delivery: Delivery) -> int:
    """When the delivery's time began, as far as it was looked up."""
    return delivery.since or delivery.envelope.received_at


def _ended(delivery: Delivery, state: str, now: int) -> Settlement:
    """A delivery's end in that state, of which nothing is told yet."""
    return Settlement(
        delivery_id=delivery.id,
        message_id=delivery.envelope.id,
        state=state,
        attempts=delivery.attempts,
        next_at=0,
        ended_at=now,
        reason="",
        events=(),
        counts=(),
    )


def _tell(settlement: Settlement, delivery: Delivery, kinds: Sequence[str], now: int) -> None:
    """Give it an event of each kind, with its reason, and what they count."""
    envelope = delivery.envelope
    settlement.events = [
        EventRow(
            message_id=envelope.id,
            delivery_id=delivery.id,
            at=now,
            kind=kind,
            detail=settlement.reason,
        )
        for kind in kinds
    ]
    dimensions = (
        envelope.channel,
        envelope.message_type,
        envelope.sender,
        delivery.receiver.id,
        envelope.endpoint,
    )
    settlement.counts = delivery_counts(
        now, dimensions, delivery.items, envelope.bytes, kinds, envelope.process, envelope.detail
    )


def delivery_of(pending: Pending, directory: Directory) -> Delivery:
    """A delivery as it was before it went to the ledger; a partner that left the directory
    meanwhile is known by its id only.
    """
    row, envelope = pending.delivery, envelope_of(pending.message)
    receiver, sender = (
        directory.get(each) or Partner(each, each, "other-authority")
        for each in (row.receiver, envelope.sender)
    )
    return Delivery(
        id=row.id,
        envelope=envelope,
        sender=sender,
        receiver=receiver,
        body=pending.body,
        items=row.items,
        attempts=row.attempts,
        mode=row.mode,
        ordered=bool(row.ordered),
        lane=row.lane,
    )

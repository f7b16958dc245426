"""Mailboxes and dead letters: deliveries that a partner fetches, and those that an operator sends
again; no HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

import structlog

from exchange.clocks import Deadline, first_id, time_of
from exchange.journey.count import ITEMS_TOLD, delivery_counts
from exchange.journey.mailbox.arrivals import Arrivals
from exchange.journey.record import envelope_of
from exchange.ports import Actor, AuditRow, Clock, Ids, Leased, Ledger, Settlement
from exchange.ports.dead_letters import DeadLetters
from exchange.ports.ledger import EventRow, Hold, Pending, Wanted
from exchange.schemas.envelope import public_id

log = structlog.get_logger(__name__)

#: What the audit log says of a dead letter that was not sent again.
NO_LETTER = "no dead letter has that id"
NOBODY_WAITS = "refused: nobody waits for the answer any more"
NO_BODY = "refused: its body is forgotten (retention.body_seconds)"
#: What a delivery dies of that nobody fetched, or acknowledged, in time.
DEADLINE = "deadline: not acknowledged in time"
#: What one dies of that its receiver refused, before what the receiver says of it.
REFUSED = "refused: "
#: How often it is to be looked whether something is past its deadline, which is one of days.
EXPIRE_EVERY_SECONDS = 60.0
#: Deliveries past their deadline that are settled at once.
OVERDUE_AT_ONCE = 200


class Bounds(Protocol):
    """How much is leased for how long (`settings.Deliveries`)."""

    @property
    def lease_messages_max(self) -> int: ...
    @property
    def lease_bytes_max(self) -> int: ...
    @property
    def lease_seconds_max(self) -> float: ...
    @property
    def deadline_seconds(self) -> float: ...
    @property
    def poll_seconds(self) -> float: ...


class Resent(NamedTuple):
    """Dead letters that were put back, and why each of the others was not."""

    resent: list[int]
    refused: dict[int, str]


class Mailboxes:
    """Lease, acknowledge, refuse, resend: each ends in a settlement, so that it is counted once."""

    def __init__(
        self, ledger: Ledger, dead_letters: DeadLetters, clock: Clock, ids: Ids, bounds: Bounds
    ) -> None:
        self._ledger = ledger
        self._dead_letters = dead_letters
        self._clock = clock
        self._ids = ids
        self._bounds = bounds
        self.arrivals = Arrivals(clock, bounds.poll_seconds)

    async def lease(self, wanted: Wanted, seconds: float, wait_seconds: float = 0) -> list[Leased]:
        """Take deliveries until `seconds` from now (number and time within their limits); when
        there are none, wait for some for so long.

        Whoever is cancelled while it waits has taken nothing.
        """
        deadline = Deadline(self._clock, wait_seconds)
        while True:
            with self.arrivals.listening(wanted.receiver) as arrival:
                taken = await self._take(wanted, seconds)
                left_seconds = deadline.left_seconds()
                if taken or left_seconds <= 0 or self.arrivals.closed:
                    return taken
                await arrival.wait(left_seconds)

    async def _take(self, wanted: Wanted, seconds: float) -> list[Leased]:
        now, lease = self._clock.now(), self._ids.next()
        until = now + int(max(1.0, min(seconds, self._bounds.lease_seconds_max)) * 1000)
        most = max(1, min(wanted.most, self._bounds.lease_messages_max))
        within = replace(wanted, most=most, bytes_max=self._bounds.lease_bytes_max)
        taken = await self._ledger.lease(within, now, until, lease)
        return [
            Leased(
                delivery_id=each.delivery.id,
                envelope=envelope_of(each.message),
                body=each.body,
                lease_until=until,
                attempts=each.delivery.attempts,
                lease=lease,
            )
            for each in taken
        ]

    async def acknowledge(self, channel: str, partner: str, holds: Sequence[Hold]) -> list[str]:
        """End leases as delivered; what became of each (see `Desk.acknowledge`)."""
        return await self._end(channel, partner, holds, "delivered", "")

    async def refuse(
        self, channel: str, partner: str, holds: Sequence[Hold], reason: str
    ) -> list[str]:
        """End leases as dead letters, for the reason that the receiver gives."""
        return await self._end(channel, partner, holds, "dead", REFUSED + reason)

    async def extend(
        self, channel: str, partner: str, holds: Sequence[Hold], seconds: float
    ) -> tuple[list[str], int]:
        """Have leases end `seconds` from now; what became of each, and when they end
        (milliseconds). A lease lasts for no longer than its limit in all.
        """
        until = self._clock.now() + int(seconds * 1000)
        _, told = await self._held(channel, partner, holds)
        longest = int(self._bounds.lease_seconds_max * 1000)
        for index, hold in enumerate(holds):
            if not told[index] and until > time_of(hold.lease) + longest:
                told[index] = "limit"
        mine = [hold for hold, why in zip(holds, told, strict=True) if not why]
        extended = set(await self._ledger.extend(mine, until))
        for index, hold in enumerate(holds):
            if not told[index] and hold.delivery_id not in extended:
                told[index] = "held-by-another"
        return told, until

    async def _end(
        self, channel: str, partner: str, holds: Sequence[Hold], state: str, reason: str
    ) -> list[str]:
        found, told = await self._held(channel, partner, holds)
        kind = "delivered" if state == "delivered" else "dead-lettered"
        ending = {index: hold for index, hold in enumerate(holds) if not told[index]}
        settled = await asyncio.gather(
            *(
                self._settle(
                    found[hold.delivery_id], "waiting", state, kind, reason=reason, lease=hold.lease
                )
                for hold in ending.values()
            )
        )
        for index, done in zip(ending, settled, strict=True):
            if not done:
                told[index] = "held-by-another"
        if any(settled):
            self.arrivals.arrived(partner)
        return told

    async def _held(
        self, channel: str, partner: str, holds: Sequence[Hold]
    ) -> tuple[dict[int, Pending], list[str]]:
        """The deliveries that are held by these leases, by id, and what is wrong with each of the
        others; empty where nothing is.
        """
        ids = list(dict.fromkeys(hold.delivery_id for hold in holds))
        found: dict[int, Pending] = {}
        for state in ("waiting", "delivered", "dead"):
            if missing := [number for number in ids if number not in found]:
                pending = await self._ledger.pending(missing, state, bodies=False)
                found |= {each.delivery.id: each for each in pending}
        mine = {
            number: each
            for number, each in found.items()
            if each.delivery.receiver == partner
            and each.delivery.mode == "mailbox"
            and each.delivery.lease
            and each.message.channel == channel
        }
        told: list[str] = []
        seen: set[int] = set()
        for hold in holds:
            each = mine.get(hold.delivery_id)
            told.append(_wrong_with(hold, each, hold.delivery_id in seen))
            seen.add(hold.delivery_id)
        return mine, told

    async def expire(self) -> int:
        """Settle as dead what lies in mailboxes past its deadline and nobody holds; how many."""
        expired = 0
        while True:
            now = self._clock.now()
            since = now - int(self._bounds.deadline_seconds * 1000)
            ids = await self._ledger.overdue(first_id(since), since, now, OVERDUE_AT_ONCE)
            pending = await self._ledger.pending(ids, bodies=False)
            settled = await asyncio.gather(
                *(
                    self._settle(
                        each,
                        "waiting",
                        "dead",
                        "dead-lettered",
                        reason=DEADLINE,
                        lease=each.delivery.lease,
                    )
                    for each in pending
                )
            )
            expired += sum(settled)
            if len(ids) < OVERDUE_AT_ONCE or not any(settled):
                if expired:
                    log.warning("mailbox deliveries past their deadline", dead=expired)
                return expired

    async def resend(self, delivery_ids: Sequence[int], actor: Actor) -> Resent:
        """Put dead letters back into the queue, with all their attempts and time ahead of them; but
        those whose caller waited for the answer, since nobody would make or hear them any more, and
        those whose body is forgotten.

        The audit log says so of each that was put back, in the same transaction; and of the others
        that nothing was changed.
        """
        dead = await self._ledger.pending(delivery_ids, "dead", bodies=False)
        forgotten = await self._dead_letters.without_body([each.delivery.id for each in dead])
        why = dict.fromkeys(delivery_ids, NO_LETTER)
        why |= {each.delivery.id: NOBODY_WAITS for each in dead if each.delivery.mode == "ask"}
        why |= dict.fromkeys(forgotten, NO_BODY)
        found = [each for each in dead if why[each.delivery.id] == NO_LETTER]
        settled = await asyncio.gather(
            *(
                self._settle(
                    each, "dead", "waiting", "resent", self._resend(actor, each.delivery.id, "done")
                )
                for each in found
            )
        )
        resent = [each.delivery.id for each, done in zip(found, settled, strict=True) if done]
        for receiver in {each.delivery.receiver for each in found}:
            self.arrivals.arrived(receiver)
        for number in resent:
            del why[number]
        if why:
            await self._ledger.audit([self._resend(actor, *each) for each in why.items()])
        return Resent(resent, why)

    async def skip(self, delivery_ids: Sequence[int], actor: Actor) -> list[int]:
        """Give dead letters up for good: what they hold in their conversations goes on. Those that
        were skipped; the audit log says so of each in the same transaction.
        """
        found = await self._ledger.pending(delivery_ids, "dead", bodies=False)
        now = self._clock.now()
        settled = await asyncio.gather(
            *(
                self._settle(
                    each,
                    "dead",
                    "skipped",
                    "skipped",
                    actor.did(now, "skip", public_id(each.delivery.id), "done"),
                    reason=each.delivery.reason,
                )
                for each in found
            )
        )
        for receiver in {each.delivery.receiver for each in found}:
            self.arrivals.arrived(receiver)
        return [each.delivery.id for each, done in zip(found, settled, strict=True) if done]

    def _resend(self, actor: Actor, delivery_id: int, outcome: str) -> AuditRow:
        return actor.did(self._clock.now(), "resend", public_id(delivery_id), outcome)

    async def _settle(
        self,
        each: Pending,
        from_state: str,
        state: str,
        kind: str,
        audit: AuditRow | None = None,
        *,
        reason: str = "",
        lease: int | None = None,
    ) -> bool:
        now = self._clock.now()
        row, message = each.delivery, each.message
        waiting, detail = state == "waiting", envelope_of(message).detail
        dimensions = (
            message.channel,
            message.message_type,
            message.sender,
            row.receiver,
            message.endpoint,
        )
        return await self._ledger.settle(
            Settlement(
                delivery_id=row.id,
                message_id=message.id,
                state=state,
                attempts=0 if waiting else row.attempts,
                next_at=now if waiting else 0,
                ended_at=0 if waiting else now,
                reason=reason,
                events=[
                    EventRow(
                        message_id=message.id, delivery_id=row.id, at=now, kind=kind, detail=reason
                    )
                ],
                counts=delivery_counts(
                    now,
                    dimensions,
                    row.items,
                    message.bytes,
                    [kind],
                    message.process,
                    detail,
                ),
                from_state=from_state,
                audit=audit,
                lease=lease,
                items_told=detail.get(ITEMS_TOLD, {}) if state == "delivered" else {},
            )
        )


def _wrong_with(hold: Hold, each: Pending | None, again: bool) -> str:
    """Why a hold is none; empty when it is one."""
    if each is None:
        return "unknown"
    row = each.delivery
    if row.state != "waiting":
        return row.state
    if row.lease != hold.lease:
        return "held-by-another"
    return "twice" if again else ""

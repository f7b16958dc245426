"""Mailboxes and dead letters: deliveries that a partner fetches, and those that an operator sends
again; no HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from exchange.journey.count import delivery_counts
from exchange.journey.record import envelope_of
from exchange.ports import Actor, AuditRow, Clock, Leased, Ledger, Settlement
from exchange.ports.ledger import EventRow, Pending
from exchange.schemas.envelope import public_id

#: What the audit log says of a dead letter that was not sent again.
NO_LETTER = "no dead letter has that id"
NOBODY_WAITS = "refused: nobody waits for the answer any more"


class Resent(NamedTuple):
    """Dead letters that were put back, and those that are not sent again since their caller, who
    waited for the answer, is gone.
    """

    resent: list[int]
    refused: list[int]


class Mailboxes:
    """Lease, acknowledge, resend: each ends in a settlement, so that it is counted once."""

    def __init__(self, ledger: Ledger, clock: Clock, most: int, seconds_max: float) -> None:
        self._ledger = ledger
        self._clock = clock
        self._most = most
        self._seconds_max = seconds_max

    async def lease(self, channel: str, partner: str, most: int, seconds: float) -> list[Leased]:
        """Take deliveries until `seconds` from now (both within their limits)."""
        now = self._clock.now()
        until = now + int(max(1.0, min(seconds, self._seconds_max)) * 1000)
        taken = await self._ledger.lease(
            channel, partner, max(1, min(most, self._most)), now, until
        )
        return [
            Leased(
                each.delivery.id,
                envelope_of(each.message),
                each.body,
                until,
                each.delivery.attempts,
            )
            for each in taken
        ]

    async def acknowledge(
        self, channel: str, partner: str, delivery_ids: Sequence[int]
    ) -> list[int]:
        """End leases as delivered; those of other partners, other channels or never leased stay as
        they are.
        """
        found = await self._ledger.pending(delivery_ids, bodies=False)
        mine = [
            each
            for each in found
            if each.delivery.receiver == partner
            and each.delivery.mode == "mailbox"
            and each.delivery.attempts
            and each.message.channel == channel
        ]
        settled = await asyncio.gather(
            *(self._settle(each, "waiting", "delivered", "delivered") for each in mine)
        )
        return [each.delivery.id for each, done in zip(mine, settled, strict=True) if done]

    async def resend(self, delivery_ids: Sequence[int], actor: Actor) -> Resent:
        """Put dead letters back into the queue, with all their attempts ahead of them; but those
        whose caller waited for the answer, since nobody would make or hear them any more.

        The audit log says so of each that was put back, in the same transaction; and of the others
        that nothing was changed.
        """
        dead = await self._ledger.pending(delivery_ids, "dead", bodies=False)
        found = [each for each in dead if each.delivery.mode != "ask"]
        refused = [each.delivery.id for each in dead if each.delivery.mode == "ask"]
        settled = await asyncio.gather(
            *(
                self._settle(
                    each, "dead", "waiting", "resent", self._resend(actor, each.delivery.id, "done")
                )
                for each in found
            )
        )
        resent = [each.delivery.id for each, done in zip(found, settled, strict=True) if done]
        if others := [number for number in dict.fromkeys(delivery_ids) if number not in resent]:
            await self._ledger.audit(
                [
                    self._resend(actor, each, NOBODY_WAITS if each in refused else NO_LETTER)
                    for each in others
                ]
            )
        return Resent(resent, refused)

    def _resend(self, actor: Actor, delivery_id: int, outcome: str) -> AuditRow:
        return actor.did(self._clock.now(), "resend", public_id(delivery_id), outcome)

    async def _settle(
        self,
        each: Pending,
        from_state: str,
        state: str,
        kind: str,
        audit: AuditRow | None = None,
    ) -> bool:
        now = self._clock.now()
        row, message = each.delivery, each.message
        waiting = state == "waiting"
        dimensions = (
            message.channel,
            message.message_type,
            message.sender,
            row.receiver,
            message.endpoint,
        )
        return await self._ledger.settle(
            Settlement(
                row.id,
                message.id,
                state,
                0 if waiting else row.attempts,
                now if waiting else 0,
                0 if waiting else now,
                "",
                [EventRow(message.id, row.id, now, kind, "")],
                delivery_counts(
                    now,
                    dimensions,
                    row.items,
                    message.bytes,
                    [kind],
                    message.process,
                    envelope_of(message).detail,
                ),
                from_state=from_state,
                audit=audit,
            )
        )

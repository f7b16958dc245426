"""Calls to partners as they go out: those to who is tried are kept with their answers, and an
answer can be lost on its way back.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from exchange.errors import Unreachable
from exchange.schemas.call import Call, Reply
from exchange.schemas.directory import Partner
from exchange.settings import Settings
from exchange.testing.onboarding.redaction import Shown, shown
from exchange.web.partner_calls import HttpTransport

LOST = "the answer did not come in time"


@dataclass(frozen=True, slots=True)
class Carried:
    """A call and its answer; None: there was none, and `why` says for what reason."""

    call: Call
    reply: Reply | None
    why: str
    shown: Shown

    @property
    def status(self) -> int:
        """The status of the answer; 0: there was none."""
        return self.reply.status if self.reply is not None else 0

    @property
    def told(self) -> str:
        """What came back, in words."""
        return f"the answer was {self.status}" if self.reply is not None else self.why


class Carrier(HttpTransport):
    """The exchange's own calls over HTTP. `seen` has, in order, those to the partners that it has a
    list for; the answers to the next calls to a partner are lost, as many as `losses` says.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.partners.address, settings.deliveries, settings.limits)
        self.seen: dict[str, list[Carried]] = {}
        self.losses: Counter[str] = Counter()

    async def send(self, partner: Partner, call: Call, timeout_seconds: float) -> Reply:
        """As ever.

        Raises:
            Unreachable: as ever, and when the answer was to be lost.
        """
        if partner.id not in self.seen:
            return await super().send(partner, call, timeout_seconds)
        losing = self.losses[partner.id] > 0
        self.losses[partner.id] -= losing
        carried = await self.carry(partner, call, timeout_seconds)
        self.seen[partner.id].append(carried)
        if carried.reply is None or losing:
            raise Unreachable(LOST if losing else carried.why)
        return carried.reply

    async def carry(self, partner: Partner, call: Call, timeout_seconds: float) -> Carried:
        """A call and what came of it; it is not among those that were seen."""
        try:
            reply = await super().send(partner, call, timeout_seconds)
        except Unreachable as error:
            return Carried(call, None, str(error), shown(call, None, str(error), partner.url))
        return Carried(call, reply, "", shown(call, reply, "", partner.url))

"""Takes deliveries in as they came: a replacement or an invalidation after what its sender sent
before, with what the register holds of that to which it refers.

Source: "Tekninen rajapinta - Tietojen toimittaminen tulorekisteriin 2021", chapter 3.3 (vero.fi):
the register processes deliveries in the order in which they have come in whole, and advises to wait
with a replacement or an invalidation for the first delivery's acknowledgement.
"""

from __future__ import annotations

from exchange.adapters.income_register.register.lookup import with_target
from exchange.adapters.income_register.register.originals import with_originals
from exchange.ports import Desk, Inbound, Outcome

_INVALIDATION = b"Invalidation"
_ACTION, _NEW = b"<ActionCode", b"<ActionCode>1</ActionCode>"


def invalidates(body: bytes) -> bool:
    """Whether a body may be an invalidation."""
    return _INVALIDATION in body


def replaces(body: bytes) -> bool:
    """Whether a body may hold replacements: an action that is not plainly written as a new report."""
    return body.count(_ACTION) != body.count(_NEW)


async def take_in(inbound: Inbound, desk: Desk) -> Outcome:
    """Take a delivery in when its turn has come; new reports wait for nobody."""
    invalidation, replacement = invalidates(inbound.body), replaces(inbound.body)
    async with desk.turn(inbound.partner.id, refers=invalidation or replacement):
        if invalidation:
            inbound = await with_target(inbound, desk)
        if replacement:
            inbound = await with_originals(inbound, desk)
        return await desk.accept(inbound)

"""The order in which deliveries are taken in: a replacement or an invalidation after all that its
sender's other deliveries brought before it.

Source: "Tekninen rajapinta - Tietojen toimittaminen tulorekisteriin 2021", chapter 3.3 (vero.fi):
the register processes deliveries in the order in which they have come in whole, and advises to wait
with a replacement or an invalidation for the first delivery's acknowledgement.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

from exchange.ports import Inbound

_INVALIDATION = b"Invalidation"
_ACTION, _NEW = b"<ActionCode", b"<ActionCode>1</ActionCode>"

#: By loop and sender: what has come in and is not taken in yet, the oldest first.
_COMING: WeakKeyDictionary[
    asyncio.AbstractEventLoop, dict[str, dict[asyncio.Future[None], None]]
] = WeakKeyDictionary()


def invalidates(body: bytes) -> bool:
    """Whether a body may be an invalidation."""
    return _INVALIDATION in body


def replaces(body: bytes) -> bool:
    """Whether a body may hold replacements: an action that is not plainly written as a new report."""
    return body.count(_ACTION) != body.count(_NEW)


@asynccontextmanager
async def turn(inbound: Inbound) -> AsyncIterator[None]:
    """Have a delivery taken in inside the block, which is entered as soon as the delivery has come.

    New reports wait for nobody, so a sender's deliveries go on side by side. What may refer to
    earlier reports waits for every delivery of its sender that came before. (To this worker: each
    of several has an order of its own.)
    """
    loop = asyncio.get_running_loop()
    senders = _COMING.setdefault(loop, {})
    coming = senders.setdefault(inbound.partner.id, {})
    before, mine = list(coming), loop.create_future()
    coming[mine] = None
    try:
        if before and (invalidates(inbound.body) or replaces(inbound.body)):
            await asyncio.wait(before)
        yield
    finally:
        mine.set_result(None)
        del coming[mine]
        if not coming:
            senders.pop(inbound.partner.id, None)

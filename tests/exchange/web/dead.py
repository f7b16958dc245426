"""Dead letters made for tests of what operators do with them."""

from __future__ import annotations

from exchange.assembly import Exchange
from tests.contracts.rows import record, settlement
from tests.exchange.journey.way import BODY, FIRST


async def die(exchange: Exchange, name: str, reason: str, receiver: str = FIRST) -> int:
    """Record a message whose delivery died for that reason; the delivery's id."""
    now = exchange.clock.now()
    made = record(name, body=BODY, digest=name.encode(), received_at=now, receiver=receiver)
    # Later than anybody would fetch it before it is dead.
    made.deliveries = [each._replace(next_at=now + 3_600_000) for each in made.deliveries]
    assert (await exchange.ledger.record(made)).kind == "new"
    ended = settlement(made, "dead", ["attempt-failed", "dead-lettered"], now)
    ended.reason = reason
    ended.events = [each._replace(detail=reason) for each in ended.events]
    assert await exchange.ledger.settle(ended)
    return made.deliveries[0].id

"""Ends of deliveries that are committed together: of two of one delivery one counts, and what an
operator did is in the chain beside them.
"""

from __future__ import annotations

import asyncio

from exchange.ports.operators import AuditRow
from exchange.storage.ledger import SqlLedger
from tests.contracts.rows import MINUTE, record, settlement


async def test_of_two_ends_of_a_delivery_at_once_the_first_stands_whole(
    ledger: SqlLedger,
) -> None:
    made = [record(f"twice-{number}") for number in range(3)]
    for each in made:
        await ledger.record(each)
    ends = []
    for each in made:
        for number, reason in enumerate(("no response", "interrupted"), 1):
            end = settlement(each, "dead", ["attempt-failed", "dead-lettered"], number * MINUTE)
            end.reason = reason
            end.events = [event._replace(detail=reason) for event in end.events]
            ends.append(end)
    done = await asyncio.gather(*(ledger.settle(end) for end in ends))
    assert done == [True, False] * 3
    for each in made:
        (delivery,) = await ledger.deliveries(each.message.id)
        assert (delivery.reason, delivery.ended_at) == ("no response", MINUTE)
    assert (await ledger.verify()).clean


async def test_what_an_operator_ended_is_in_the_chain_beside_other_ends(ledger: SqlLedger) -> None:
    made = [record(f"ended-{number}") for number in range(3)]
    await asyncio.gather(*(ledger.record(each) for each in made))
    ends = [settlement(each, "delivered", ["delivered"]) for each in made]
    ends[1].audit = AuditRow(MINUTE, "ada", "operator", "skip", "delivery", "done", "127.0.0.1")
    assert await asyncio.gather(*(ledger.settle(end) for end in ends)) == [True] * 3
    assert [row.what for _, row in await ledger.audited(10)] == ["skip"]
    assert (await ledger.verify()).clean

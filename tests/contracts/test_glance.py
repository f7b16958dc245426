"""What the overview asks the ledger beside its counters, on every database."""

from __future__ import annotations

from exchange.storage.ledger import SqlLedger
from tests.contracts.rows import record, settlement


async def test_what_waits_longest_and_what_was_committed_are_told(ledger: SqlLedger) -> None:
    assert await ledger.oldest_waiting() is None
    begun = ledger.written
    made = [record("old"), record("older", modes=("mailbox",)), record("ended")]
    for each in made:
        await ledger.record(each)
    await ledger.settle(settlement(made[0], "delivered", ["delivered"]))
    oldest = await ledger.oldest_waiting()
    assert oldest is not None
    assert oldest.id == made[1].message.id
    told = ledger.written
    assert (told.commits - begun.commits, told.changes - begun.changes) == (4, 4)
    assert told.seconds > begun.seconds
    assert await ledger.held() == []
    await ledger.begin(86_400_000, [])
    assert await ledger.held() == [(1, 1)]

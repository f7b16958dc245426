"""What is due in which lanes, as an operator is told, on every database."""

from __future__ import annotations

from exchange.ports.operators import AuditRow
from exchange.storage.ledger import SqlLedger
from exchange.storage.nodes.workers import due_by_lane
from exchange.storage.partners.receiver_states import LedgerReceivers
from tests.contracts.rows import MINUTE, record, settlement


async def test_what_waits_for_a_receiver_or_behind_a_dead_letter_is_not_due(
    ledger: SqlLedger,
) -> None:
    now = 10 * MINUTE
    paused = AuditRow(now, "ann", "operator", "pause", "fund.pro", "done", "")
    await LedgerReceivers(ledger).pause("fund.pro", now, "moving", paused)
    dead, behind = [record(name, conversation="x", lane=7) for name in ("dead", "behind")]
    made = [
        record("due", lane=3),
        record("earlier", lane=3, received_at=MINUTE // 2),
        record("later", lane=3, received_at=now + 1),
        record("paused", lane=3, receiver="fund.pro"),
        record("paused in order", lane=3, receiver="fund.pro", conversation="x"),
        record("fetched", lane=3, modes=("mailbox",)),
        record("another", lane=8, conversation="y"),
        dead,
        behind,
    ]
    for each in made:
        await ledger.record(each)
    await ledger.settle(settlement(dead, "dead", ["dead-lettered"]))
    found = await ledger.read(due_by_lane, now)
    assert found == {3: (2, MINUTE // 2), 8: (1, MINUTE)}

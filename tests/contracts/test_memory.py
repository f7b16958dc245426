"""What the ledger remembers for channels, and forgets with their messages."""

from __future__ import annotations

from exchange.ports.ledger import Old, Remember
from exchange.storage.ledger import SqlLedger
from tests.contracts.rows import record, settlement

ALL = Old(1 << 62, 1 << 62)


async def test_what_was_remembered_with_a_message_is_forgotten_with_it(
    ledger: SqlLedger,
) -> None:
    stays, goes = Remember("stays", 1), Remember("goes", 1, with_message=True)
    first = record("first", remember=[stays, goes, Remember("again", 1, with_message=True)])
    second = record("second", remember=[Remember("again", 2, 1, with_message=True)])
    late = record("late", remember=[Remember("late", 1, with_message=True)])
    for each in (first, second, late):
        assert (await ledger.record(each)).kind == "new"
    for each in (first, second):
        await ledger.settle(settlement(each, "delivered", ["delivered"]))
    assert (await ledger.drop(ALL, ALL, 1)).messages == 1
    keys = ["stays", "goes", "again", "late"]
    assert sorted(await ledger.recall("luova", keys)) == ["again", "late", "stays"]
    assert (await ledger.drop(ALL, ALL, 10)).messages == 1
    assert sorted(await ledger.recall("luova", keys)) == ["late", "stays"], "what waits stays"
    assert (await ledger.verify()).clean
    again = record("anew", remember=[goes])
    assert (await ledger.record(again)).kind == "new", "as if it had never been"
    assert (await ledger.verify()).clean

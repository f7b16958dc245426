"""Partners that operators added: the suite of the port `AddedPartners`."""

from __future__ import annotations

from dataclasses import replace

from exchange.ports import Actor, Operator
from exchange.ports.partners import Kept
from exchange.schemas.directory import Partner
from exchange.storage.ledger import SqlLedger
from exchange.storage.partners.added import LedgerAddedPartners
from tests.contracts.conftest import another
from tests.contracts.rows import MINUTE

FUND = Partner("fund.mine", "Mine", "unemployment-fund", business_id="1234567-1")
ROW = Actor(Operator("me", "admin"), "here").did(MINUTE, "partner-add", FUND.id, "added")


async def test_another_node_learns_what_was_kept_and_nothing_twice(ledger: SqlLedger) -> None:
    second = another(ledger, 1)
    await second.open()
    mine, other = LedgerAddedPartners(ledger), LedgerAddedPartners(second)
    assert await mine.keep(Kept(FUND, 1), ROW)
    assert await other.changed({}) == [Kept(FUND, 1)]
    assert await other.changed({FUND.id: 1}) == []
    later = replace(FUND, key_sha256=("ab" * 32,))
    rotated = Kept(later, 2, keyed_at=MINUTE)
    assert await other.keep(rotated, ROW)
    assert await mine.changed({FUND.id: 1}) == [rotated]
    assert await mine.keep(Kept(later, 3, removed=True), ROW)
    assert await other.changed({FUND.id: 2}) == [Kept(later, 3, removed=True)]
    await second.close()
    assert (await ledger.verify()).clean


async def test_who_was_slower_changes_nothing_and_leaves_no_row_of_audit(
    ledger: SqlLedger,
) -> None:
    added = LedgerAddedPartners(ledger)
    assert await added.keep(Kept(FUND, 1), ROW)
    slower = replace(FUND, name="Slower")
    assert not await added.keep(Kept(slower, 1), ROW)
    assert not await added.keep(Kept(slower, 8), ROW)
    assert await added.changed({}) == [Kept(FUND, 1)]
    rows = await ledger.read(lambda found: found.execute("SELECT target FROM audit").fetchall())
    assert [row[0] for row in rows] == [FUND.id]
    assert (await ledger.verify()).clean

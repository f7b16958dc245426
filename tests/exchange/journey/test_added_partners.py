"""Partners that are added to a running exchange: known to every worker, kept by the ledger, told in
the audit log, proved by `verify`.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from exchange.clocks import WallClock
from exchange.errors import PartnerError
from exchange.journey import added_partners
from exchange.journey.added_partners import AddedPartners
from exchange.ports import Actor, Operator
from exchange.schemas.directory import Directory, DirectoryFault, Partner, load
from exchange.storage.partners.added import LedgerAddedPartners
from exchange.storage.proof.verify import verify
from exchange.storage.sqlite import SqliteLedger

ME = Actor(Operator("me", "admin"), "here")
MINE = Partner("fund.mine", "Mine", "unemployment-fund", business_id="1234567-1")


@asynccontextmanager
async def worker(path: Path, node: int = 0) -> AsyncIterator[tuple[AddedPartners, Directory]]:
    """What one worker has: the shipped directory, and who was added."""
    ledger, everybody = SqliteLedger(path, node=node), load()
    await ledger.open()
    added = AddedPartners(LedgerAddedPartners(ledger), everybody, WallClock())
    await added.look()
    try:
        yield added, everybody
    finally:
        await ledger.close()


async def test_every_worker_and_the_next_start_know_an_added_partner(tmp_path: Path) -> None:
    path = tmp_path / "exchange.db"
    async with worker(path) as (one, everybody), worker(path, 1) as (two, others):
        await one.add(MINE, "first", ME)
        assert everybody.by_key("first") == everybody.get("fund.mine")
        assert others.by_key("first") is None
        await two.look()
        assert getattr(others.by_key("first"), "business_id", "") == "1234567-1"
        began = one.keyed_at("fund.mine")
        assert 0 < began == two.keyed_at("fund.mine")
        assert one.keyed_at("fund.pro") == 0, "of the files' keys nobody knows"
        await asyncio.sleep(0.002)
        await two.rotate("fund.mine", "second", ME, at_once=False)
        await one.look()
        assert began < one.keyed_at("fund.mine") == two.keyed_at("fund.mine")
        for key, known in (("first", True), ("second", True), ("third", False)):
            assert (everybody.by_key(key) is not None) == known
        await one.rotate("fund.mine", "third", ME, at_once=True)
        await two.look()
        assert [others.by_key(key) is not None for key in ("first", "second", "third")] == [
            False,
            False,
            True,
        ]
    async with worker(path) as (_, everybody):
        assert everybody.by_key("third") is not None
    assert verify(path).clean
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT what,target FROM audit").fetchall()
        assert rows == [("partner-add", "fund.mine")] + [("partner-rotate", "fund.mine")] * 2
        kept = "".join(map(str, connection.execute("SELECT * FROM memory, audit").fetchall()))
        assert not any(key in kept for key in ("'first'", '"first"', '"third"'))
        history = "SELECT name,sector FROM partner_history WHERE partner='fund.mine'"
        assert connection.execute(history).fetchall() == [("Mine", "unemployment-fund")]


async def test_a_removed_partner_is_known_nowhere_and_its_history_stays(tmp_path: Path) -> None:
    path = tmp_path / "exchange.db"
    async with worker(path) as (one, everybody), worker(path, 1) as (two, others):
        await one.add(MINE, "first", ME)
        await two.look()
        await two.remove("fund.mine", ME)
        await one.look()
        for directory in (everybody, others):
            assert directory.get("fund.mine") is None
            assert directory.by_key("first") is None
        with pytest.raises(PartnerError, match=r"fund\.mine was not added"):
            await one.remove("fund.mine", ME)
        with pytest.raises(PartnerError, match="dvv was not added"):
            await one.remove("dvv", ME)
    async with worker(path) as (again, everybody):
        assert everybody.get("fund.mine") is None
        await again.add(MINE, "second", ME)
        assert (everybody.by_key("first"), everybody.by_key("second")) == (
            None,
            everybody.get("fund.mine"),
        )
    assert verify(path).clean
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT what FROM audit").fetchall()
        assert rows == [("partner-add",), ("partner-remove",), ("partner-add",)]
        history = "SELECT DISTINCT name FROM partner_history WHERE partner='fund.mine'"
        assert connection.execute(history).fetchall() == [("Mine",)]


async def test_a_partner_is_not_added_twice_and_a_files_is_not_given_a_key(tmp_path: Path) -> None:
    async with worker(tmp_path / "exchange.db") as (added, everybody):
        await added.add(MINE, "first", ME)
        twice = Partner("fund.other", "Other", "unemployment-fund", business_id="1234567-1")
        for partner in (MINE, twice, Partner("dvv", "Dvv", "bank")):
            with pytest.raises(DirectoryFault, match="stands twice"):
                await added.add(partner, "other", ME)
        with pytest.raises(PartnerError, match="dvv was not added"):
            await added.rotate("dvv", "other", ME, at_once=False)
        assert everybody.by_key("other") is None


async def test_there_is_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(added_partners, "PARTNERS_MAX", 1)
    async with worker(tmp_path / "exchange.db") as (added, _):
        await added.add(MINE, "first", ME)
        with pytest.raises(PartnerError, match="no more are taken"):
            await added.add(Partner("fund.two", "Two", "unemployment-fund"), "second", ME)


async def test_an_added_partner_that_was_edited_in_the_ledger_is_named(tmp_path: Path) -> None:
    path = tmp_path / "exchange.db"
    async with worker(path) as (added, _):
        await added.add(MINE, "first", ME)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE memory SET value=replace(value,'fund.mine','fund.thine')")
        connection.commit()
    assert not verify(path).clean

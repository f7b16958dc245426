"""The one writer: groups, bad jobs among good ones, another process on the same file; what is
written is the contract suite's.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exchange.errors import LedgerClosed, LedgerError, LedgerUnavailable
from exchange.storage import writer
from exchange.storage.connection import connect
from exchange.storage.proof.heads_file import head_path
from exchange.storage.proof.verify import verify
from exchange.storage.sqlite import SqliteLedger
from tests.contracts.rows import record, settlement

#: Another worker: records as many messages as it is told, with ids of its own.
OTHER = """
import asyncio, itertools, sys
from pathlib import Path
from exchange.storage.sqlite import SqliteLedger
from tests.contracts import rows
rows._ids = itertools.count(1 << 40)
async def main():
    ledger = SqliteLedger(Path(sys.argv[1]))
    await ledger.open()
    print("open", flush=True)
    for number in range(int(sys.argv[2])):
        await ledger.record(rows.record(f"other-{number}"))
    await ledger.close()
asyncio.run(main())
"""


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    """An open, empty ledger."""
    opened = SqliteLedger(tmp_path / "ledger.db")
    await opened.open()
    yield opened
    with contextlib.suppress(LedgerClosed):
        await opened.close()


async def test_a_closed_ledger_has_no_file_open(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "ledger.db")

    def opened() -> set[str]:
        found = (Path(entry.path) for entry in os.scandir("/proc/self/fd"))
        names = {os.readlink(each) for each in found if each.is_symlink()}
        return {name for name in names if name.startswith(str(tmp_path))}

    await ledger.open()
    assert (await ledger.record(record("one"))).kind == "new"
    assert any(name.endswith(head_path(ledger.path).name) for name in opened())
    await ledger.close()
    assert opened() == set()


async def test_two_ledgers_in_one_process_both_make_progress(ledger: SqliteLedger) -> None:
    other = SqliteLedger(ledger.path)
    await other.open()
    made = [record(f"m-{number}") for number in range(200)]
    kinds = await asyncio.gather(
        *((ledger if number % 2 else other).record(each) for number, each in enumerate(made))
    )
    assert [each.kind for each in kinds] == ["new"] * 200
    assert (await other.record(made[1])).kind == "duplicate"
    assert await ledger.settle(settlement(made[0], "delivered", ["delivered"]))
    assert not await other.settle(settlement(made[0], "delivered", ["delivered"])), (
        "only one of them ends it"
    )
    await other.close()
    assert verify(ledger.path).clean


async def test_two_processes_both_make_progress(ledger: SqliteLedger) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OTHER, str(ledger.path), "60", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"open\n"
    for number in range(60):
        assert (await ledger.record(record(f"own-{number}"))).kind == "new"
    assert await process.wait() == 0
    rows = {values[0]: count for values, count, _, _ in await ledger.totals(("kind",))}
    assert rows["accepted"] == 120
    assert verify(ledger.path).clean


async def test_a_lock_that_is_held_too_long_is_an_error_and_then_all_goes_on(
    ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "BUSY_SECONDS", 0.2)
    holder = connect(ledger.path)
    holder.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    made = [record(f"m-{number}") for number in range(3)]
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.005)

    turning = asyncio.create_task(turn())
    results = await asyncio.gather(*(ledger.record(each) for each in made), return_exceptions=True)
    turning.cancel()
    assert [type(each) for each in results] == [LedgerUnavailable] * 3
    assert "ledger.db" in str(results[0])
    assert 0.2 <= time.monotonic() - began < 2
    assert turns > 5, "the loop went on meanwhile"
    waiting = asyncio.ensure_future(ledger.record(made[0]))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    holder.execute("ROLLBACK")
    holder.close()
    assert (await waiting).kind == "new"
    assert verify(ledger.path).clean


async def test_a_bad_job_harms_no_other_of_its_group(ledger: SqliteLedger) -> None:
    def bad(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM counter")
        raise KeyError("changed its mind")

    good = [record(f"m-{number}") for number in range(5)]
    twice = record("twice")
    twice.deliveries = [twice.deliveries[0], twice.deliveries[0]]
    results = await asyncio.gather(
        *(ledger.record(each) for each in good[:3]),
        ledger.change(bad),
        ledger.record(twice),
        ledger.change(lambda connection: connection.execute("SELECT 7").fetchone()[0]),
        ledger.change(lambda connection: connection.execute("INSERT INTO nowhere VALUES (1)")),
        *(ledger.record(each) for each in good[3:]),
        return_exceptions=True,
    )
    assert [getattr(each, "kind", each if each == 7 else type(each)) for each in results] == [
        "new", "new", "new", KeyError, LedgerError, 7, LedgerError, "new", "new",
    ]  # fmt: skip
    assert verify(ledger.path).clean
    assert await ledger.message(twice.message.id) is None


async def test_a_group_is_no_larger_than_it_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    transact = writer.Writer._transact

    def counting(
        self: writer.Writer, connection: sqlite3.Connection, group: list[writer.Job]
    ) -> None:
        sizes.append(len(group))
        transact(self, connection, group)

    ledger = SqliteLedger(tmp_path / "small.db", group_max=7)
    await ledger.open()
    monkeypatch.setattr(writer.Writer, "_transact", counting)
    await asyncio.gather(*(ledger.record(record(f"m-{number}")) for number in range(30)))
    await ledger.close()
    assert sizes == [7, 7, 7, 7, 2]


async def test_closing_commits_what_waits_and_takes_no_more(ledger: SqliteLedger) -> None:
    futures = [asyncio.ensure_future(ledger.record(record(f"m-{number}"))) for number in range(20)]
    await asyncio.sleep(0)
    await ledger.close()
    assert [(await each).kind for each in futures] == ["new"] * 20
    with pytest.raises(LedgerClosed):
        await ledger.record(record("late"))
    with pytest.raises(LedgerClosed):
        await ledger.message(1)


async def test_a_caller_that_went_away_stops_nobody(ledger: SqliteLedger) -> None:
    gone = asyncio.ensure_future(ledger.record(record("gone")))
    await asyncio.sleep(0)
    gone.cancel()
    assert (await ledger.record(record("there"))).kind == "new"
    assert verify(ledger.path).clean

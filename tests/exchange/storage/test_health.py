"""A ledger that says no: full, damaged, deleted, replaced or written over while it is open, on real
files.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from exchange.errors import LedgerClosed, LedgerDamaged, LedgerLost, LedgerUnavailable
from exchange.storage.health import writability as health
from exchange.storage.sqlite import SqliteLedger
from tests.contracts.rows import record


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    """An open ledger with a message in it."""
    opened = SqliteLedger(tmp_path / "ledger.db")
    await opened.open()
    await opened.record(record("first"))
    yield opened
    await opened.close()


def beside(ledger: Path, suffix: str) -> Path:
    return ledger.with_name(ledger.name + suffix)


def another(path: Path) -> Path:
    """Another ledger, closed."""
    made = path.with_name("another.db")

    async def fill() -> None:
        opened = SqliteLedger(made)
        await opened.open()
        await opened.close()

    asyncio.run(fill())
    return made


def replace_by_another(path: Path) -> None:
    os.replace(another(path), path)


def write_another_over(path: Path) -> None:
    """In place, and no shorter than before."""
    content = another(path).read_bytes()
    with path.open("r+b") as file:
        file.write(content)


def write_own_copy_over(path: Path) -> None:
    """In place: the ledger as it was before it grew, with its own number."""
    copy = path.with_name("copy.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))
        connection.execute("CREATE TABLE grown(content)")
        connection.execute("INSERT INTO grown VALUES (zeroblob(100000))")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = copy.read_bytes()
    with path.open("r+b") as file:
        file.write(content)


@pytest.mark.parametrize(
    "harm, said",
    [
        (lambda path: path.unlink(), "ledger.db was deleted"),
        (lambda path: shutil.rmtree(path.parent), "ledger.db was deleted"),
        (lambda path: path.rename(path.with_name("moved.db")), "ledger.db was deleted"),
        (lambda path: beside(path, "-wal").unlink(), "ledger.db-wal was deleted"),
        (lambda path: beside(path, "-shm").unlink(), "ledger.db-shm was deleted"),
        (replace_by_another, "ledger.db was replaced"),
        (lambda path: os.truncate(path, 0), "ledger.db was"),
        (lambda path: path.write_bytes(b"a note\n" * 100_000), "ledger.db was written over"),
        (write_another_over, "ledger.db was written over"),
        (write_own_copy_over, "ledger.db was written over"),
    ],
    ids=[
        "deleted", "folder deleted", "moved away", "log deleted", "index deleted", "replaced",
        "cut short", "no database now", "another's bytes", "an older copy's bytes",
    ],
)  # fmt: skip
async def test_nothing_is_acknowledged_into_files_that_are_gone(
    ledger: SqliteLedger, harm: Callable[[Path], None], said: str
) -> None:
    if harm is write_own_copy_over:
        await asyncio.to_thread(harm, ledger.path)
    else:
        # What reaches the file only with a checkpoint must not be taken for a change.
        with closing(sqlite3.connect(ledger.path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert (await ledger.record(record("before"))).kind == "new"
        await asyncio.to_thread(harm, ledger.path)
    with pytest.raises(LedgerLost, match=said):
        await ledger.record(record("after"))
    assert ledger.lost.is_set()
    with pytest.raises(LedgerLost):
        await ledger.record(record("later"))
    assert said in await ledger.check()


async def test_lost_files_are_found_when_nothing_is_written(ledger: SqliteLedger) -> None:
    assert await ledger.check() == ""
    ledger.path.unlink()
    assert "was deleted" in await ledger.check()
    assert ledger.lost.is_set()


async def test_a_full_ledger_takes_nothing_until_there_is_room(
    ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PROBE_SECONDS", 0.0)

    def pages_max(pages: int) -> Callable[[sqlite3.Connection], object]:
        return lambda connection: connection.execute(f"PRAGMA max_page_count={pages}").fetchone()

    await ledger.change(pages_max(1))
    large = record("large")
    large.body = os.urandom(500_000)
    results = await asyncio.gather(
        ledger.record(large), *(ledger.record(record(f"m-{n}")) for n in range(50)),
        return_exceptions=True,
    )  # fmt: skip
    assert isinstance(results[0], LedgerUnavailable), results[0]
    assert "full" in ledger.refusal
    with pytest.raises(LedgerUnavailable, match="full"):
        await ledger.record(record("next"))
    assert "full" in await ledger.check()
    writer = ledger._writer._connection
    assert writer is not None
    pages_max(1 << 30)(writer)
    assert await ledger.check() == ""
    assert ledger.refusal == ""
    assert (await ledger.record(large)).kind == "new"


async def test_what_is_too_large_for_the_room_left_stops_nobody_else(ledger: SqliteLedger) -> None:
    (pages,) = await ledger.change(lambda each: each.execute("PRAGMA page_count").fetchone())
    await ledger.change(lambda each: each.execute(f"PRAGMA max_page_count={pages + 60}").fetchone())
    large = record("large")
    large.body = os.urandom(500_000)
    first, second = await asyncio.gather(
        ledger.record(large), ledger.record(record("small")), return_exceptions=True
    )
    assert isinstance(first, LedgerUnavailable)
    assert not isinstance(second, BaseException)
    assert second.kind == "new"
    assert ledger.refusal == ""


async def test_a_damaged_ledger_is_written_no_more(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger = SqliteLedger(path)
    await ledger.open()
    made = record("first")
    await ledger.record(made)
    (root,) = await ledger.change(
        lambda each: each.execute("SELECT rootpage FROM sqlite_master WHERE name='message'").fetchone()
    )  # fmt: skip
    await ledger.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 4096)
    await ledger.open()
    with pytest.raises(LedgerDamaged, match="damaged: restore a backup"):
        await ledger.message(made.message.id)
    with pytest.raises(LedgerDamaged):
        await ledger.record(record("second"))
    assert "damaged" in await ledger.check()
    await ledger.close()
    with pytest.raises(LedgerClosed):
        await ledger.message(made.message.id)

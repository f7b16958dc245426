"""Ledgers of older versions are carried over by every migration, provably, and older versions say
what they can't read. `make drills` does it with a million messages.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from exchange.ports.ledger import Old
from exchange.storage.migrate import migrate_sqlite, newest_revision, revision
from exchange.storage.proof.verify import verify
from exchange.storage.sqlite import SqliteLedger
from tests.exchange.storage.chained import MEMORY, ROWS, STORED, broken, write
from tests.exchange.storage.old_ledger import write_old_ledger

TABLES = {
    "message": "id,channel,message_type,sender,sender_message_id,digest,received_at,state,endpoint,"
    "conversation,items,bytes,content_type,detail,process",
    "body": "message_id,codec,content",
    "delivery": "id,message_id,receiver,mode,state,attempts,items,next_at,ended_at,ordered,reason",
    "answer": "delivery_id,codec,content_type,content",
    "event": "id,message_id,delivery_id,at,kind,detail",
    "memory": "channel,key,value,version",
    "counter": "period,channel,message_type,sender,receiver,endpoint,kind,process,count,items,"
    "bytes",
    "day_counter": "period,channel,message_type,sender,receiver,endpoint,kind,process,count,items,"
    "bytes",
}


def _is_by_item(row: tuple[object, ...]) -> bool:
    return any(str(value).startswith(("queued:", "delivered:")) for value in row)


def rows(path: Path) -> dict[str, int]:
    """A checksum of every table's rows as revision 0005 had them."""
    with closing(sqlite3.connect(path)) as connection:
        found = {}
        for table, columns in TABLES.items():
            present = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            named = columns if "endpoint" in present else columns.replace("endpoint", "door")
            held = connection.execute(f"SELECT {named} FROM {table} ORDER BY {named}")
            # Counters by kind of item, parted by a colon, were not there then.
            found[table] = hash(tuple(row for row in held if not _is_by_item(row)))
        return found


@pytest.fixture
def old(tmp_path: Path) -> Path:
    write_old_ledger(tmp_path / "old.db", 3_000)
    assert revision(tmp_path / "old.db") == "0005"
    return tmp_path / "old.db"


async def test_an_old_ledger_is_carried_over_and_goes_on(old: Path) -> None:
    before = rows(old)
    migrate_sqlite(old)
    assert revision(old) == newest_revision()
    assert rows(old) == before
    found = verify(old)
    assert found.clean, [check for check in found.checks if check.broken]
    assert found.channels["luova"]["received"] == 3_000 - 300 + 300
    ledger = SqliteLedger(old)
    await ledger.open()
    await write(ledger, "later")
    assert (
        await ledger.drop(Old(1 << 62, 1 << 62), Old(1_000_000 << 22, 1 << 62), 500)
    ).messages == 500
    assert not broken(old)
    await ledger.close()


def test_what_was_stored_before_the_chain_is_proved_from_the_migration_on(old: Path) -> None:
    migrate_sqlite(old)
    for statement, named in (
        ("UPDATE message SET detail='[]' WHERE sender_message_id='m-77'", ROWS),
        ("UPDATE body SET content=x'00' WHERE message_id=(SELECT MIN(message_id) FROM body)", STORED),
        ("UPDATE answer SET content=x'00' WHERE delivery_id=(SELECT MAX(delivery_id) FROM "
         "answer)", STORED),
        ("UPDATE memory SET version=9 WHERE key='case:8'", MEMORY),
    ):  # fmt: skip
        with closing(sqlite3.connect(old, isolation_level=None)) as connection:
            assert connection.execute(statement).rowcount == 1
        assert named in broken(old), statement


@pytest.mark.parametrize("killed_after", [0.05, 0.4])
def test_a_migration_that_was_killed_is_made_again(old: Path, killed_after: float) -> None:
    before = rows(old)
    command = [sys.executable, "-m", "exchange", "verify", "--ledger", f"sqlite:///{old}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while revision(old) == "0005" and process.poll() is None:
        if killed_after:
            time.sleep(killed_after)
            break
    process.kill()
    process.wait()
    migrate_sqlite(old)
    assert rows(old) == before
    assert not broken(old)


@pytest.mark.parametrize("command", ["verify", "statistics", "serve", "backup"])
def test_a_ledger_of_a_newer_version_is_told_in_one_line(old: Path, command: str) -> None:
    migrate_sqlite(old)
    with closing(sqlite3.connect(old, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num='9999'")
    given = {"serve": ["--port", "0"], "backup": [str(old.with_name("backup.db"))]}
    result = subprocess.run(
        [sys.executable, "-m", "exchange", command, *given.get(command, []), "--ledger", f"sqlite:///{old}"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert result.returncode == 2, result.stderr
    [line] = result.stderr.strip().splitlines()
    assert "9999" in line
    assert newest_revision() in line


@pytest.mark.drill
def test_a_million_messages_are_carried_over(tmp_path: Path) -> None:
    """`MESSAGES=1000000` of them; prints how long it took."""
    messages = int(os.environ.get("MESSAGES", "1000000"))
    write_old_ledger(tmp_path / "old.db", messages)
    begun = time.monotonic()
    migrate_sqlite(tmp_path / "old.db")
    migrated = time.monotonic()
    found = verify(tmp_path / "old.db")
    proved = time.monotonic()
    print(
        f"\n{messages:,} messages of revision 0005 at {newest_revision()} after "
        f"{migrated - begun:.1f} s, verified in {proved - migrated:.1f} s"
    )
    assert found.clean, [check for check in found.checks if check.broken]
    assert sum(sums["received"] for sums in found.channels.values()) == messages + messages // 10

"""What happens to a healthy ledger leaves its proof clean: retention, folding, several writers,
kills, audit rows.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from exchange.ports.ledger import Old, Remember
from exchange.ports.operators import AuditRow
from exchange.storage.copies import copy_ledger, restore_ledger
from exchange.storage.proof.chain import Additions, last_given
from exchange.storage.proof.dropped_events import forgotten
from exchange.storage.proof.heads_file import head_path
from exchange.storage.proof.verify import verify
from exchange.storage.proof.verify_operators import prove_audit
from exchange.storage.retention import drop_messages
from exchange.storage.sqlite import SqliteLedger
from tests.contracts.rows import MINUTE, record, settlement
from tests.exchange.storage.chained import FORGOTTEN, MEMORY, OUTSIDE, ROWS, broken, chained, write

#: A writer that never ends by itself; says how many commits were acknowledged.
ENDLESS = """
import asyncio, itertools, sys
from pathlib import Path
from exchange.ports.ledger import Old, Remember
from exchange.storage.sqlite import SqliteLedger
from tests.contracts import rows
node = int(sys.argv[2])
rows._ids = itertools.count(int(sys.argv[3]))
async def main():
    ledger = SqliteLedger(Path(sys.argv[1]), node=node)
    await ledger.open()
    for number in itertools.count():
        name = f"{sys.argv[3]}-{number}"
        made = [rows.record(f"{name}-{each}", remember=[Remember(f"{name}-{each}", 1)]) for each in range(3)]
        await asyncio.gather(*(ledger.record(each) for each in made))
        await ledger.settle(rows.settlement(made[0], "delivered", ["delivered"]))
        print(3 * (number + 1), flush=True)
        if number % 20 == 19:
            await ledger.drop(Old(made[0].message.id, 1 << 62), Old(made[0].message.id - 300, 1 << 62), 50)
asyncio.run(main())
"""


@pytest.fixture
async def ledger(tmp_path: Path) -> SqliteLedger:
    await chained(tmp_path / "ledger.db")
    opened = SqliteLedger(tmp_path / "ledger.db")
    await opened.open()
    return opened


def links(path: Path) -> list[tuple[int, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(
            "SELECT node,epoch,number,since,events,dropped,COALESCE(length(kept),0) FROM chain "
            "ORDER BY 1,2,3"
        ).fetchall()


async def test_retention_a_little_at_a_time(ledger: SqliteLedger) -> None:
    assert await ledger.drop(Old(1 << 62, 1 << 62), Old(0, 0), 3) == (3, 0)
    assert not broken(ledger.path)
    steps = 0
    while (await ledger.drop(Old(1 << 62, 1 << 62), Old(1 << 62, 1 << 62), 1)).messages:
        assert not broken(ledger.path)
        steps += 1
        if steps == 4:
            await write(ledger, "later")
    assert steps > 5
    await ledger.close()
    left = links(ledger.path)
    assert any(since < number for _, _, number, since, *_ in left), "links became one"


async def test_damage_to_what_retention_left_is_named(ledger: SqliteLedger) -> None:
    made = [record(f"group-{number}") for number in range(6)]
    await asyncio.gather(*(ledger.record(each) for each in made))
    await asyncio.gather(
        *(ledger.settle(settlement(each, "delivered", ["delivered"])) for each in made[::2])
    )
    await write(ledger, "later")
    await ledger.drop(Old(1 << 62, 1 << 62), Old(made[3].message.id, 1 << 62), 1_000)
    await ledger.close()
    assert not broken(ledger.path)
    assert any(kept for *_, kept in links(ledger.path)), "a commit of which something is there"
    healthy = ledger.path.read_bytes()
    for statement, named in (
        ("UPDATE chain SET kept=zeroblob(length(kept)) WHERE kept NOT NULL", ROWS),
        ("UPDATE chain SET kept=NULL WHERE kept NOT NULL", ROWS),
        ("UPDATE chain SET kept=x'00' WHERE kept NOT NULL", ROWS),
        ("UPDATE chain SET dropped=dropped-1 WHERE kept NOT NULL", ROWS),
        ("UPDATE chain SET memory=zeroblob(16)", MEMORY),
        ("DELETE FROM body", "nothing stands without what it belongs to"),
        ("INSERT INTO body(message_id,codec,content) SELECT 1,0,'x'", OUTSIDE),
    ):
        ledger.path.write_bytes(healthy)
        with closing(sqlite3.connect(ledger.path, isolation_level=None)) as connection:
            assert connection.execute(statement).rowcount, statement
        assert named in broken(ledger.path), statement


async def test_what_was_taken_out_as_if_retention_had_dropped_it_is_named(
    ledger: SqliteLedger,
) -> None:
    made = await write(ledger, "first")
    await ledger.drop(Old(1 << 62, 1 << 62), Old(made[2].message.id, 1 << 62), 1_000)
    made = await write(ledger, "later")
    await ledger.close()
    assert not broken(ledger.path)
    healthy = ledger.path.read_bytes()
    with closing(sqlite3.connect(ledger.path)) as connection:
        said = forgotten(connection)
        # All that retention itself does with a settled message, but for saying so.
        message = made[2].message.id
        drop_messages(connection, Old(message + 1, 1 << 62), 1, Additions(last_given(connection)))
        connection.execute("DELETE FROM event WHERE id=(SELECT MAX(id) FROM event)")
        detail = json.dumps(said._asdict())
        connection.execute("UPDATE event SET detail=? WHERE kind='forgotten'", (detail,))
        connection.commit()
    assert broken(ledger.path)
    for statement in (
        "UPDATE chain SET events=events+1,dropped=dropped+1 WHERE since!=number",
        "UPDATE chain SET dropped=events WHERE number=(SELECT MAX(number) FROM chain WHERE "
        "events>0)",
        "UPDATE pruned_counter SET items=items+1",
        "DELETE FROM pruned_counter",
    ):
        ledger.path.write_bytes(healthy)
        with closing(sqlite3.connect(ledger.path, isolation_level=None)) as connection:
            assert connection.execute(statement).rowcount, statement
        assert FORGOTTEN in broken(ledger.path), statement


async def test_everything_dropped_and_begun_again(ledger: SqliteLedger) -> None:
    with closing(sqlite3.connect(ledger.path)) as connection:
        waiting = connection.execute(
            "SELECT id,message_id FROM delivery WHERE state='waiting'"
        ).fetchall()
    for delivery, message in waiting:
        made = record("x")
        made.message = made.message._replace(id=message)
        made.deliveries = [made.deliveries[0]._replace(id=delivery, message_id=message)]
        ended = settlement(made, "dead", ["attempt-failed", "dead-lettered"])
        ended.counts = ()
        await ledger.settle(ended)
    await ledger.drop(Old(1 << 62, 1 << 62), Old(1 << 62, 1 << 62), 1_000)
    assert await ledger.events(waiting[0][1]) == []
    made = await write(ledger, "after")
    proved = {check.name: check for check in verify(ledger.path).checks}
    assert not proved[ROWS].broken
    assert not proved[OUTSIDE].broken, "no event has an id that one had before"
    await ledger.close()


async def test_folding(ledger: SqliteLedger) -> None:
    await ledger.compact(3 * MINUTE, 1)
    await ledger.compact(1 << 31, 1_000)
    await ledger.drop(Old(1 << 62, 1 << 62), Old(1 << 62, 1 << 62), 3)
    assert not broken(ledger.path)
    await ledger.close()


async def test_a_delivery_made_twice_is_told(ledger: SqliteLedger) -> None:
    made = record("twice")
    await ledger.record(made)
    for _ in range(3):
        await ledger.settle(settlement(made, "delivered", ["delivered"]))
    await ledger.close()
    found = verify(ledger.path)
    assert found.clean
    assert found.notes == [f"delivery {made.deliveries[0].id} was made 3 times"]


async def test_a_mailbox_delivery_that_is_acknowledged_twice_was_made_once(
    ledger: SqliteLedger,
) -> None:
    made = record("twice", modes=("mailbox",))
    await ledger.record(made)
    for _ in range(2):
        await ledger.settle(settlement(made, "delivered", ["delivered"]))
    await ledger.close()
    assert verify(ledger.path).notes == []


async def test_memory_that_was_stale_or_changed_often(ledger: SqliteLedger) -> None:
    for version in range(5):
        assert await ledger.note("luova", [Remember("often", {"n": version}, version)])
    assert not await ledger.note("luova", [Remember("often", 1, 2), Remember("new", 1)])
    assert not broken(ledger.path)
    await ledger.close()


async def test_an_audit_row_is_in_the_chain(ledger: SqliteLedger) -> None:
    row = AuditRow(5_000, "operator", "admin", "resend", "message 1", "done", "127.0.0.1")
    await ledger.audit([row, row._replace(what="key added")])
    await ledger.close()
    assert not broken(ledger.path)
    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as connection:
        for statement, said in (
            ("UPDATE audit SET operator='x' WHERE id=1", "was changed"),
            ("UPDATE audit SET id=7 WHERE id=1", "no commit has it"),
            ("DELETE FROM audit WHERE id=2", "is gone"),
        ):
            connection.execute("BEGIN")
            connection.execute(statement)
            assert any(said in each for each in prove_audit(connection).examples)
            connection.execute("ROLLBACK")
        connection.execute("UPDATE event SET at=at+1 WHERE kind='audit'")
    assert ROWS in broken(ledger.path)


async def test_a_copy_that_a_simulation_goes_on_from(ledger: SqliteLedger, tmp_path: Path) -> None:
    copy_ledger(ledger.path, tmp_path / "copy.db")
    await write(ledger, "lost")
    await ledger.close()
    restore_ledger(tmp_path / "copy.db", ledger.path)
    again = SqliteLedger(ledger.path, durable=False)
    await again.open()
    await write(again, "again")
    await again.close()
    assert not broken(ledger.path)


@pytest.mark.parametrize("writers", [1, 2])
async def test_killed_at_any_moment(tmp_path: Path, writers: int) -> None:
    path, chance = tmp_path / "ledger.db", random.Random(writers)
    acknowledged = 0
    for life in range(2):
        processes = [
            await asyncio.create_subprocess_exec(
                sys.executable, "-c", ENDLESS, str(path), str(node), str((1 + life * 2 + node) << 40),
                stdout=asyncio.subprocess.PIPE,
            )
            for node in range(writers)
        ]  # fmt: skip
        for process in processes:
            assert process.stdout is not None
            assert await process.stdout.readline()
        await asyncio.sleep(0.2 + chance.random() / 2)
        if life:
            assert not broken(path), "in use"
        for process in processes:
            process.send_signal(signal.SIGKILL)
        for process in processes:
            assert process.stdout is not None
            lines = (await process.stdout.read()).split()
            acknowledged += int(lines[-1]) if lines else 3
            await process.wait()
        found = verify(path)
        assert found.clean, [check for check in found.checks if check.broken]
        lags = [note for note in found.notes if "lags" in note]
        assert all("lags 1 commit" in note for note in lags), "killed between commit and head"
    assert found.channels["luova"]["accepted"] >= acknowledged


async def test_a_head_that_can_t_be_written_harms_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, write_really, room = tmp_path / "ledger.db", os.write, False

    def full(file: int, content: bytes) -> int:
        if not room and b" " in content and os.readlink(f"/proc/self/fd/{file}").endswith("-head"):
            return write_really(file, content[:7]) if content[:1] != b"\n" else 0
        return write_really(file, content)

    monkeypatch.setattr(os, "write", full)
    ledger = SqliteLedger(path)
    await ledger.open()
    await ledger.record(record("a"))
    room = True
    await ledger.record(record("b"))
    await ledger.close()
    lines = head_path(path).read_bytes().split(b"\n")
    assert [len(line) for line in lines] == [7, 38, 0], "what was cut short, and the next whole"
    found = verify(path)
    assert found.clean
    assert found.notes == ["incomplete lines in the head file: 1"]

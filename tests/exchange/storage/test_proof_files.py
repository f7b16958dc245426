"""What happens to a ledger's files is named by `verify`: pages flipped, the file or its WAL
lost, an older copy in its place, the head file lost, cut or edited; backups and going back
to one.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import sqlite3
import subprocess
import sys
import time
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from exchange.cli import app
from exchange.errors import LedgerError, Owned
from exchange.storage.copies import copy_ledger
from exchange.storage.migrate import migrate_sqlite
from exchange.storage.proof.chain import heads
from exchange.storage.proof.heads_file import BYTES_MAX, HeadFile, head_path, read_heads
from exchange.storage.proof.verify import verify
from exchange.storage.sqlite import SqliteLedger
from tests.contracts.rows import record
from tests.exchange.storage.chained import FILE, HEAD, broken, chained, write
from tests.exchange.storage.test_proof_clean import ENDLESS


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    asyncio.run(chained(tmp_path / "ledger.db"))
    return tmp_path / "ledger.db"


def command(name: str, *given: object) -> Result:
    return CliRunner().invoke(app, [name, *map(str, given)])


def url(path: Path) -> str:
    return f"sqlite:///{path}"


async def more(path: Path, name: str = "more") -> None:
    opened = SqliteLedger(path)
    await opened.open()
    await write(opened, name)
    await opened.close()


@pytest.mark.parametrize("seed", range(8))
def test_a_flipped_page_is_named_or_harmless(ledger: Path, seed: int) -> None:
    """Every page but those of nothing: 512 bytes of one are turned over."""
    content, chance = bytearray(ledger.read_bytes()), random.Random(seed)
    with closing(sqlite3.connect(ledger)) as connection:
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        wanted = list(connection.iterdump())
    page = chance.randrange(1, len(content) // size)
    at = page * size + size - 512
    content[at : at + 512] = bytes(255 - each for each in content[at : at + 512])
    ledger.write_bytes(content)
    try:
        found = broken(ledger)
    except LedgerError:
        return
    if not found:
        with closing(sqlite3.connect(ledger)) as connection:
            assert list(connection.iterdump()) == wanted, "nothing that anybody reads"


def test_a_damaged_page_of_a_table_or_an_index_is_told_in_lines(ledger: Path) -> None:
    with closing(sqlite3.connect(ledger)) as connection:
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        roots = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name IN ('event_message','message')"
        ).fetchall()
    healthy = ledger.read_bytes()
    for (root,) in roots:
        content = bytearray(healthy)
        content[(root - 1) * size : root * size] = bytes(size)
        ledger.write_bytes(content)
        assert FILE in broken(ledger)
        result = command("verify", "--ledger", url(ledger))
        assert (result.exit_code, result.stdout.splitlines()[-1]) == (1, "verify: BROKEN")


def test_pages_that_nothing_leads_to_are_told(ledger: Path) -> None:
    """(All that is read is as it was: only the look through the whole file tells.)"""
    with closing(sqlite3.connect(ledger)) as connection:
        named = "FROM sqlite_master WHERE name='event_message'"
        (made_by,) = connection.execute(f"SELECT sql {named}").fetchone()
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute(f"DELETE {named}")
        connection.commit()
    with closing(sqlite3.connect(ledger)) as connection:
        connection.execute(made_by)
        connection.commit()
    found = broken(ledger)
    assert list(found) == [FILE]
    assert "never used" in found[FILE][0]


def test_an_older_copy_in_its_place(ledger: Path, tmp_path: Path) -> None:
    copy_ledger(ledger, tmp_path / "older.db")
    asyncio.run(more(ledger))
    (tmp_path / "older.db").replace(ledger)
    [said] = broken(ledger)[HEAD]
    assert said.startswith("writer 0/2: is not there, its head says ")
    assert said.endswith("commits are lost")


@pytest.mark.parametrize("served_again", [False, True])
def test_a_new_empty_ledger_in_its_place(ledger: Path, served_again: bool) -> None:
    ledger.unlink()
    if served_again:
        asyncio.run(more(ledger))
    else:
        migrate_sqlite(ledger)
    assert any("commits are lost" in each for each in broken(ledger)[HEAD])


def test_a_file_of_nothing_in_its_place_or_none(ledger: Path) -> None:
    ledger.write_bytes(b"")
    result = command("verify", "--ledger", url(ledger))
    assert isinstance(result.exception, LedgerError)
    assert "holds nothing" in str(result.exception)
    ledger.unlink()
    result = command("verify", "--ledger", url(ledger))
    assert result.exit_code == 2
    assert f"though {head_path(ledger)} tells of one" in result.stderr.replace("\n", "")


@pytest.mark.parametrize("lost", ["ledger.db-wal", "ledger.db"])
async def test_what_was_acknowledged_and_lost_is_told_by_the_head(
    tmp_path: Path, lost: str
) -> None:
    path = tmp_path / "ledger.db"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ENDLESS, str(path), "0", str(1 << 40), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    for _ in range(5):
        assert await process.stdout.readline()
    if lost == "ledger.db":
        path.unlink()
        assert await process.stdout.readline()
    process.kill()
    await process.wait()
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink()
    if lost == "ledger.db":
        await more(path)
    assert any("commits are lost" in each for each in broken(path)[HEAD])


def test_the_head_file(ledger: Path, tmp_path: Path) -> None:
    head = head_path(ledger)
    whole = head.read_bytes()
    lines = whole.splitlines(keepends=True)
    assert not broken(ledger)
    for name, content, said in (
        ("edited digest", whole[:-5] + b"0" * 4 + b"\n", "is not the one that its head says"),
        ("edited number", lines[-1].replace(b"1 1 ", b"1 1 9"), "commits are lost"),
        ("another writer", b"7 7 1 " + b"0" * 32 + b"\n", "writer 7/7: is not there"),
        ("lines swapped", b"".join([lines[2], *lines[:2], *lines[3:]]), "is at commit 1 after 3"),
        ("no head", b"hello\n" + whole, "line 1 is no head"),
        ("a line twice over", lines[0][:-10] + b"0" * 9 + b"\n" + whole, "is at commit 1 after 1"),
    ):
        head.write_bytes(content)
        assert any(said in each for each in broken(ledger)[HEAD]), name
    for content, note in (
        (b"".join(lines[:-3]), "writer 1/1: the head file lags 3 commits behind"),
        (whole[:-20], "incomplete lines in the head file: 1"),
        (b"".join(line for line in lines if line[:1] == b"0"), "says nothing of its"),
        (b"", "writer 0/1: the head file says nothing of its"),
    ):
        head.write_bytes(content)
        found = verify(ledger)
        assert found.clean, "the head may lag"
        assert any(note in each for each in found.notes), found.notes
    head.unlink()
    [said] = broken(ledger)[HEAD]
    assert said.startswith(f"there is no {head}")
    (tmp_path / "copy").write_bytes(whole)
    assert not broken(ledger, tmp_path / "copy")
    result = command("verify", "--ledger", url(ledger), "--head", tmp_path / "nowhere")
    assert isinstance(result.exception, LedgerError)
    result = command("verify", "--ledger", url(ledger), "--head", tmp_path / "copy")
    assert result.exit_code == 0
    assert lines[-1].decode().strip() in result.stdout, "the head is printed"


async def test_a_ledger_that_was_only_opened_has_its_head(tmp_path: Path) -> None:
    opened = SqliteLedger(tmp_path / "ledger.db")
    await opened.open()
    assert (0, 1) in read_heads(head_path(tmp_path / "ledger.db")).newest
    await opened.close()


def test_a_head_file_that_grew_is_written_anew_and_one_that_vanished_again(ledger: Path) -> None:
    with closing(sqlite3.connect(ledger)) as connection:
        links = heads(connection)
    files = [HeadFile(ledger), HeadFile(ledger)]
    for number, file in enumerate(files):
        assert file.append(links[number]._replace(epoch=9))
    line = head_path(ledger).read_bytes().splitlines(keepends=True)[-1]
    with head_path(ledger).open("ab") as grown:
        grown.write(line * (BYTES_MAX // len(line)))
    before = read_heads(head_path(ledger)).newest
    assert files[0].append(links[0]._replace(epoch=9, number=100))
    assert head_path(ledger).stat().st_size < 1_000
    assert files[1].append(links[1]._replace(epoch=9, number=100))
    newest = read_heads(head_path(ledger)).newest
    assert newest.keys() == before.keys()
    assert newest[0, 9][0] == newest[1, 9][0] == 100
    head_path(ledger).unlink()
    assert files[1].append(links[1]._replace(epoch=9, number=101))
    assert list(read_heads(head_path(ledger)).newest) == [(1, 9)]
    for file in files:
        file.close()


async def test_a_backup_while_serving_and_going_back_to_it(tmp_path: Path) -> None:
    path, backup, place = tmp_path / "l.db", tmp_path / "b.db", tmp_path / "new" / "l.db"
    opened = SqliteLedger(path)
    await opened.open()
    await write(opened, "a")

    async def busy() -> None:
        for number in range(10_000):
            await opened.record(record(f"busy-{number}"))

    writing = asyncio.create_task(busy())
    await asyncio.sleep(0.05)
    made = await asyncio.to_thread(command, "backup", backup, "--ledger", url(path))
    assert not writing.done(), "the exchange wrote meanwhile"
    writing.cancel()
    assert made.exit_code == 0, made.output
    await opened.close()
    assert read_heads(head_path(backup)).newest
    again = command("backup", backup, "--ledger", url(path))
    assert "is there already" in str(again.exception)
    assert verify(backup).clean
    assert verify(backup).notes == []
    onto = command("restore", backup, "--ledger", url(path))
    assert "is there already" in str(onto.exception)
    done = command("restore", backup, "--ledger", url(place))
    assert done.exit_code == 0, done.output
    await more(place)
    assert not broken(place)
    assert not broken(place, head_path(backup)), "a ledger is beyond a copy of its older heads"
    assert broken(backup, head_path(place))


def test_a_backup_that_is_broken_or_behind_is_not_put_in_place(
    ledger: Path, tmp_path: Path
) -> None:
    backup = tmp_path / "backup.db"
    assert command("backup", backup, "--ledger", url(ledger)).exit_code == 0
    asyncio.run(more(ledger))
    shutil.copyfile(head_path(ledger), tmp_path / "kept-elsewhere")
    ledger.unlink()
    behind = command("restore", backup, "--ledger", url(ledger))
    assert (behind.exit_code, ledger.exists()) == (1, False)
    assert "commits are lost" in behind.stdout
    elsewhere = ("--ledger", url(tmp_path / "other.db"))
    given = command("restore", backup, *elsewhere, "--head", tmp_path / "kept-elsewhere")
    assert (given.exit_code, (tmp_path / "other.db").exists()) == (1, False)
    head_path(ledger).unlink()
    ledger.with_name("ledger.db-wal").write_bytes(b"of the ledger that was here")
    assert command("restore", backup, "--ledger", url(ledger)).exit_code == 0
    assert ledger.with_name("ledger.db-wal.lost").read_bytes() == b"of the ledger that was here"
    assert not broken(ledger)
    with closing(sqlite3.connect(backup, isolation_level=None)) as connection:
        connection.execute("UPDATE message SET detail='x'")
    assert command("restore", backup, *elsewhere).exit_code == 1
    assert "there is no" in str(command("restore", tmp_path / "none", *elsewhere).exception)
    (tmp_path / "text").write_text("not a database" * 100)
    assert isinstance(command("restore", tmp_path / "text", *elsewhere).exception, LedgerError)
    assert not (tmp_path / "other.db").exists()


def test_a_served_ledger_prints_its_heads_at_the_end_and_nothing_is_put_in_its_place(
    ledger: Path, tmp_path: Path
) -> None:
    backup = tmp_path / "backup.db"
    assert command("backup", backup, "--ledger", url(ledger)).exit_code == 0
    serving = subprocess.Popen(
        [sys.executable, "-m", "exchange", "serve", "--port", "0", "--ledger", url(ledger)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert serving.stdout is not None
    address = serving.stdout.readline().split()[1]
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{address}health/ready", timeout=5).close()
            break
        time.sleep(0.1)
    assert verify(ledger).clean, "in use"
    put = command("restore", backup, "--ledger", url(ledger))
    assert isinstance(put.exception, Owned)
    serving.terminate()
    said, _ = serving.communicate(timeout=60)
    assert serving.returncode == 0
    heads = [line.removeprefix("exchange: head ") for line in said.splitlines() if "head" in line]
    assert [line.split()[:2] for line in heads] == [["0", "2"], ["1", "1"]]
    kept = tmp_path / "kept"
    kept.write_text("".join(f"{line}\n" for line in heads))
    assert not broken(ledger, kept)
    assert HEAD in broken(backup, kept)

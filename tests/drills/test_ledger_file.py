"""The ledger's file is deleted, replaced, cut off from its WAL or damaged, or a server goes back to
an older copy of itself or has damaged files: each is seen, by the service or `exchange verify`, or
does no harm.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from exchange.cli.serving.worker import LOST
from tests.drills.conftest import Record
from tests.drills.drill import ROUNDS, Drill, Row, drilling
from tests.postgresql import BINARIES, LocalServer, local_server, name_of

PAGE_BYTES, SERVER_PAGE_BYTES = 4096, 8192
PAGES = 64
#: The files of a ledger's own tables, indexes and long values, those of a server's catalogue not.
_FILES = (
    "SELECT pg_relation_filepath(oid) FROM pg_class "
    "WHERE relkind IN ('r','i','t') AND oid>=16384 AND pg_relation_size(oid)>0"
)


async def stopped(drill: Drill) -> str:
    """Wait until the service no longer takes messages; how that is seen."""
    async with asyncio.timeout(60):
        while True:
            assert drill.server.process is not None
            if drill.server.process.returncode is not None:
                return f"the service ended with {drill.server.process.returncode}"
            status, _ = await drill.server.ready(drill.client.session)
            if status == 503:
                return "not ready"
            await asyncio.sleep(0.05)


def row(drill: Drill, name: str, seen: str) -> Row:
    """The row of a drill after which nothing can be recounted."""
    acknowledged = len(drill.client.journal.receipts)
    arrivals = drill.arrivals()
    delivered = len({arrival.message_id for arrival in arrivals})
    return Row(
        drill=name,
        acknowledged=acknowledged,
        stored=0,
        delivered=delivered,
        counted=0,
        repeated=len(arrivals) - delivered,
        ready=round(max(drill.ready), 1),
        seen=seen,
    )


@pytest.mark.parametrize("how", ["deleted", "replaced"])
async def test_the_file_goes_while_serving(how: str, tmp_path: Path, record: Record) -> None:
    async with drilling(tmp_path) as drill:
        drill.client.begin()
        await drill.client.until(50)
        ledger = drill.server.ledger
        if how == "replaced":
            other = tmp_path / "other.db"
            other.write_bytes(ledger.read_bytes())
            other.rename(ledger)
        else:
            ledger.unlink()
        seen = await stopped(drill)
        before = len(drill.client.journal.receipts)
        await asyncio.sleep(0.5)
        assert len(drill.client.journal.receipts) == before, "nothing more is acknowledged"
        record(row(drill, f"ledger {how} while serving", seen))


async def harmed(drill: Drill) -> str:
    """`exchange verify` says that something is wrong, or all that was acknowledged is there."""
    code, said = await drill.server.verify()
    assert "Traceback" not in said, said
    if code:
        return "verify: " + next(
            (line.strip() for line in said.splitlines() if "BROKEN" in line or "verify" in line),
            said.strip().splitlines()[0],
        )
    stored = drill.stored()
    receipts = drill.client.journal.receipts
    assert {key: stored.get(key) for key in receipts} == {
        key: sent.receipt for key, sent in receipts.items()
    }, f"verify is clean, but {len(set(receipts) - set(stored))} acknowledged messages are gone"
    assert not drill.altered(), "verify is clean, but acknowledged messages are altered"
    return "harmless"


async def test_the_wal_is_deleted_after_a_kill(tmp_path: Path, record: Record) -> None:
    async with drilling(tmp_path) as drill:
        drill.client.begin()
        await drill.client.until(100)
        await drill.server.signal(signal.SIGKILL)
        wal = drill.server.ledger.with_name("exchange.db-wal")
        assert wal.stat().st_size > 0
        wal.unlink()
        drill.server.ledger.with_name("exchange.db-shm").unlink(missing_ok=True)
        record(row(drill, "WAL deleted after a kill", await harmed(drill)))


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_pages_are_flipped(seed: int, tmp_path: Path, record: Record) -> None:
    chance = random.Random(seed)
    async with drilling(tmp_path) as drill:
        drill.client.begin()
        await drill.client.until(300)
        await drill.client.end()
        await drill.settled()
        await drill.server.signal(signal.SIGTERM)
        pages = drill.server.ledger.stat().st_size // PAGE_BYTES
        flipped = chance.sample(range(pages), min(PAGES, pages - 1))
        for page in flipped:
            flip(drill.server.ledger, page, PAGE_BYTES, chance)
        record(row(drill, f"a bit flipped in {len(flipped)} pages", await harmed(drill)))


def flip(file: Path, page: int, page_bytes: int, chance: random.Random) -> None:
    """Turn one bit of a page around."""
    with file.open("r+b") as opened:
        opened.seek(page * page_bytes + chance.randrange(page_bytes))
        [byte] = opened.read(1)
        opened.seek(-1, 1)
        opened.write(bytes([byte ^ 1 << chance.randrange(8)]))


def flip_files(server: LocalServer, database: str, checksums: bool, chance: random.Random) -> int:
    """Stop a server, turn a bit around in pages of a ledger of its, and start it; in how many.

    Source: PostgreSQL's documentation, 28.2 "Data Checksums".
    """
    files = [server.data / each for each in server.ask(_FILES, database).split()]
    server.stop()
    if not checksums:
        command = [BINARIES / "pg_checksums", "--disable", "--no-sync", "-D", server.data]
        subprocess.run(command, check=True, capture_output=True)
    pages = [
        (file, page) for file in files for page in range(file.stat().st_size // SERVER_PAGE_BYTES)
    ]
    flipped = chance.sample(pages, min(PAGES, len(pages)))
    for file, page in flipped:
        flip(file, page, SERVER_PAGE_BYTES, chance)
    server.start()
    return len(flipped)


@pytest.mark.drill
@pytest.mark.parametrize("checksums", [True, False], ids=["checksums", "none"])
@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_pages_of_a_stopped_server_are_flipped(
    seed: int, checksums: bool, tmp_path: Path, record: Record
) -> None:
    server = await asyncio.to_thread(local_server)
    try:
        where = server.ledger()
        async with drilling(tmp_path, ledger=where) as drill:
            drill.client.begin()
            await drill.client.until(300)
            await drill.client.end()
            await drill.settled()
            await drill.server.signal(signal.SIGTERM)
            pages = await asyncio.to_thread(
                flip_files, server, name_of(where), checksums, random.Random(seed)
            )
            kind = "with checksums" if checksums else "without checksums"
            told = f"PostgreSQL, {kind}: a bit flipped in {pages} pages of a stopped server"
            record(row(drill, told, await harmed(drill)))
    finally:
        await asyncio.to_thread(server.remove)


@pytest.mark.drill
@pytest.mark.parametrize("workers", [1, 2])
async def test_an_older_copy_of_a_server_is_put_back_while_serving(
    workers: int, tmp_path: Path, record: Record
) -> None:
    server = await asyncio.to_thread(local_server)
    try:
        async with drilling(tmp_path, workers=workers, ledger=server.ledger()) as drill:
            drill.client.begin()
            await drill.client.until(50)
            copy = server.data.with_name("copy")

            def keep() -> None:
                server.stop()
                subprocess.run(["cp", "-a", server.data, copy], check=True)
                server.start()

            def put_back() -> None:
                server.stop(at_once=True)
                shutil.rmtree(server.data)
                copy.rename(server.data)
                server.start()

            await asyncio.to_thread(keep)
            await drill.client.until(50)
            await asyncio.to_thread(put_back)
            assert drill.server.process is not None
            async with asyncio.timeout(60):
                code = await drill.server.process.wait()
            assert code == LOST, drill.server.log.read_text(errors="replace")[-2000:]
            assert "is an older state of it" in drill.server.log.read_text(errors="replace")
            told = f"PostgreSQL: an older copy put back while serving, {workers} worker(s)"
            record(row(drill, told, f"the service ended with {code}"))
    finally:
        await asyncio.to_thread(server.remove)

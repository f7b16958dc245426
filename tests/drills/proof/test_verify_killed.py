"""`exchange verify --resume` is killed again and again: it goes on from where it was, and tells
what a run tells that reads all at once.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import closing
from pathlib import Path

import pytest

from exchange.storage.connection import connect
from exchange.storage.postgresql_server.snapshot import session
from exchange.storage.proof.verify import verify
from exchange.storage.snapshot import Where
from tests.drills.conftest import Ledger, Record
from tests.drills.drill import Row, drilling
from tests.drills.server import ROOT, Server

pytestmark = pytest.mark.drill

MESSAGES, EVENTS = 300, 40
#: The command, with smaller pieces.
PROGRAM = (
    f"from exchange.storage.proof import progress; progress.EVENTS = {EVENTS}; "
    "from exchange.cli import main; main()"
)
#: After so many writings of the file it is killed.
WRITINGS = 5
HARM = (
    "UPDATE message SET endpoint='x' WHERE id IN "
    "(SELECT MIN(id) FROM message UNION SELECT MAX(id) FROM message)"
)


async def ends(server: Server, path: Path) -> bool:
    """Run it until it has gone on for a while, and kill it; whether it ended by itself."""
    command = ["verify", "--ledger", server.ledger_url, "--resume", str(path)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, *command, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL
    )
    seen: set[bytes] = set()
    async with asyncio.timeout(60):
        while process.returncode is None and len(seen) < WRITINGS:
            seen.add(read(path))
            await asyncio.sleep(0.001)
    if process.returncode is None:
        process.send_signal(signal.SIGKILL)
    code = await process.wait()
    assert code in (1, -signal.SIGKILL), code
    return code == 1


def read(path: Path) -> bytes:
    """What the file holds; nothing where there is none."""
    return path.read_bytes() if path.exists() else b""


def broken(where: Where, resume: Path | None = None) -> dict[str, tuple[int, list[str]]]:
    """What is broken, how often and with which examples."""
    checks = verify(where, resume=resume).checks
    return {check.name: (check.broken, check.examples) for check in checks if check.broken}


async def test_a_proof_is_killed_and_goes_on(
    tmp_path: Path, ledger: Ledger, record: Record
) -> None:
    async with drilling(tmp_path, ledger=ledger) as drill:
        drill.client.begin()
        await drill.client.until(MESSAGES)
        await drill.client.end()
        counts = await drill.settled()
        await drill.server.signal(signal.SIGTERM)
        where = drill.server.where
        await asyncio.to_thread(harm, where)
        path = tmp_path / "proved"
        kills = 0
        while not await ends(drill.server, path):
            kills += 1
            assert kills < 100
        assert kills > 2, "it was killed in the middle"
        whole = await asyncio.to_thread(broken, where)
        assert "every commit's rows are those that were committed" in whole
        assert await asyncio.to_thread(broken, where, path) == whole
        messages = len(drill.client.journal.receipts)
        row = Row(
            drill=drill.server.named(f"kill -9 of verify, {kills} times"),
            acknowledged=messages,
            stored=len(await asyncio.to_thread(drill.stored)),
            delivered=counts["delivered"],
            counted=counts["accepted"],
            repeated=0,
            ready=0.0,
            seen="the same faults as by one that reads all",
        )
    record(row)


def harm(where: Where) -> None:
    """Edit the first and the last message."""
    if isinstance(where, Path):
        with closing(connect(where)) as file:
            file.execute(HARM)
    else:
        with session(where, "a drill") as there:
            there.execute(HARM)

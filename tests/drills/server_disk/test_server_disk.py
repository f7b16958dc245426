"""The disk of a PostgreSQL server answers EIO while the server runs, to what reads, writes or syncs
its write-ahead log or its tables: calls get 503, nothing acknowledged is lost, and all goes on by
itself once the disk is well.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.drills.conftest import Record
from tests.drills.drill import REPEATED_MAX, Drill, drilling
from tests.drills.server_disk.failing import HERE, FailingServer

#: Which calls on which files fail. A server that can't write its log, or be told that it is on the
#: disk, ends all sessions and recovers.
CASES = [("write", "/pg_wal/"), ("fsync", "/pg_wal/"), ("write", "/base/"), ("read", "/base/")]

pytestmark = pytest.mark.drill


@pytest.fixture
async def server() -> AsyncIterator[FailingServer]:
    """A server that waits for its disk, and has so little memory that it reads and writes pages."""
    folder = Path(tempfile.mkdtemp(prefix="exchange-pg-"))
    made = await asyncio.to_thread(FailingServer, folder, fsync="on", shared_buffers="1MB")
    try:
        await asyncio.to_thread(made.start)
        await asyncio.to_thread(made.make_template)
        yield made
    finally:
        await asyncio.to_thread(made.remove)


async def fail(drill: Drill, server: FailingServer, kind: str, files: str) -> None:
    """Let calls fail until some are refused and the disk has said no, make it well again."""
    refused = drill.client.journal.refused
    await drill.client.until(50)
    before, failed = refused["503"], server.failed[kind]
    server.fail(kind, files)
    async with asyncio.timeout(120):
        while refused["503"] < before + 10 or server.failed[kind] == failed:
            await asyncio.sleep(0.05)
    await asyncio.sleep(1)
    server.heal()
    if not server.runs:
        await asyncio.to_thread(server.start)
    assert refused["500"] + refused["hung"] == 0, refused
    await drill.server.until_ready(drill.client.session, 200)
    await drill.client.until(50)


@pytest.mark.parametrize("cases", [CASES] if HERE else [], ids=lambda _: "")
async def test_the_disk_of_a_server_that_runs_fails(
    cases: list[tuple[str, str]], tmp_path: Path, record: Record, server: FailingServer
) -> None:
    async with drilling(tmp_path, ledger=server.ledger()) as drill:
        drill.client.begin()
        for kind, files in cases:
            await fail(drill, server, kind, files)
        row = await drill.account(
            "EIO under the server: " + ", ".join(f"{kind} {files}" for kind, files in cases),
            f"{drill.client.journal.refused['503']} calls got 503; "
            f"{sum(server.failed.values())} calls of the server failed",
            2 * REPEATED_MAX * len(cases),
        )
    record(row)

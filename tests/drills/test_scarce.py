"""File descriptors and memory run out: the exchange refuses what it has no room for, lives on or
is started again, and loses nothing acknowledged.
"""

from __future__ import annotations

import asyncio
import io
import resource
import signal
from contextlib import suppress
from pathlib import Path

import aiohttp

from tests.drills.client import PATH, SENDER, TYPE, key_of
from tests.drills.conftest import Ledger, Record
from tests.drills.drill import REPEATED_MAX, drilling

DESCRIPTORS = 64
SPARE_BYTES = 128 * 1024 * 1024
BODY_BYTES = 16 * 1024 * 1024


async def test_64_file_descriptors(tmp_path: Path, ledger: Ledger, record: Record) -> None:
    async with drilling(tmp_path, ledger=ledger) as drill:
        _, most = resource.prlimit(drill.server.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(drill.server.pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, most))
        drill.client.begin()
        await drill.client.until(20)
        held = []
        for _ in range(2 * DESCRIPTORS):
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    held.append(await asyncio.open_connection("127.0.0.1", drill.server.port))
        await asyncio.sleep(1)
        assert drill.server.process is not None
        assert drill.server.process.returncode is None
        for _, writer in held:
            writer.close()
        await drill.server.until_ready(drill.client.session, 200)
        await drill.client.until(20)
        assert not drill.client.journal.refused["500"], drill.client.journal.refused
        row = await drill.account(
            f"{DESCRIPTORS} file descriptors", f"{len(held)} connections held", REPEATED_MAX
        )
    record(row)


async def test_memory_is_limited(tmp_path: Path, ledger: Ledger, record: Record) -> None:
    headers = {
        "X-API-Key": key_of(SENDER),
        "X-Message-Type": TYPE,
        "X-Message-Id": "large",
        "Content-Type": "application/json",
    }
    async with drilling(tmp_path, ledger=ledger) as drill:
        drill.client.begin()
        await drill.client.until(20)
        limit = drill.server.mapped_bytes() + SPARE_BYTES
        resource.prlimit(drill.server.pid, resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))

        async def large() -> int:
            with suppress(aiohttp.ClientError, TimeoutError):
                async with drill.client.session.post(
                    drill.server.url + PATH,
                    data=io.BytesIO(b"[" + b" " * BODY_BYTES),
                    headers=headers,
                ) as response:
                    assert response.status != 503 or "Retry-After" in response.headers
                    return response.status
            return 0

        statuses = await asyncio.gather(*(large() for _ in range(24)))
        assert not {200, 202, 500} & set(statuses), statuses
        assert drill.server.process is not None
        ended = drill.server.process.returncode
        if ended is not None:
            await drill.start()
        await drill.server.until_ready(drill.client.session, 200)
        await drill.client.until(20)
        assert not drill.client.journal.refused["500"], drill.client.journal.refused
        seen = "lived on" if ended is None else f"ended with {ended}, started again"
        told = ", ".join(f"{statuses.count(one)} x {one}" for one in sorted(set(statuses)))
        row = await drill.account(
            f"memory limit of {SPARE_BYTES >> 20} MiB more", f"{seen}; {told}", REPEATED_MAX
        )
        assert drill.server.process.returncode in (0, -signal.SIGTERM)
    record(row)

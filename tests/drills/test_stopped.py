"""SIGTERM, again and again, while the disk is full, callers wait and deliveries are out: the
exchange ends in its time, and nothing that was acknowledged is lost.
"""

from __future__ import annotations

import asyncio
import resource
import signal
import time
from pathlib import Path

import pytest

from tests.drills.client import RECEIVERS
from tests.drills.conftest import Record
from tests.drills.drill import REPEATED_MAX, drilling
from tests.drills.server import children, within

pytestmark = [pytest.mark.drill, pytest.mark.by_clock]
#: `server.grace_seconds` for calls, and as much again for deliveries and files.
END_SECONDS = 10.0
SENDERS = 200


@pytest.mark.parametrize("workers", [1, 2])
async def test_serve_is_stopped_over_a_full_disk(
    workers: int, tmp_path: Path, record: Record
) -> None:
    # (What a program buffers of its output, it must get rid of at its end.)
    buffering = {"PYTHONUNBUFFERED": ""}
    async with drilling(tmp_path, workers=workers, senders=SENDERS, environment=buffering) as drill:
        server = drill.server
        drill.client.begin()
        await drill.client.until(2 * SENDERS)
        drill.receiver.badly[RECEIVERS[0]] = "silent"
        await drill.client.until(SENDERS)
        assert drill.receiver.misbehaved["silent"], "deliveries are out"
        processes = [server.pid, *children(server.pid)] if workers > 1 else [server.pid]
        for pid in processes:
            # (No file of theirs grows: a full disk, under the log as well.)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
        await server.until_ready(drill.client.session, 503)
        since = time.monotonic()
        assert server.process is not None
        for _ in range(3):
            server.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.2)
        async with asyncio.timeout(within(END_SECONDS)):
            code = await server.process.wait()
        seconds = time.monotonic() - since
        assert code == 0, server.log.read_text(errors="replace")[-2000:]
        await server.gone(processes)
        assert drill.client.journal.refused["hung"] == 0
        await drill.proved()
        drill.receiver.badly.clear()
        await drill.start()
        await drill.client.until(SENDERS)
        row = await drill.account(
            f"SIGTERM over a full disk, {workers} worker(s)",
            f"ended after {seconds:.1f} s",
            workers * REPEATED_MAX,
        )
    record(row)

"""The disk answers EIO, at a write and at an fsync: calls are refused with 503 and not hung,
readiness says why, and after a restart all that was acknowledged is there.
"""

from __future__ import annotations

import asyncio
import platform
import sys
from pathlib import Path

import pytest

from tests.drills.conftest import Record
from tests.drills.drill import REPEATED_MAX, drilling
from tests.drills.launch import MACHINES

#: Elsewhere there is no filter of system calls; the drill then has no cases.
HERE = sys.platform == "linux" and platform.machine() in MACHINES


@pytest.mark.parametrize("fault", ["write", "fsync"] if HERE else [])
async def test_the_disk_fails(fault: str, tmp_path: Path, record: Record) -> None:
    file = tmp_path / "fault"
    async with drilling(
        tmp_path, module="tests.drills.launch", environment={"DRILL_FAULT": str(file)}
    ) as drill:
        drill.client.begin()
        await drill.client.until(50)
        (tmp_path / "fault.new").write_text(fault)
        (tmp_path / "fault.new").rename(file)
        why = await drill.server.until_ready(drill.client.session, 503)
        assert why.strip()
        before = len(drill.client.journal.receipts)
        arrived = len(drill.arrivals())
        await asyncio.sleep(1)
        refused = drill.client.journal.refused
        assert refused["503"] > 0, refused
        assert refused["500"] + refused["hung"] == 0, refused
        assert len(drill.client.journal.receipts) - before <= 8, "what was in flight"
        # Deliveries stop: what was being made may end, and is not made again and again.
        assert len(drill.arrivals()) - arrived <= REPEATED_MAX
        del drill.server.environment["DRILL_FAULT"]
        await drill.kill()
        row = await drill.account(
            f"EIO at a {fault}", f"{refused['503']} calls got 503", 2 * REPEATED_MAX
        )
    record(row)

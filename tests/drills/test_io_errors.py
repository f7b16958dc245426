"""The disk answers EIO, at a write and at an fsync: calls are refused with 503 and not hung,
readiness says why, and after a restart all that was acknowledged is there.
"""

from __future__ import annotations

import asyncio
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.drills.conftest import Record
from tests.drills.drill import FULL, REPEATED_MAX, Drill, drilling
from tests.drills.launch import MACHINES

#: Each alone at full length, one after another in the short form.
CASES = [["write"], ["fsync"]] if FULL else [["write", "fsync"]]
#: Elsewhere there is no filter of system calls; the drill then has no cases.
HERE = sys.platform == "linux" and platform.machine() in MACHINES


async def fail(drill: Drill, file: Path, fault: str) -> None:
    """Let the disk fail, see that the exchange says so and stops, and start it again."""
    refused = drill.client.journal.refused
    refused_before = refused["503"]
    await drill.client.until(50)
    file.with_suffix(".new").write_text(fault)
    file.with_suffix(".new").rename(file)
    why = await drill.server.until_ready(drill.client.session, 503)
    assert why.strip()
    before = len(drill.client.journal.receipts)
    arrived = len(drill.arrivals())
    await asyncio.sleep(1)
    assert refused["503"] > refused_before, refused
    assert refused["500"] + refused["hung"] == 0, refused
    assert len(drill.client.journal.receipts) - before <= 8, "what was in flight"
    # Deliveries stop: what was being made may end, and is not made again and again.
    assert len(drill.arrivals()) - arrived <= REPEATED_MAX
    await drill.kill()


@pytest.mark.parametrize("faults", CASES if HERE else [], ids=", ".join)
async def test_the_disk_fails(faults: Sequence[str], tmp_path: Path, record: Record) -> None:
    file = tmp_path / "fault"
    async with drilling(
        tmp_path, module="tests.drills.launch", environment={"DRILL_FAULT": str(file)}
    ) as drill:
        drill.client.begin()
        for fault in faults:
            await fail(drill, file, fault)
        row = await drill.account(
            f"EIO: {', '.join(faults)}",
            f"{drill.client.journal.refused['503']} calls got 503",
            2 * REPEATED_MAX * len(faults),
        )
    record(row)

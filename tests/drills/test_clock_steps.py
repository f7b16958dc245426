"""The clock steps while messages are on their way: nothing is lost, no id is given twice, and what
waits for its next attempt does not wait for the clock to come back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.drills.client import RECEIVERS
from tests.drills.conftest import Ledger, Record
from tests.drills.drill import FULL, REPEATED_MAX, Drill, drilling

DAY = 86_400
#: By how much the clock is ahead, in seconds. The last: a restart meets the ids that were given.
STEPS = {"+2 days": 2 * DAY, "-3 days": -3 * DAY, "-400 days": -400 * DAY, "-5 seconds": -5}
#: Each alone at full length, one after another in the short form.
CASES = [[name] for name in STEPS] if FULL else [["+2 days", "-3 days", "-400 days"]]


async def step(drill: Drill, clock: Path, seconds: int) -> None:
    """Let the clock step while deliveries to one of the two receivers are between attempts."""
    await drill.client.until(30)
    drill.receiver.badly[RECEIVERS[1]] = "closing"
    await drill.client.until(30)
    await asyncio.to_thread(clock.write_text, str(seconds))
    await drill.client.until(30)
    drill.receiver.badly.clear()
    await drill.client.until(30)


@pytest.mark.parametrize("steps", CASES, ids=", ".join)
async def test_the_clock_steps(
    steps: Sequence[str], tmp_path: Path, ledger: Ledger, record: Record
) -> None:
    clock = tmp_path / "clock"
    async with drilling(
        tmp_path,
        module="tests.drills.launch",
        environment={"DRILL_CLOCK": str(clock)},
        ledger=ledger,
    ) as drill:
        drill.client.begin()
        for name in steps:
            await step(drill, clock, STEPS[name])
        # Another start under the new time.
        await drill.kill()
        await drill.client.until(30)
        assert not drill.client.journal.refused["hung"]
        assert not drill.client.journal.refused["500"]
        row = await drill.account(f"clock {', '.join(steps)}", "served on", REPEATED_MAX)
    record(row)

"""The clock steps by days while messages are on their way: nothing is lost, no id is given twice,
and what waits for its next attempt does not wait for the clock to come back.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.drills.client import RECEIVERS
from tests.drills.conftest import Record
from tests.drills.drill import REPEATED_MAX, drilling

DAY = 86_400


@pytest.mark.parametrize("days", [2, -3, -400])
async def test_the_clock_steps(days: int, tmp_path: Path, record: Record) -> None:
    clock = tmp_path / "clock"
    async with drilling(
        tmp_path, module="tests.drills.launch", environment={"DRILL_CLOCK": str(clock)}
    ) as drill:
        drill.client.begin()
        await drill.client.until(30)
        # Deliveries to one of the two are between attempts when the clock steps.
        drill.receiver.badly[RECEIVERS[1]] = "closing"
        await drill.client.until(30)
        clock.write_text(str(days * DAY))
        await drill.client.until(30)
        drill.receiver.badly.clear()
        await drill.client.until(30)
        # Another start under the new time.
        await drill.kill()
        await drill.client.until(30)
        assert not drill.client.journal.refused["hung"]
        row = await drill.account(f"clock {days:+} days", "served on", REPEATED_MAX)
    record(row)

"""Snapshots of the counters when the clock steps: none is kept for days."""

from __future__ import annotations

import asyncio
from pathlib import Path

from exchange.web.figures.overview import Snapshots
from tests.exchange.journey.way import Script, way

BEGUN_AT = 1_767_225_600_000


class Clock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.at = BEGUN_AT

    def now(self) -> int:
        return self.at

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def test_a_snapshot_from_before_the_clock_stepped_back_is_taken_anew(tmp_path: Path) -> None:
    clock = Clock()
    async with way(tmp_path, Script(), clock=clock) as running:
        snapshots = Snapshots(running.exchange.ledger, clock, ("luova",))
        assert (await snapshots.current()).channels["luova"]["accepted"] == 0
        await running.send("one")
        await running.settled()
        clock.at -= 86_400_000
        for _ in range(3):
            clock.at += 5000
            told = await snapshots.current()
            assert told.channels["luova"]["accepted"] == 1
            # Nothing was accepted on this side of the step.
            assert told.rates["luova"]["accepted"] == 0

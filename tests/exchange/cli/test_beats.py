"""A worker that shows no sign of life is found, and nothing else is taken for one."""

from __future__ import annotations

import asyncio
import multiprocessing

from exchange.cli.serving.beats import LOOK_SECONDS_MAX, Beats, Silence


class Looking:
    """Two workers, the first of them beating between looks or not, on a clock in the test's hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.beats = Beats(multiprocessing.get_context("spawn"), 2)
        self.silence = Silence(self.beats, 3.0, lambda: self.now)
        for worker in (0, 1):
            self.silence.started(worker)

    def look(self, times: int, *beating: int, seconds: float = LOOK_SECONDS_MAX) -> list[int]:
        """What is found after so many looks."""
        found: list[int] = []
        for _ in range(times):
            for worker in beating:
                self.beats.beat(worker)
            self.now += seconds
            found = self.silence.too_long()
        return found


def test_who_is_silent_for_too_long_is_found() -> None:
    looking = Looking()
    looking.look(1, 0, 1)
    assert looking.look(3, 0) == []
    assert looking.look(1, 0) == [1]
    looking.silence.started(1)
    assert looking.look(9, 0) == [], "it begins anew, and is waited for until it serves"
    assert looking.look(5, 0, 1) == []


def test_what_stopped_the_supervisor_too_is_no_silence_of_workers() -> None:
    looking = Looking()
    looking.look(1, 0, 1)
    assert looking.look(2, seconds=3600.0) == []
    assert looking.look(1, 0, 1) == []


async def test_a_worker_beats_for_as_long_as_its_loop_runs() -> None:
    beats = Beats(multiprocessing.get_context("spawn"), 2)
    beats.begin(1)
    async with asyncio.timeout(30):
        while beats.count(1) < 3:
            await asyncio.sleep(0.05)
    assert beats.count(0) == 0

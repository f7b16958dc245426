"""A worker that shows no sign of life is found, and nothing else is taken for one."""

from __future__ import annotations

import asyncio
import multiprocessing
import time

from exchange.cli.serving.heartbeats import LOOK_SECONDS_MAX, START_SECONDS, Heartbeats, Silence


class Looking:
    """Two workers, the first of them beating between looks or not, on a clock in the test's hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.beats = Heartbeats(multiprocessing.get_context("spawn"), 2)
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
    assert looking.look(int(START_SECONDS) + 3, 0) == [], "it has longer for its first beat"
    assert looking.look(1, 0) == [1]


def test_what_stopped_the_supervisor_too_is_no_silence_of_workers() -> None:
    looking = Looking()
    looking.look(1, 0, 1)
    assert looking.look(2, seconds=3600.0) == []
    assert looking.look(1, 0, 1) == []


async def test_a_worker_beats_while_it_opens_and_for_as_long_as_its_loop_runs() -> None:
    beats = Heartbeats(multiprocessing.get_context("spawn"), 2)
    beats.begin(1)
    while beats.count(1) < 2:
        time.sleep(0.05)  # noqa: ASYNC251  # The loop does not run.
    beats.go_on(1)
    count = beats.count(1)
    async with asyncio.timeout(30):
        while beats.count(1) < count + 2:
            await asyncio.sleep(0.05)
    assert beats.count(0) == 0

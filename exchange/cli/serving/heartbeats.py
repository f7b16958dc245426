"""Heartbeats of workers: each shows its supervisor that its loop runs, and one that has been silent
for too long is found; `supervise` decides what becomes of it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from multiprocessing.context import BaseContext

#: How often a worker beats, in seconds.
BEAT_SECONDS = 0.5
#: Of the time between two looks no more is held against a worker: whatever stopped the supervisor
#: as well (a machine that slept, a signal to all) is no fault of its workers.
LOOK_SECONDS_MAX = 1.0
#: So much longer a worker has for its first beat: a process begins by reading all its modules.
START_SECONDS = 30.0


class Heartbeats:
    """How often each worker has beaten, in memory that the supervisor makes and hands to every
    process that it starts.
    """

    def __init__(self, context: BaseContext, workers: int) -> None:
        self._counts = context.RawArray("Q", workers)
        self._opened: threading.Event | None = None

    def begin(self, worker: int) -> None:
        """Beat as this worker from a thread, until its loop does: opening a ledger takes as long as
        it takes.
        """
        opened = self._opened = threading.Event()

        def run() -> None:
            while not opened.is_set():
                self.beat(worker)
                opened.wait(BEAT_SECONDS)

        threading.Thread(target=run, name="beats", daemon=True).start()

    def go_on(self, worker: int) -> None:
        """Beat for as long as the running loop runs."""
        if self._opened is not None:
            self._opened.set()
        self.beat(worker)
        asyncio.get_running_loop().call_later(BEAT_SECONDS, self.go_on, worker)

    def beat(self, worker: int) -> None:
        """Beat once."""
        self._counts[worker] += 1

    def count(self, worker: int) -> int:
        """How often a worker has beaten."""
        return int(self._counts[worker])


class Silence:
    """How long each worker has not beaten."""

    def __init__(
        self, beats: Heartbeats, seconds_max: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._beats = beats
        self._seconds_max = seconds_max
        self._now = now
        self._looked_at = now()
        #: By worker, the beats seen of it, and for how long there was none.
        self._seen: dict[int, int] = {}
        self._silent: dict[int, float] = {}

    def started(self, worker: int) -> None:
        """A worker begins anew."""
        self._seen[worker] = self._beats.count(worker)
        self._silent[worker] = -START_SECONDS

    def too_long(self) -> list[int]:
        """The workers that have been silent for too long, by a look at each."""
        now = self._now()
        passed, self._looked_at = min(now - self._looked_at, LOOK_SECONDS_MAX), now
        for worker, seen in self._seen.items():
            count = self._beats.count(worker)
            if count != seen:
                self._seen[worker], self._silent[worker] = count, 0.0
            else:
                self._silent[worker] += passed
        return [worker for worker, silent in self._silent.items() if silent > self._seconds_max]

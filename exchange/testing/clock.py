"""The wall's time, and as much more as a test says: days pass when it wants."""

from __future__ import annotations

import asyncio
import datetime
import threading
import time


class HandClock:
    """A clock that `advance` puts forward; whoever sleeps wakes when its time has come. `advance`
    is called from any thread.
    """

    def __init__(self) -> None:
        self._ahead = 0
        self._sleeping: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}
        self._lock = threading.Lock()

    def now(self) -> int:
        """Milliseconds since 1970 UTC."""
        return time.time_ns() // 1_000_000 + self._ahead

    def seconds(self) -> float:
        """Seconds since 1970 UTC."""
        return self.now() / 1000

    def advance(
        self, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
    ) -> None:
        """Put the time forward.

        Raises:
            ValueError: when it would go back.
        """
        by = datetime.timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        if by < datetime.timedelta(0):
            raise ValueError("time passes forwards")
        with self._lock:
            self._ahead += int(by.total_seconds() * 1000)
            sleeping = list(self._sleeping.items())
        for event, loop in sleeping:
            loop.call_soon_threadsafe(event.set)

    async def sleep(self, seconds: float) -> None:
        """Wait for that many seconds of this clock."""
        until, event = self.now() + seconds * 1000, asyncio.Event()
        with self._lock:
            self._sleeping[event] = asyncio.get_running_loop()
        try:
            while (left := until - self.now()) > 0:
                event.clear()
                try:
                    await asyncio.wait_for(event.wait(), left / 1000)
                except TimeoutError:
                    continue
        finally:
            with self._lock:
                del self._sleeping[event]

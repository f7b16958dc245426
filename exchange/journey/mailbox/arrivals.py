"""Waiting for what may arrive in a mailbox: woken where this worker commits it; what other workers
commit, and leases that end, are found by looking again at a bounded pace.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from exchange.ports import Clock


class Arrival:
    """One who waits for a receiver's mailbox."""

    def __init__(self, clock: Clock, look_seconds: float) -> None:
        self._clock = clock
        self._look_seconds = look_seconds
        self.came = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Return when something may have come, or when it is time to look again: after `seconds`
        at the latest.
        """
        woken = asyncio.ensure_future(self.came.wait())
        look = asyncio.ensure_future(self._clock.sleep(min(seconds, self._look_seconds)))
        try:
            await asyncio.wait((woken, look), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (woken, look):
                task.cancel()
            await asyncio.gather(woken, look, return_exceptions=True)


class Arrivals:
    """Who waits for which receiver's mailbox in this worker."""

    def __init__(self, clock: Clock, look_seconds: float) -> None:
        self._clock = clock
        self._look_seconds = look_seconds
        self._waiting: dict[str, set[Arrival]] = {}
        #: Nobody waits any more.
        self.closed = False

    @contextmanager
    def listening(self, receiver: str) -> Iterator[Arrival]:
        """Hear of what arrives from now on, so that nothing is missed that is committed between a
        look into the mailbox and the wait.
        """
        arrival = Arrival(self._clock, self._look_seconds)
        waiting = self._waiting.setdefault(receiver, set())
        waiting.add(arrival)
        try:
            yield arrival
        finally:
            waiting.discard(arrival)
            if not waiting and self._waiting.get(receiver) is waiting:
                del self._waiting[receiver]

    def arrived(self, receiver: str) -> None:
        """Wake who waits: something was committed for the receiver, or is free again."""
        for arrival in self._waiting.get(receiver, ()):
            arrival.came.set()

    def close(self) -> None:
        """End every wait: each has what there is."""
        self.closed = True
        for receiver in self._waiting:
            self.arrived(receiver)

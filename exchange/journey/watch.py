"""Runs the watches of channels, what these do without being called, on the clock of the exchange."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial

from exchange.journey.repeat import Repeated
from exchange.ports import Channel, Clock, Desk, Watch


class Watching:
    """Runs every watch of every channel, each by itself: one that fails is told of and tried again,
    and stops no other.
    """

    def __init__(self, watches: Iterable[tuple[Channel, Watch, Desk]], clock: Clock) -> None:
        self._watches = list(watches)
        self._repeated = [
            Repeated(
                name=f"watch-{channel.name}-{watch.name}",
                call=partial(watch.run, desk),
                pause_seconds=watch.every_seconds,
                sleep=clock.sleep,
            )
            for channel, watch, desk in self._watches
        ]

    def start(self) -> None:
        """Begin."""
        for each in self._repeated:
            each.start()

    async def stop(self) -> None:
        """End; every watch must bear being ended at any `await`."""
        await asyncio.gather(*(each.stop() for each in self._repeated))

    async def once(self) -> None:
        """Run each watch once, in order: for a simulated time, and for tests."""
        for _, watch, desk in self._watches:
            await watch.run(desk)

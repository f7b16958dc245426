"""Runs the watches of channels, what these do without being called, one after the other on the clock
of the exchange.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import structlog

from exchange.errors import Full, LedgerClosed, LedgerUnavailable
from exchange.ports import Channel, Clock, Desk, Watch

log = structlog.get_logger(__name__)


class Watching:
    """Runs every watch of every channel, each by itself: one that fails is told of and tried again,
    and stops no other.
    """

    def __init__(self, watches: Iterable[tuple[Channel, Watch, Desk]], clock: Clock) -> None:
        self._watches = list(watches)
        self._clock = clock
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin."""
        for channel, watch, desk in self._watches:
            name = f"watch-{channel.name}-{watch.name}"
            self._tasks.append(asyncio.create_task(self._run(name, watch, desk), name=name))

    async def stop(self) -> None:
        """End; what a watch was doing is left as a crash would leave it, which every watch must
        bear.
        """
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def once(self) -> None:
        """Run each watch once, in order: for a simulated time, and for tests."""
        for _, watch, desk in self._watches:
            await watch.run(desk)

    async def _run(self, name: str, watch: Watch, desk: Desk) -> None:
        while True:
            try:
                await watch.run(desk)
            except LedgerClosed:
                return
            except LedgerUnavailable as error:
                log.warning("watch waits for the ledger", watch=name, why=str(error))
            except Full as error:
                log.warning("watch waits for a receiver", watch=name, why=str(error))
            except (
                Exception
            ):  # a file that can't be read, a bug in an adapter: the next round may go well
                log.exception("watch failed", watch=name)
            await self._clock.sleep(watch.every_seconds)

"""Deadlines over time: what nobody acknowledged in a mailbox, and what a node that is gone was asking,
goes to the dead letters.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from exchange.errors import LedgerUnavailable
from exchange.ports import Clock

log = structlog.get_logger(__name__)

#: How often it is looked whether something is past its deadline, in seconds: the deadline is one
#: of days.
EVERY_SECONDS = 60.0


class Expiring:
    """Settles what nobody ends in time; each of `ends` settles one kind and says how many."""

    def __init__(self, ends: Sequence[Callable[[], Awaitable[int]]], clock: Clock) -> None:
        self._ends = ends
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="expiring")

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        while True:
            try:
                for end in self._ends:
                    if expired := await end():
                        log.warning("deliveries past their deadline", dead=expired)
            except LedgerUnavailable as error:
                log.warning("deadlines not looked at", why=str(error))
            except Exception:  # what could not be settled now is settled the next time
                log.exception("deadlines not looked at")
            await self._clock.sleep(EVERY_SECONDS)

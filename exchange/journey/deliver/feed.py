"""Fetches unordered deliveries from the ledger for the dispatcher's memory: retries that have come
due, leftovers of a crash, what did not fit, what another node took in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from exchange.errors import LedgerClosed, LedgerUnavailable
from exchange.journey.deliver.fetching import Fetching
from exchange.journey.deliver.queues import Held

log = structlog.get_logger(__name__)

#: How often at least a ledger that said no is asked whether it can be written again.
REFUSED_SECONDS = 0.5


class Feed:
    """Asks the ledger at each poll, and sooner when it is told to look."""

    def __init__(
        self, fetching: Fetching, held: Held, attend: Callable[[], Awaitable[None]]
    ) -> None:
        self._ledger = fetching.ledger
        self._clock = fetching.clock
        self._memory = fetching.memory
        self._delivery_of = fetching.delivery_of
        self._lanes = fetching.lanes
        self._bounds = fetching.bounds
        self._held = held
        self._attend = attend
        self._task: asyncio.Task[None] | None = None
        self._hungry = asyncio.Event()
        #: Whether the ledger may hold unordered deliveries of ours that are not in memory.
        self.behind = True
        #: When it was looked last; the end of time, so that the first look is one after a step.
        self._looked_at = 1 << 62

    def start(self) -> None:
        """Begin to fetch."""
        self._task = asyncio.create_task(self._run(), name="dispatcher-feed")

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def look(self) -> None:
        """Ask the ledger now."""
        self._hungry.set()

    async def _run(self) -> None:
        while True:
            fetched = 0
            try:
                if self._ledger.refusal and await self._ledger.check():
                    await self._clock.sleep(min(self._bounds.poll_seconds, REFUSED_SECONDS))
                    continue
                await self._attend()
                # (What it is told from here on is looked for after this fetch.)
                self._hungry.clear()
                fetched = await self._fetch()
            except LedgerClosed:
                return
            except LedgerUnavailable as error:
                log.warning("deliveries not fetched", why=str(error))
            except (
                Exception
            ):  # whatever ails the ledger, what waits there must be taken up again once it is well
                log.exception("deliveries not fetched")
            if fetched and self.behind and len(self._held) < self._bounds.ready_max // 2:
                await asyncio.sleep(0)
                continue
            await self._wait()

    async def _follow_clock(self) -> None:
        """Let nothing wait for a time that lies further ahead than any backoff, or lease: the
        clock has stepped back, here or while nobody ran.
        """
        now, bounds = self._clock.now(), self._bounds
        if now < self._looked_at:
            furthest, leased_until = (
                now + int(seconds * 1000)
                for seconds in (bounds.backoff_seconds_max, bounds.lease_seconds_max)
            )
            await self._ledger.hasten(now, furthest, leased_until)
        self._looked_at = now

    async def _fetch(self) -> int:
        """Offer what is due, as far as there is room, but to receivers that hold their share
        already; how many were taken.
        """
        await self._follow_clock()
        lanes = self._lanes.takers()
        room = self._bounds.ready_max - len(self._held)
        if room <= self._bounds.ready_max // 64 or not lanes:
            return 0
        full = self._held.full(room)
        # (What is committed from here on, and found no room, is not among what is due.)
        self.behind = False
        most = self._bounds.ready_max + room
        due = await self._ledger.waiting(lanes, self._clock.now(), most, without=full)
        wanted = [each for each in due if each.id not in self._held]
        fitting = self._held.fitting(wanted)
        self.behind |= len(wanted) > len(fitting) or len(due) == most or bool(full)
        fetched = 0
        for start in range(0, len(fitting), 100):
            for pending in await self._ledger.pending(fitting[start : start + 100]):
                if self._memory.take(self._delivery_of(pending)):
                    fetched += 1
                else:
                    self.behind = True
        return fetched

    async def _wait(self) -> None:
        """Sleep until the next poll, or until it is told to look."""
        sleep = asyncio.ensure_future(self._clock.sleep(self._bounds.poll_seconds))
        hungry = asyncio.ensure_future(self._hungry.wait())
        try:
            await asyncio.wait({sleep, hungry}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            hungry.cancel()

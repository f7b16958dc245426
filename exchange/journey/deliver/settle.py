"""Settling what was attempted: an outcome that the ledger refuses is kept and settled again, so
that the delivery is not made again for it.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import structlog

from exchange.errors import LedgerClosed, LedgerUnavailable
from exchange.ports import Clock, Ledger, Settlement

log = structlog.get_logger(__name__)

#: The wait before a settlement is tried again: doubles from the first to the longest, so that all
#: goes on within seconds of the ledger's being well.
FIRST_WAIT_SECONDS, WAIT_SECONDS_MAX = 0.05, 2.0
#: Tries after which a settlement that is refused for what it holds is made without its texts and
#: its answer.
WHOLE_TRIES_MAX = 4


class Settling:
    """Settles until it is settled."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._tasks: set[asyncio.Task[bool]] = set()

    async def settle(self, settlement: Settlement) -> bool:
        """Commit the end of an attempt, however often it takes; False when the delivery was in
        another state by then.

        Raises:
            LedgerClosed: when the ledger is closed; what was attempted is then attempted again
                after the next start.
        """
        wait_seconds, tries = FIRST_WAIT_SECONDS, 0
        while True:
            try:
                settled = await self._ledger.settle(settlement)
            except LedgerClosed:
                raise
            except LedgerUnavailable:
                await self._ledger.check()
            except Exception as error:  # whatever it is, the delivery must not be made again for it
                tries += 1
                # (Its text would repeat what cannot be stored.)
                log.error("not settled", delivery=settlement.delivery_id, exc_info=error)
                if tries == WHOLE_TRIES_MAX:
                    settlement = _bare(settlement)
            else:
                return settled
            await self._clock.sleep(wait_seconds)
            wait_seconds = min(wait_seconds * 2, WAIT_SECONDS_MAX)

    def later(self, settlement: Settlement) -> None:
        """The same, for a caller who does not wait for it."""
        task = asyncio.create_task(self.settle(settlement))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Let go of what nobody waits for and is not settled yet."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _bare(settlement: Settlement) -> Settlement:
    """What is counted of it, without what a partner said."""
    reason = "unsettled" if settlement.reason else ""
    return replace(
        settlement,
        reason=reason,
        events=[event._replace(detail=reason) for event in settlement.events],
        answer=None,
        answer_content_type="",
    )

"""Commits what was kept in memory a little later: in a task of its own, and only while there is
something; what is kept, and how it is committed, is the owner's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from exchange.errors import LedgerError
from exchange.ports import Clock

log = structlog.get_logger(__name__)

#: Longest time for which something is kept in memory only.
FLUSH_SECONDS = 1.0


class Later:
    """Calls `flush` within `FLUSH_SECONDS` of `begin`, and again until nothing is `left`.

    `flush` raises `LedgerError` when the ledger takes nothing just now, and has kept everything.
    """

    def __init__(
        self,
        name: str,
        flush: Callable[[], Awaitable[None]],
        left: Callable[[], int],
        clock: Clock,
    ) -> None:
        self._name = name
        self._flush = flush
        self._left = left
        self._clock = clock
        self._flushing: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """There is something to commit."""
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush_later(), name=self._name)

    async def stop(self) -> None:
        """End, with everything committed that the ledger takes."""
        if self._flushing is not None:
            self._flushing.cancel()
            await asyncio.gather(self._flushing, return_exceptions=True)
        try:
            await self._flush()
        except LedgerError as error:
            self._warn(f"{self._name} not committed", error)

    async def _flush_later(self) -> None:
        try:
            while self._left():
                await self._clock.sleep(FLUSH_SECONDS)
                try:
                    await self._flush()
                except LedgerError as error:
                    self._warn(f"{self._name} not committed yet", error)
        finally:
            self._flushing = None

    def _warn(self, event: str, error: LedgerError) -> None:
        log.warning(event, left=self._left(), why=str(error))

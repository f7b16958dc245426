"""Calls a function again and again on a task of its own, as watches, retention and whatever else
looks by itself for work need it, or once more while something kept in memory waits for its commit;
knows none of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from exchange.errors import Full, LedgerClosed, LedgerError, LedgerUnavailable
from exchange.ports import Clock

log = structlog.get_logger(__name__)

#: Longest time for which something is kept in memory only.
FLUSH_SECONDS = 1.0


class Repeated:
    """A function that is called, and called anew a while after each call has ended.

    A call that fails is told of in the log and stops nothing; a ledger that is closed ends it all.
    """

    def __init__(
        self,
        name: str,
        call: Callable[[], Awaitable[object]],
        pause_seconds: float,
        sleep: Callable[[float], Awaitable[None]],
        at_once: bool = True,
    ) -> None:
        """`sleep` waits for so many seconds of the clock that counts: the exchange's, or
        `asyncio.sleep` where another process is waited for. `at_once`: the first call comes before
        the first pause.
        """
        self.name = name
        self._call = call
        self._pause_seconds = pause_seconds
        self._sleep = sleep
        self._at_once = at_once
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def stop(self) -> None:
        """End; a call that is under way is left at the `await` where it stands, as by a crash."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        if not self._at_once:
            await self._sleep(self._pause_seconds)
        while True:
            try:
                await self._call()
            except LedgerClosed:
                return
            except (LedgerUnavailable, Full) as error:
                log.warning("put off", what=self.name, why=str(error))
            except Exception:  # whatever could not be done now may go well the next time
                log.exception("failed, and is tried again", what=self.name)
            await self._sleep(self._pause_seconds)


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

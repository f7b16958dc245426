"""Calls a function again and again on a task of its own, as watches, retention and whatever else
looks by itself for work need it; knows none of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from exchange.errors import Full, LedgerClosed, LedgerUnavailable

log = structlog.get_logger(__name__)


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

"""Long work on one thread beside the loop, so that nobody waits behind a large body; what the work
is, is not known here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import copy_context
from functools import partial
from typing import TypeVar

from exchange.schemas.document_limits import NotAtOnce, at_once

Result = TypeVar("Result")


class WorkerThread:
    """What is done of a body of more than `loop_bytes_max` is done on the thread, one after
    another, each caller in turn; of any other here and now, unless it turns out to take long.

    A thread hop costs more than judging a small message. One thread only: several would take the
    interpreter from each other and from the loop, and hold several large documents in memory at
    once.
    """

    def __init__(self, loop_bytes_max: int) -> None:
        self._loop_bytes_max = loop_bytes_max
        self._executor: ThreadPoolExecutor | None = None
        self._turns = Turns()

    async def run(
        self, caller: str, size: int, function: Callable[..., Result], *arguments: object
    ) -> Result:
        """The function's result, or its exception. One that raises `NotAtOnce` is called again, on
        the thread.
        """
        if size <= self._loop_bytes_max:
            try:
                with at_once():
                    return function(*arguments)
            except NotAtOnce:
                pass
        async with self._turns.turn(caller):
            if self._executor is None:
                self._executor = ThreadPoolExecutor(1, "large-bodies")
            # A loop of simulated time runs it here: there are no threads in simulated time.
            return await asyncio.get_running_loop().run_in_executor(
                self._executor, partial(copy_context().run, function, *arguments)
            )

    def close(self) -> None:
        """Let go of the thread, once it has done what it is at."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None


class Turns:
    """Who may next use what only one can use: callers in turn, however much each of them wants."""

    def __init__(self) -> None:
        self._taken = False
        #: Who waits, by caller; the caller whose turn is next stands first.
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def turn(self, caller: str) -> AsyncIterator[None]:
        """Wait for a turn of the caller, and have it for as long as the block lasts."""
        if self._taken:
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(caller, deque()).append(waiting)
            try:
                await waiting
            except asyncio.CancelledError:
                # One that was given at the same moment goes to the next.
                if not waiting.cancelled():
                    self._give()
                raise
        self._taken = True
        try:
            yield
        finally:
            self._give()

    def _give(self) -> None:
        """Give the turn to the next caller's first who still waits."""
        while self._waiting:
            caller = next(iter(self._waiting))
            waiting = self._waiting.pop(caller)
            first = waiting.popleft()
            if waiting:
                self._waiting[caller] = waiting
            if not first.cancelled():
                first.set_result(None)
                return
        self._taken = False

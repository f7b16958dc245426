"""Long work on one thread beside the loop, so that nobody waits behind a large body; what the work
is, is not known here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

Result = TypeVar("Result")


class WorkerThread:
    """What is done of a body of more than `loop_bytes_max` is done on the thread, one after
    another; of any other here and now.

    A thread hop costs more than judging a small message. One thread only: several would take the
    interpreter from each other and from the loop, and hold several large documents in memory at
    once.
    """

    def __init__(self, loop_bytes_max: int) -> None:
        self._loop_bytes_max = loop_bytes_max
        self._executor: ThreadPoolExecutor | None = None

    async def run(self, size: int, function: Callable[..., Result], *arguments: object) -> Result:
        """The function's result, or its exception."""
        if size <= self._loop_bytes_max:
            return function(*arguments)
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, "large-bodies")
        # A loop of simulated time runs it here: there are no threads in simulated time.
        return await asyncio.get_running_loop().run_in_executor(
            self._executor, partial(function, *arguments)
        )

    def close(self) -> None:
        """Let go of the thread, once it has done what it is at."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None

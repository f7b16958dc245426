"""One process beside that which serves, for what lets nothing else run meanwhile; it does one thing
at a time, and knows nothing of what that is.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor
from typing import TypeVar

from exchange.lifetime import end_with

#: It gives way to those that serve.
_NICE = 10

Result = TypeVar("Result")


class DrawingProcess:
    """Begun with the first work, and anew after it was killed; it ends with us, however we end."""

    def __init__(self) -> None:
        self._process: Executor | None = None

    async def run(self, work: Callable[..., Result], *arguments: object) -> Result:
        """What the work returns; both can be pickled.

        Raises:
            BrokenExecutor: when the process was killed, for want of memory say.
        """
        if self._process is None:
            context = multiprocessing.get_context("spawn")
            self._process = ProcessPoolExecutor(1, context, _begin, (os.getpid(),))
        process = self._process
        try:
            return await asyncio.get_running_loop().run_in_executor(process, work, *arguments)
        except BrokenExecutor:
            if self._process is process:
                self._process = None
            raise

    async def close(self) -> None:
        """End it, once it has done what it is at."""
        if self._process is not None:
            await asyncio.to_thread(self._process.shutdown, cancel_futures=True)


def _begin(parent: int) -> None:
    end_with(parent)
    os.nice(_NICE)

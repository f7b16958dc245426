"""What one worker, the keeper, does for all that share a ledger: begun and ended together, wherever
the duty is; each job's own work lives in its module.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import structlog

from exchange.journey.repeat import Repeated

log = structlog.get_logger(__name__)

#: How often it is looked whether the duty has come or gone, in seconds.
LOOK_SECONDS = 0.25


class Job(Protocol):
    """Something that runs until it is stopped, and bears being stopped anywhere."""

    def start(self) -> None:
        """Begin."""
        ...

    async def stop(self) -> None:
        """End."""
        ...


class Keeper:
    """Runs the jobs while this worker has the duty."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        #: Whether the jobs run here.
        self.running = False
        self._following: Repeated | None = None

    def begin(self) -> None:
        """Run the jobs from now on."""
        self.running = True
        for job in self._jobs:
            job.start()

    def follow(self, has_duty: Callable[[], bool]) -> None:
        """Run them whenever this worker has the duty."""
        look = partial(self._look, has_duty)
        self._following = Repeated("keeper", look, LOOK_SECONDS, asyncio.sleep)
        self._following.start()

    async def stop(self) -> None:
        """End them, the last one first."""
        if self._following is not None:
            await self._following.stop()
        await self._end()

    async def _end(self) -> None:
        self.running = False
        for job in reversed(self._jobs):
            await job.stop()

    async def _look(self, has_duty: Callable[[], bool]) -> None:
        if has_duty() and not self.running:
            log.info("this node is the keeper")
            self.begin()
        elif self.running and not has_duty():
            log.warning("this node is the keeper no more")
            await self._end()

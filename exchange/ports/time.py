"""Time and ids: the only two sources of what would otherwise differ between two runs; no
implementation.
"""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Where time comes from: the wall, or a simulation."""

    def now(self) -> int:
        """Milliseconds since 1970-01-01T00:00:00Z."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for that many seconds of this clock."""
        ...


class Ids(Protocol):
    """Where the exchange's ids come from."""

    def begin_after(self, worker: int, number: int) -> None:
        """Give ids of that worker, and only greater ones than this, which was given before this
        start: the clock may have stepped back since.
        """
        ...

    def next(self) -> int:
        """A new id: unique over all workers, growing within one, below 2**63."""
        ...

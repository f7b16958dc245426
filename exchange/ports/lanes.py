"""Lanes: which worker makes an ordered delivery, and how another worker tells it that there
is one.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from hashlib import blake2b
from typing import Protocol

#: How many lanes there are; a delivery's lane is stored with it, so this never changes.
LANES = 256


def lane_of(receiver: str, channel: str, conversation: str) -> int:
    """The lane of an ordered delivery, from 0: the same in every process and on every machine."""
    named = "\0".join((receiver, channel, conversation)).encode("utf-8", "surrogatepass")
    return blake2b(named, digest_size=1).digest()[0]


class Wakes(Protocol):
    """Tells other workers that an ordered delivery of theirs was committed. A wake may be lost:
    whoever it was meant for asks the ledger from time to time.
    """

    def wake(self, worker: int, receiver: str) -> None:
        """Tell a worker that there is something for a receiver; returns at once."""
        ...

    def listen(self, worker: int, woken: Callable[[str], None]) -> None:
        """Call `woken` on the running loop with each receiver that this worker is told."""
        ...

    def stop(self, worker: int) -> None:
        """Listen no more."""
        ...


class Lanes(Protocol):
    """Who owns which lanes, as one worker sees it. A lane has one owner at any time, and only the
    owner makes its deliveries.
    """

    @property
    def wakes(self) -> Wakes | None:
        """How other workers are told, and tell; None where every worker only polls."""
        ...

    @property
    def worker(self) -> int:
        """This worker's number."""
        ...

    def own(self) -> Container[int]:
        """The lanes of this worker."""
        ...

    def takers(self) -> Sequence[int]:
        """The workers whose unordered deliveries, and calls that a crash broke off, are this
        worker's to end: itself, and some that there are no more.
        """
        ...

    def owner(self, lane: int) -> int:
        """The worker that owns a lane."""
        ...

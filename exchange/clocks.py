"""The wall clock and the ids of the running service; the virtual clock lives in the simulation."""

from __future__ import annotations

import asyncio
import time

from exchange.ports import Clock

#: Ids count milliseconds from here (2020-01-01T00:00:00Z), so that 41 bits last until 2089.
EPOCH_MILLISECONDS = 1_577_836_800_000

WORKER_BITS = 10
SEQUENCE_BITS = 12
WORKER_MASK = (1 << WORKER_BITS) - 1


class WallClock:
    """Time as it is."""

    def now(self) -> int:
        """Milliseconds since 1970 UTC."""
        return time.time_ns() // 1_000_000

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class Deadline:
    """So many seconds from now, by a clock that may step back: what was to last a second does not
    last for days then.
    """

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._looked_at = clock.now()
        self._at = self._looked_at + int(seconds * 1000)

    def left_seconds(self) -> float:
        """How long it still is; 0 or less when it has passed."""
        now = self._clock.now()
        self._at -= max(0, self._looked_at - now)
        self._looked_at = now
        return (self._at - now) / 1000


class SequentialIds:
    """Ids of 63 bits: milliseconds, worker, sequence; growing even when the clock steps back."""

    def __init__(self, clock: Clock, worker: int = 0) -> None:
        self._clock = clock
        self._worker = _bits_of(worker)
        self._millisecond = 0
        self._sequence = 0

    def begin_after(self, worker: int, number: int) -> None:
        """Give ids of that worker, and none that is not greater than this one of its."""
        self._worker = _bits_of(worker)
        behind = number >> (WORKER_BITS + SEQUENCE_BITS)
        if behind >= self._millisecond:
            self._millisecond = behind
            self._sequence = number & ((1 << SEQUENCE_BITS) - 1)

    def next(self) -> int:
        """A new id; borrows from the next millisecond when more than 4,096 are asked for in one."""
        now = self._clock.now() - EPOCH_MILLISECONDS
        if now > self._millisecond:
            self._millisecond = now
            self._sequence = 0
        else:
            self._sequence += 1
            if self._sequence >> SEQUENCE_BITS:
                self._millisecond += 1
                self._sequence = 0
        return self._millisecond << (WORKER_BITS + SEQUENCE_BITS) | self._worker | self._sequence


def _bits_of(worker: int) -> int:
    if not 0 <= worker < 1 << WORKER_BITS:
        raise ValueError(f"worker {worker} is not below {1 << WORKER_BITS}")
    return worker << SEQUENCE_BITS


def first_id(milliseconds: int) -> int:
    """The smallest id that could be given out at that time (since 1970 UTC): ids below it are
    older.
    """
    return max(0, milliseconds - EPOCH_MILLISECONDS) << (WORKER_BITS + SEQUENCE_BITS)


def worker_of(number: int) -> int:
    """The worker, or node, by which an id was given out."""
    return number >> SEQUENCE_BITS & WORKER_MASK


def time_of(number: int) -> int:
    """The time at which an id was given out, in milliseconds since 1970 UTC."""
    return (number >> (WORKER_BITS + SEQUENCE_BITS)) + EPOCH_MILLISECONDS

"""Lanes and wakes of workers on one machine, under one supervisor: lanes by number, wakes over
datagram sockets.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Sequence

from exchange.ports.lanes import LANES, Wakes

#: As many workers as one supervisor has at most (see `settings.Server`).
WORKERS_MAX = 64
#: Longest id of a receiver in a wake, in bytes.
WAKE_BYTES_MAX = 1024
#: Wakes read in one turn of the loop.
WAKES_MAX = 256


class NumberedLanes:
    """Lanes belong to workers by their numbers: a worker that dies and starts again owns the same
    ones, and the supervisor sees to it that there is one worker of each number.
    """

    def __init__(self, worker: int = 0, workers: int = 1, wakes: Wakes | None = None) -> None:
        self.wakes = wakes
        self._worker = worker
        self._workers = workers
        self._own = frozenset(range(worker, LANES, workers))
        self._takers = tuple(range(worker, WORKERS_MAX, workers))

    @property
    def worker(self) -> int:
        """This worker's number."""
        return self._worker

    def own(self) -> frozenset[int]:
        """Every `workers`-th lane."""
        return self._own

    def may_make(self, lane: int) -> bool:
        """No lane is ever another worker's."""
        return True

    def takers(self) -> Sequence[int]:
        """Every `workers`-th of as many as there may have been."""
        return self._takers

    def callers(self) -> Sequence[int]:
        """The same."""
        return self._takers

    def place(self, receiver: str, channel: str, message_id: int) -> int:
        """This worker's number: who takes an unordered delivery in makes it."""
        return self._worker

    def owner(self, lane: int) -> int:
        """The worker that owns a lane."""
        return lane % self._workers


class SocketWakes:
    """A pair of datagram sockets for each worker, made by the supervisor and handed to every
    process that it starts: they outlive a worker, and end with the supervisor.
    """

    def __init__(self, workers: int) -> None:
        self._pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(workers)]
        for pair in self._pairs:
            for each in pair:
                each.setblocking(False)

    def wake(self, worker: int, receiver: str) -> None:
        """Send a datagram; where there is no room for it the worker has others to read, and asks
        the ledger anyway.
        """
        with contextlib.suppress(OSError):
            self._pairs[worker][1].send(receiver.encode())

    def listen(self, worker: int, woken: Callable[[str], None]) -> None:
        """Read this worker's datagrams on the running loop."""
        mine = self._pairs[worker][0]
        asyncio.get_running_loop().add_reader(mine.fileno(), _read, mine, woken)

    def stop(self, worker: int) -> None:
        """Listen no more."""
        asyncio.get_running_loop().remove_reader(self._pairs[worker][0].fileno())

    def close(self) -> None:
        """Close the sockets of this process."""
        for pair in self._pairs:
            for each in pair:
                each.close()


def _read(mine: socket.socket, woken: Callable[[str], None]) -> None:
    with contextlib.suppress(BlockingIOError):
        for _ in range(WAKES_MAX):
            woken(mine.recv(WAKE_BYTES_MAX).decode())

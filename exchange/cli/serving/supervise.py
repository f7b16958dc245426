"""Several workers on one port and one ledger: started, started again when they die or fall silent,
ended together.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

from exchange.assembly import ledger_address
from exchange.cli.serving.clock_speed import Pace
from exchange.cli.serving.heartbeats import Heartbeats, Silence
from exchange.cli.serving.port import leave_to_others
from exchange.cli.serving.worker import LOST, NO_LEDGER, ignore_signals, work
from exchange.journey.deliver.lanes import SocketWakes
from exchange.settings import Settings
from exchange.storage.ownership import Lock

#: How long a worker may take to end after SIGTERM and `server.grace_seconds`, in seconds.
STOP_SECONDS = 10.0
#: A worker that lived less long than this is started again after a pause, which doubles with each
#: such life up to its limit.
SHORT_SECONDS, PAUSE_SECONDS, PAUSE_SECONDS_MAX = 5.0, 1.0, 32.0
LOOK_SECONDS = 0.5


class Restarts:
    """When each worker may be started again: at once, or after a pause where it lived shortly."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        #: When each was started, and when it may be again (seconds of the monotonic clock).
        self._started: dict[int, float] = {}
        self._due: dict[int, float] = {}
        #: How long each was last waited for before it was started again.
        self._pauses: dict[int, float] = {}

    def started(self, worker: int) -> None:
        """It begins."""
        self._due.pop(worker, None)
        self._started[worker] = self._now()

    def ended(self, worker: int) -> None:
        """It has ended, and is to be started again."""
        short = self._now() - self._started[worker] < SHORT_SECONDS
        last = self._pauses.get(worker, 0.0)
        pause = min(max(PAUSE_SECONDS, 2 * last), PAUSE_SECONDS_MAX) if short else 0.0
        self._pauses[worker] = pause
        self._due[worker] = self._now() + pause

    def due(self) -> list[int]:
        """Those that may be started again now."""
        return [worker for worker, at in self._due.items() if at <= self._now()]


class Supervisor:
    """Keeps the workers of one exchange running until a signal comes. `bound` has the sockets of
    each worker, one for each address.
    """

    def __init__(
        self,
        settings: Settings,
        bound: Sequence[Sequence[socket.socket]],
        lock: Lock | None,
        pace: Pace | None,
    ) -> None:
        self._settings = settings
        self._bound = bound
        self._lock = lock
        self._pace = pace
        self._wakes = SocketWakes(settings.server.workers)
        self._context = multiprocessing.get_context("spawn")
        self._beats = Heartbeats(self._context, settings.server.workers)
        self._silence = Silence(self._beats, settings.server.silent_seconds_max)
        self._processes: dict[int, BaseProcess] = {}
        self._restarts = Restarts()
        self._restarted = False
        self._stopping = False

    def run(self) -> int:
        """Until SIGINT or SIGTERM, or until there is no ledger to serve; the exit code."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        for worker in range(self._settings.server.workers):
            self._start(worker)
        while not self._stopping:
            code = self._look()
            if code:
                for process in self._processes.values():
                    process.kill()
                return code
        self._end()
        return 0

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _start(self, worker: int) -> None:
        process = self._context.Process(
            target=work,
            args=(
                self._settings,
                worker,
                self._bound[worker],
                self._pace,
                self._lock,
                os.getpid(),
                self._wakes,
                self._beats,
            ),
            name=f"worker-{worker}",
        )
        process.start()
        self._processes[worker] = process
        self._restarts.started(worker)
        self._silence.started(worker)

    def _look(self) -> int:
        """Wait for a worker to end, and start it again; the exit code when none can go on."""
        sentinels = [process.sentinel for process in self._processes.values()]
        with contextlib.suppress(InterruptedError):
            if sentinels:
                wait(sentinels, timeout=LOOK_SECONDS)
            else:
                time.sleep(LOOK_SECONDS)
        if self._stopping:
            return 0
        self._end_silent()
        for worker, process in list(self._processes.items()):
            if process.exitcode is None:
                continue
            del self._processes[worker]
            for mine, every in zip(
                self._bound[worker], zip(*self._bound, strict=True), strict=True
            ):
                leave_to_others(mine, every)
            # (On a server it has lost its node, and leases another one when it is started again.)
            if process.exitcode == LOST and self._lock is not None:
                print(
                    f"exchange: the ledger {ledger_address(self._settings)} was deleted or "
                    "replaced while it was in use; the exchange ends",
                    file=sys.stderr,
                    flush=True,
                )
                return LOST
            if process.exitcode == NO_LEDGER and not self._restarted:
                return NO_LEDGER
            print(
                f"exchange: worker {worker} ended with {process.exitcode}; starting it again",
                file=sys.stderr,
                flush=True,
            )
            self._restarts.ended(worker)
        for worker in self._restarts.due():
            self._restarted = True
            self._start(worker)
        return 0

    def _end_silent(self) -> None:
        """End workers whose loops don't run: connections would go on waiting for them. A process
        that was stopped (SIGSTOP) ends by SIGKILL as well.
        """
        for worker in self._silence.too_long():
            process = self._processes.get(worker)
            if process is not None and process.exitcode is None:
                print(
                    f"exchange: worker {worker} has shown no sign of life for "
                    f"{self._settings.server.silent_seconds_max:g} s; ending it",
                    file=sys.stderr,
                    flush=True,
                )
                process.kill()
                process.join(STOP_SECONDS)

    def _end(self) -> None:
        for process in self._processes.values():
            if process.pid is not None and process.is_alive():
                os.kill(process.pid, signal.SIGTERM)
        until = time.monotonic() + self._settings.server.grace_seconds + STOP_SECONDS
        for process in self._processes.values():
            process.join(max(0.0, until - time.monotonic()))
            if process.is_alive():
                process.kill()
        self._wakes.close()
        ignore_signals()

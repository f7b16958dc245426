"""How long work holds the interpreter in one go: the most processor time that it spends between two
beats of another thread, which a call into C keeps from beating.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable

#: How often the other thread beats, and for how long Python code has the interpreter before it
#: gives way (as in a served worker), in seconds.
BEAT_SECONDS, SWITCH_SECONDS = 0.005, 0.0005


class _Work(threading.Thread):
    """The work, on a thread with a clock of its own."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self.begun, self.ended = threading.Event(), threading.Event()
        self.clock = 0
        #: Its processor time at the end, in seconds.
        self.seconds = 0.0
        self.error: BaseException | None = None

    def run(self) -> None:
        """Do it."""
        self.clock = time.pthread_getcpuclockid(threading.get_ident())
        self.begun.set()
        try:
            self._work()
        except BaseException as error:
            self.error = error
        finally:
            self.seconds = time.clock_gettime(self.clock)
            self.ended.set()


def longest_hold(work: Callable[[], object]) -> tuple[float, float]:
    """The longest that the work held the interpreter, and all that it spent, in seconds of its
    processor time. What another process does with the machine counts in neither.

    Raises:
        Exception: what the work raised.
    """
    interval = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        thread = _Work(work)
        thread.start()
        thread.begun.wait()
        longest = last = 0.0
        with contextlib.suppress(OSError):  # (A thread that has just ended has no clock.)
            while not thread.ended.wait(BEAT_SECONDS):
                now = time.clock_gettime(thread.clock)
                longest, last = max(longest, now - last), now
        thread.join()
    finally:
        sys.setswitchinterval(interval)
    if thread.error is not None:
        raise thread.error
    return max(longest, thread.seconds - last), thread.seconds

"""Ending with the process that started this one, whatever ended it, and not before it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator

HAS_SIGNAL = sys.platform.startswith("linux")
#: prctl(2): the signal that a process gets when its parent ends.
PR_SET_PDEATHSIG = 1
#: How often the parent is looked for where the system sends no signal, in seconds.
LOOK_SECONDS = 0.2


@contextlib.contextmanager
def not_interrupted() -> Iterator[None]:
    """Processes that are started inside never get Ctrl-C, which a terminal sends to all of them at
    once, whatever they do just then: who started them ends them. One that comes meanwhile waits.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_with(parent: int) -> None:
    """Have this process killed as soon as the process `parent`, which started it, has ended."""
    if HAS_SIGNAL:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            # It ended before the signal was asked for.
            os.kill(os.getpid(), signal.SIGKILL)
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_SECONDS)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="parent", daemon=True).start()

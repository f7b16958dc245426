"""Ending with the process that started this one, whatever ended it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

HAS_SIGNAL = sys.platform.startswith("linux")
#: prctl(2): the signal that a process gets when its parent ends.
PR_SET_PDEATHSIG = 1
#: How often the parent is looked for where the system sends no signal, in seconds.
LOOK_SECONDS = 0.2


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

"""Ending with the process that started this one, whatever ended it, and not before it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

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


def ends_with_us() -> Callable[[], None]:
    """What a program that is started does before it begins (`preexec_fn`), so that it is killed as
    soon as the thread that started it has ended; nothing where the system sends no such signal.
    """
    parent = os.getpid()
    # What is called between fork and exec is looked up before.
    prctl = ctypes.CDLL(None).prctl if HAS_SIGNAL else None

    def prepare() -> None:
        if prctl is not None:
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return prepare


def end_in_order() -> None:
    """From now on SIGTERM and SIGHUP end this process as Ctrl-C does, by an exception: what it
    started is ended, and its folders are removed. What is ignored stays so (nohup).
    """

    def end(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)

"""Processes that tests start end with them, also when the tests are killed; those that the product
starts are the product's own business.
"""

from __future__ import annotations

import ctypes
import functools
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from exchange.lifetime import HAS_SIGNAL, PR_SET_PDEATHSIG


def end_children_with_us() -> None:
    """From now on the kernel kills what `subprocess` (and asyncio, by it) starts as soon as the
    thread that started it has ended. Nothing changes where the kernel has no such signal.
    """
    if not HAS_SIGNAL:
        return
    # What is called between fork and exec is looked up before.
    prctl, begin = ctypes.CDLL(None).prctl, subprocess.Popen.__init__

    @functools.wraps(begin)
    def ended(self: Any, *arguments: Any, **keywords: Any) -> None:
        parent, before = os.getpid(), keywords.pop("preexec_fn", None)

        def prepare() -> None:
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)
            if before is not None:
                before()

        begin(self, *arguments, preexec_fn=prepare, **keywords)

    changed: Callable[..., None] = ended
    subprocess.Popen.__init__ = changed  # type: ignore[method-assign]


if __name__ == "__main__":  # test_ending: start something that lasts, and last oneself
    end_children_with_us()
    child = subprocess.Popen(["sleep", "600"])
    print(child.pid, flush=True)
    sys.stdin.read()

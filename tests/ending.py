"""Processes that tests start end with them, also when the tests are killed; those that the product
starts are the product's own business.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

from exchange.lifetime import HAS_SIGNAL, ends_with_us

#: Has the kernel tell a program of its parent's end, and becomes that program (util-linux).
PROGRAM = ("setpriv", "--pdeathsig", "KILL")


def by_program() -> tuple[str, ...]:
    """`PROGRAM`, where the machine has one that knows the option."""
    found = shutil.which(PROGRAM[0])
    if found is None or subprocess.run([*PROGRAM, "true"], capture_output=True).returncode:
        return ()
    return (found, *PROGRAM[1:])


def is_program(arguments: Any, keywords: Mapping[str, Any]) -> bool:
    """Whether Popen is given the name of a program that is there, and its arguments."""
    if isinstance(arguments, str | bytes | os.PathLike) or not arguments:
        return False
    if any(keywords.get(name) for name in ("shell", "executable", "preexec_fn")):
        return False
    path = (keywords.get("env") or os.environ).get("PATH")
    return shutil.which(arguments[0], path=path) is not None


def end_children_with_us() -> None:
    """From now on the kernel kills what `subprocess` (and asyncio, by it) starts as soon as the
    thread that started it has ended. Nothing changes where the kernel has no such signal.

    A program is told by `setpriv`: a call between fork and exec keeps `subprocess` from sharing the
    memory until then, and to fork a process of 800 MB takes 0.2 s of processor time.
    """
    if not HAS_SIGNAL:
        return
    begin, program = subprocess.Popen.__init__, by_program()

    @functools.wraps(begin)
    def ended(self: Any, *arguments: Any, **keywords: Any) -> None:
        if program and len(arguments) == 1 and is_program(arguments[0], keywords):
            begin(self, [*program, *arguments[0]], **keywords)
            return
        before, ends = keywords.pop("preexec_fn", None), ends_with_us()

        def prepare() -> None:
            ends()
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

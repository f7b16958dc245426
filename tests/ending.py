"""Processes that tests start end with them, also when the tests are killed; those that the product
starts are the product's own business.
"""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from exchange.lifetime import HAS_SIGNAL, ends_with_us


def end_children_with_us() -> None:
    """From now on the kernel kills what `subprocess` (and asyncio, by it) starts as soon as the
    thread that started it has ended. Nothing changes where the kernel has no such signal.
    """
    if not HAS_SIGNAL:
        return
    begin = subprocess.Popen.__init__

    @functools.wraps(begin)
    def ended(self: Any, *arguments: Any, **keywords: Any) -> None:
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

"""The process that draws is begun anew after it was killed, and ends with the one that serves."""

from __future__ import annotations

import ctypes
import os
import signal
from concurrent.futures import BrokenExecutor

import pytest

from exchange.lifetime import HAS_SIGNAL
from exchange.publication.drawing_process import DrawingProcess

#: prctl(2).
GET_PDEATHSIG = 2


def told_of_end() -> int:
    """The signal that this process gets when the one that began it has ended."""
    found = ctypes.c_int()
    ctypes.CDLL(None).prctl(GET_PDEATHSIG, ctypes.byref(found))
    return found.value


def killed() -> None:
    """As by a kernel that has no memory left."""
    os.kill(os.getpid(), signal.SIGKILL)


async def test_a_killed_process_is_begun_anew_and_each_ends_with_us() -> None:
    process = DrawingProcess()
    try:
        with pytest.raises(BrokenExecutor):
            await process.run(killed)
        if HAS_SIGNAL:
            assert await process.run(told_of_end) == signal.SIGKILL
        assert await process.run(os.getppid) == os.getpid()
    finally:
        await process.close()

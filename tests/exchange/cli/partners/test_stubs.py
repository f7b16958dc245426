"""When `exchange partners` ends: by which signal, and what it does until then."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from exchange.cli.partners.stubs import ends

INTERRUPTED, TERMINATED = signal.SIGINT, signal.SIGTERM


@pytest.mark.parametrize(
    ("sends", "numbers", "said"),
    [
        (True, [INTERRUPTED], (True, False)),
        (True, [INTERRUPTED, INTERRUPTED], (True, True)),
        (True, [INTERRUPTED, TERMINATED], (True, True)),
        (True, [TERMINATED], (True, True)),
        (False, [INTERRUPTED], (True, True)),
        (False, [TERMINATED], (True, True)),
    ],
)
async def test_one_sigterm_ends_all_and_ctrl_c_the_traffic_first(
    sends: bool, numbers: list[signal.Signals], said: tuple[bool, bool]
) -> None:
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    try:
        enough, end = ends(sends)
        assert (enough.is_set(), end.is_set()) == (not sends, False)
        for number in numbers:
            os.kill(os.getpid(), number)
            # (Signals are told by a socket that the loop reads.)
            loop.call_later(0.02, told.set)
            await told.wait()
            told.clear()
        assert (enough.is_set(), end.is_set()) == said
    finally:
        for number in (INTERRUPTED, TERMINATED):
            loop.remove_signal_handler(number)

"""What a test starts ends with the test run, however that ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from exchange.lifetime import HAS_SIGNAL

PATIENCE_SECONDS = 10.0


def lives(process: int) -> bool:
    """Whether a process runs, and is not just waiting to be taken note of."""
    try:
        with open(f"/proc/{process}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ended(*processes: int) -> None:
    """Wait until none of these processes lives."""
    until = time.monotonic() + PATIENCE_SECONDS
    while any(map(lives, processes)):
        assert time.monotonic() < until, "it outlived who started it"
        time.sleep(0.01)


def test_what_a_killed_run_started_ends_with_it() -> None:
    if not HAS_SIGNAL:
        return
    with subprocess.Popen(
        [sys.executable, "-m", "tests.ending"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    ) as run:
        assert run.stdout is not None
        child = int(run.stdout.readline())
        assert lives(child)
        run.kill()
        run.wait()
        ended(child)


def test_every_process_of_this_run_is_told_of_its_end() -> None:
    asked = (
        "import ctypes; signal = ctypes.c_int(); "
        "ctypes.CDLL(None).prctl(2, ctypes.byref(signal)); print(signal.value)"
    )
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True)
    assert int(told.stdout) == (9 if HAS_SIGNAL else 0)

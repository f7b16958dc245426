"""What is started ends with who started it, by whatever signal that ends: servers of a measurement
and of a load test; and who is told to end does so in order.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from exchange.lifetime import HAS_SIGNAL
from tests.exchange.test_ending import ended, lives

#: Something that listens, measured on a core; something else for a load test; a folder.
MEASURING = """
import os, pathlib, sys, tempfile
from exchange.benchmarks.processes import free_port, program
from exchange.lifetime import end_in_order
from loadtests.processes import process
end_in_order()
port = free_port()
listens = f"import socket; s = socket.create_server(('127.0.0.1', {port})); s.accept(); s.accept()"
with tempfile.TemporaryDirectory() as folder:
    log = pathlib.Path(folder, "log")
    with (
        program([sys.executable, "-c", listens], port, os.sched_getaffinity(0)) as measured,
        process(["http.server", "0", "--bind", "127.0.0.1"], log) as loaded,
    ):
        print(measured, loaded.pid, folder, flush=True)
        sys.stdin.read()
"""
#: Ends with the process that it is told; starts itself once more when it is told none.
WORKING = """
import os, subprocess, sys
from exchange.lifetime import end_with
if sys.argv[1:]:
    end_with(int(sys.argv[1]))
    print(os.getpid(), flush=True)
else:
    subprocess.Popen([sys.executable, __file__, str(os.getpid())])
sys.stdin.read()
"""


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL])
def test_servers_of_a_measurement_end_with_it(number: signal.Signals, tmp_path: Path) -> None:
    if not HAS_SIGNAL:
        return
    with subprocess.Popen(
        [sys.executable, "-c", MEASURING],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.getcwd(), "TMPDIR": str(tmp_path)},
    ) as run:
        assert run.stdout is not None
        *servers, folder = run.stdout.readline().split()
        assert all(lives(int(each)) for each in servers)
        run.send_signal(number)
        assert run.wait() == (-number if number == signal.SIGKILL else 128 + number)
        ended(*map(int, servers))
        assert Path(folder).exists() == (number == signal.SIGKILL)


def test_a_worker_ends_with_the_process_that_it_is_told(tmp_path: Path) -> None:
    program = tmp_path / "working.py"
    program.write_text(WORKING)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    command = [sys.executable, str(program)]
    with subprocess.Popen(command, env=environment, **pipes) as run:  # type: ignore[call-overload]
        worker = int(run.stdout.readline())
        assert lives(worker)
        run.kill()
        ended(worker)
    # Its parent had ended before, and it is somebody else's child by now.
    with subprocess.Popen([*command, "1"], env=environment, **pipes) as run:  # type: ignore[call-overload]
        assert run.wait(10) == -signal.SIGKILL
        assert run.stdout.read() == ""

"""`exchange run` as a program."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.shell import free_port

ROOT = Path(__file__).parents[3]


@pytest.mark.drill
def test_a_run_fails_when_its_partners_can_not_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = ["--port", str(free_port()), "--partners-port", str(taken.getsockname()[1])]
        run = subprocess.run(
            [sys.executable, "-m", "exchange", "run", "--duration", "60", *ports],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    assert run.returncode == 1
    assert "ended before this run" in run.stdout
    assert "address already in use" in run.stdout

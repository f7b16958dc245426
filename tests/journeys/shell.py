"""Runs lines of a document as a shell would, against ports of their own; no test."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

#: Longest time of a script: minutes where others have the processors too.
SECONDS = 600
#: A line that fails ends the script, and an end takes along what runs in the background.
END_WITH_ALL = "set -e\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n"


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def said_by(
    script: str, folder: Path, port: int, partners_port: int, alone: Path | None = None
) -> str:
    """What a script prints; it must end well. `alone` is the folder of the only programs beside the
    system's, for a script that is to have nothing of this environment.
    """
    programs = alone or Path(sys.executable).parent
    environment = {
        **({} if alone else os.environ),
        "PATH": f"{programs}{os.pathsep}{os.defpath if alone else os.environ['PATH']}",
        "EXCHANGE_SERVER__PORT": str(port),
        "EXCHANGE_PARTNERS__ADDRESS": f"http://127.0.0.1:{partners_port}",
        # (A first call to nobody waits no longer than need be.)
        "EXCHANGE_DELIVERIES__PROBE_SECONDS_MAX": "0.5",
    }
    process = subprocess.Popen(
        ["bash", "-c", END_WITH_ALL + script],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=SECONDS)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, said
    return said

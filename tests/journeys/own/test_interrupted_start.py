"""A signal at any moment of a start ends a command, and what it started, without a traceback."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.journeys.shell import free_port

pytestmark = pytest.mark.drill

#: After how many milliseconds the signal comes: starts take some 3 s.
MOMENTS = range(100, 4_000, 800)
END_SECONDS = 60.0
COMMANDS = {
    "serve": "serve --port 0",
    "workers": "serve --port 0 --workers 2",
    "run": "run --port PORT --partners-port STUBS --rate 1",
    "sandbox": "sandbox start mine",
    "simulate": "simulate 2024 --scale 1/1000 --processes 2",
}


def left(folder: Path) -> list[str]:
    """The processes that run in a folder."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(each / "cwd").startswith(str(folder)):
                found.append((each / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", COMMANDS)
async def test_a_start_is_interrupted(name: str, number: int, tmp_path: Path) -> None:
    for milliseconds in MOMENTS:
        folder = tmp_path / str(milliseconds)
        folder.mkdir()
        ports = {name: str(free_port()) for name in ("PORT", "STUBS")}
        command = [ports.get(each, each) for each in COMMANDS[name].split()]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "exchange", *command),
            cwd=folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        await asyncio.sleep(milliseconds / 1000)
        if process.returncode is None:
            # As a terminal does it: to all of the group; and as `kill` does: to the command alone.
            send = os.killpg if number == signal.SIGINT else os.kill
            send(process.pid, number)
        said, _ = await asyncio.wait_for(process.communicate(), END_SECONDS)
        if milliseconds > MOMENTS[0]:  # (Before, Python itself starts.)
            assert b"Traceback" not in said, (milliseconds, said.decode())
            assert b"Exception ignored" not in said, (milliseconds, said.decode())
        if name == "sandbox" and process.returncode == 0:
            stopping = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "exchange", "sandbox", "stop", "mine"), cwd=folder
            )
            await stopping.wait()
        for _ in range(100):
            if not left(folder):
                break
            await asyncio.sleep(0.1)
        assert left(folder) == [], milliseconds

"""The README's tour, run line by line as a newcomer would, in an empty folder and on free ports."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"^```sh tour( fails)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
ACTIVATE = ". .venv/bin/activate\n"
TOUR_SECONDS = 120


def script() -> str:
    """The tour as one script that ends with an error when a line does (or, in a block that must
    fail, when it does not).
    """
    blocks = BLOCK.findall(README.read_text(encoding="utf-8"))
    assert len(blocks) == 6
    assert blocks[0][1].startswith(ACTIVATE)
    parts = ["set -e"]
    for fails, lines in blocks:
        lines = lines.removeprefix(ACTIVATE)
        parts.append(
            f"set +e\n{lines}code=$?\nset -e\n[ $code -eq 1 ] || exit 97" if fails else lines
        )
    return "\n".join(parts)


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_tour_of_the_readme_goes_as_it_says(tmp_path: Path) -> None:
    port, partners_port = free_port(), free_port()
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "EXCHANGE_SERVER__PORT": str(port),
        "EXCHANGE_PARTNERS__ADDRESS": f"http://127.0.0.1:{partners_port}",
    }
    text = script().replace("127.0.0.1:8080", f"127.0.0.1:{port}")
    process = subprocess.Popen(
        ["bash", "-c", text],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=TOUR_SECONDS)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, said
    assert "json.value" in said, "the broken message's violation"
    assert said.count("202 Accepted") == said.count("200 OK") == 1, said
    assert "verify: clean" in said
    assert "queued 1, delivered 1" in said

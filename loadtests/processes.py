"""The programs that a load test starts and ends: exchange, stubs, locust; and what is asked of the exchange over HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_SECONDS = 60.0
DRAIN_SECONDS = 120.0
STOP_SECONDS = 30.0
LOOK_SECONDS = 0.2
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class NotRunning(RuntimeError):
    """A program that is needed did not start, or ended."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A running exchange: its address, and where it is ours its ledger and process."""

    url: str
    ledger: Path | None = None
    process: subprocess.Popen[bytes] | None = None

    def accepted(self) -> dict[str, int]:
        """Accepted messages by type, as the exchange counted them."""
        rows = _get(f"{self.url}/api/v1/counters?by=message_type,kind")
        return {row["message_type"]: row["count"] for row in rows if row["kind"] == "accepted"}

    def drain(self) -> int:
        """Wait until nothing waits any more that is not in a mailbox or given up for now; the deliveries still waiting."""
        until, before = time.monotonic() + DRAIN_SECONDS, (-1, -1)
        while True:
            channels = _get(f"{self.url}/api/v1/snapshot")["channels"].values()
            state = (sum(row["waiting"] for row in channels), sum(row["received"] for row in channels))
            if not state[0] or state == before or time.monotonic() > until:
                return state[0]
            before = state
            time.sleep(2.0)

    def memory_mebibytes(self) -> float:
        """Resident memory of all its processes; 0 where it is not ours."""
        return sum(map(_resident, _family(self.process.pid))) / 1048576 if self.process else 0.0


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as response:
        return json.load(response)


def _resident(pid: int) -> int:
    with contextlib.suppress(OSError, IndexError, ValueError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
    return 0


def _family(pid: int) -> list[int]:
    children: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            children += map(int, (task / "children").read_text().split())
    return [pid, *(each for child in children for each in _family(child))]


def free_port() -> int:
    """A port that nobody has just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def exchange_command(*arguments: str) -> list[str]:
    """A command of `exchange` with this Python."""
    return [sys.executable, "-m", "exchange", *arguments]


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> int:
    """Run to the end; its exit code. On an interruption it gets time to end by itself."""
    process = subprocess.Popen(command, env={**os.environ, **(environment or {})})
    try:
        return process.wait()
    except KeyboardInterrupt:
        return process.wait(STOP_SECONDS)


@contextlib.contextmanager
def started(command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs meanwhile; what it says goes to `log`. It is ended kindly, then not."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})}, start_new_session=True
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def exchange_with_stubs(folder: Path, workers: int, ledger: Path | None = None) -> Iterator[Exchange]:
    """An exchange with a ledger of its own in `folder` and the stubs of all partners, on free ports.

    Raises:
        NotRunning: when one of them does not come up.
    """
    port, stubs_port = free_port(), free_port()
    url = f"http://127.0.0.1:{port}"
    ledger = ledger or folder / "exchange.db"
    addresses = {"EXCHANGE_PARTNERS__ADDRESS": f"http://127.0.0.1:{stubs_port}"}
    serve = exchange_command("serve", "--port", str(port), "--workers", str(workers), "--ledger", f"sqlite:///{ledger}")
    play = exchange_command("partners", "--exchange", url, "--port", str(stubs_port))
    with (
        started(play, folder / "partners.log") as playing,
        started(serve, folder / "exchange.log", addresses) as serving,
    ):
        await_answer(f"{url}/health/ready", serving, folder / "exchange.log")
        _await_port(stubs_port, playing, folder / "partners.log")
        yield Exchange(url, ledger, serving)


def await_answer(url: str, process: subprocess.Popen[bytes] | None, log: Path | None = None) -> None:
    """Wait for a 200.

    Raises:
        NotRunning: when it does not come in time, or the process ends.
    """
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and (process is None or process.poll() is None):
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=2):
            return
        time.sleep(LOOK_SECONDS)
    raise NotRunning(f"{url} does not answer: {_last_words(log)}")


def _await_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(LOOK_SECONDS)
    raise NotRunning(f"the stubs don't answer: {_last_words(log)}")


def _last_words(log: Path | None) -> str:
    text = log.read_text(errors="replace") if log is not None and log.exists() else ""
    return re.sub(r"\s+", " ", text)[-500:]

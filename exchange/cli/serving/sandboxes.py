"""A sandbox: an exchange and its stubs as a process of their own (`exchange run` without traffic),
in a folder of their own, found again by its name; no command.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exchange.cli.serving.port import bind
from exchange.clocks import WallClock
from exchange.errors import Owned, SettingsError
from exchange.storage.ownership import own

#: How long a sandbox may take to be ready, and to end, in seconds.
START_SECONDS, STOP_SECONDS, LOOK_SECONDS = 60.0, 60.0, 0.1
LOG_BYTES_TOLD = 2_000
#: Without traffic: what comes is the team's.
COMMAND = (sys.executable, "-m", "exchange", "run", "--rate", "0")
_NAME = re.compile("[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The sandbox in a folder. Whoever runs it holds the lock on `sandbox`, until it has ended."""

    folder: Path

    @classmethod
    def named(cls, folder: Path, name: str) -> Sandbox:
        """The sandbox of that name; it need not be there yet.

        Raises:
            SettingsError: when that can't be a name.
        """
        if not _NAME.fullmatch(name):
            raise SettingsError(
                f"{name!r:.60} is no name of a sandbox: small letters, digits, hyphens, at most 40"
            )
        return cls(folder / name)

    @property
    def address(self) -> str:
        """Where its exchange is; empty while it does not run."""
        if not self._runs():
            return ""
        return str(self._state()["address"])

    def as_dict(self) -> dict[str, str]:
        """Its name and its address."""
        return {"name": self.folder.name, "address": self.address}

    def start(self, port: int) -> str:
        """Start it; its address, once it takes messages.

        Raises:
            Owned: when it runs, or somebody else has the port.
            SettingsError: when it can't be started; with what its log says last.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with own(self.folder / "sandbox", "exchange sandbox", WallClock().now()) as lock:
            # (So that nobody ends a process of the life before.)
            (self.folder / "sandbox.json").unlink(missing_ok=True)
            ports = _free_ports(port)
            log = self.folder / "sandbox.log"
            with log.open("ab") as output:
                started = subprocess.Popen(
                    [*COMMAND, "--port", str(ports[0]), "--partners-port", str(ports[1])],
                    cwd=self.folder,
                    env={**os.environ, "EXCHANGE_STORAGE__URL": f"sqlite:///{self._ledger}"},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    # (The lock is free when the last process that has it has ended.)
                    pass_fds=(lock.descriptor,),
                )
            address = f"http://127.0.0.1:{ports[0]}"
            state = {"process": started.pid, "address": address}
            (self.folder / "sandbox.json").write_text(json.dumps(state), encoding="utf-8")
        is_ready = False
        try:
            is_ready = _is_ready(started, address)
        finally:
            # (Also when Ctrl-C ends the wait.)
            if not is_ready:
                started.kill()
                started.wait()
        if not is_ready:
            said = log.read_bytes()[-LOG_BYTES_TOLD:].decode(errors="replace")
            raise SettingsError(f"{self.folder} did not start: {said}")
        return address

    def stop(self) -> None:
        """End it, and wait until it has ended.

        Raises:
            SettingsError: when it does not run, or does not end.
        """
        if not self._runs():
            raise SettingsError(f"{self.folder} does not run")
        os.kill(self._state()["process"], signal.SIGTERM)
        until = time.monotonic() + STOP_SECONDS
        while self._runs():
            if time.monotonic() > until:
                raise SettingsError(f"{self.folder} has not ended after {STOP_SECONDS:g} s")
            time.sleep(LOOK_SECONDS)

    def remove(self) -> None:
        """Remove it with its ledger.

        Raises:
            SettingsError: when there is none, or it runs.
        """
        if not (self.folder / "sandbox.json").exists():
            raise SettingsError(f"there is no sandbox {self.folder}")
        if self._runs():
            raise SettingsError(f"{self.folder} runs: stop it first")
        shutil.rmtree(self.folder)

    @property
    def _ledger(self) -> Path:
        return (self.folder / "exchange.db").absolute()

    def _runs(self) -> bool:
        if not (self.folder / "sandbox.json").exists():
            return False
        try:
            own(self.folder / "sandbox", "looking", WallClock().now()).release()
        except Owned:
            return True
        return False

    def _state(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(
            (self.folder / "sandbox.json").read_text(encoding="utf-8")
        )
        return told


def sandboxes(folder: Path) -> Iterator[Sandbox]:
    """Every sandbox in a folder, by name."""
    for state in sorted(folder.glob("*/sandbox.json")):
        yield Sandbox(state.parent)


def _is_ready(started: subprocess.Popen[bytes], address: str) -> bool:
    """Whether an exchange that was started answers there before its time to start is over."""
    until = time.monotonic() + START_SECONDS
    while started.poll() is None and time.monotonic() < until:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"{address}/health/ready", timeout=1),
        ):
            return True
        time.sleep(LOOK_SECONDS)
    return False


def _free_ports(port: int) -> tuple[int, int]:
    """A port for the exchange (that one, unless 0), and a free one for its stubs."""
    with bind("127.0.0.1", port) as exchange, bind("127.0.0.1", 0) as stubs:
        return exchange.getsockname()[1], stubs.getsockname()[1]

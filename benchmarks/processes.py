"""Starting and ending the measured servers, each pinned to a core of its own; they end with us. No
measurement.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from exchange.lifetime import ends_with_us

START_SECONDS = 30.0


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def server(
    arguments: Sequence[str], port: int, cores: set[int], environment: dict[str, str] | None = None
) -> contextlib.AbstractContextManager[int]:
    """`python -m ...` as a `program`."""
    return program([sys.executable, "-m", *arguments], port, cores, environment)


@contextlib.contextmanager
def program(
    arguments: Sequence[str],
    port: int,
    cores: set[int],
    environment: dict[str, str] | None = None,
    folder: Path | None = None,
) -> Iterator[int]:
    """Run a program on these cores until the block ends; waits until it listens. Gives the process
    id.
    """
    # A file, because a pipe that nobody reads would stop a program that complains a lot.
    with tempfile.TemporaryFile() as complaints:
        yield from _program(arguments, port, cores, environment, folder, complaints)


def _program(
    arguments: Sequence[str],
    port: int,
    cores: set[int],
    environment: dict[str, str] | None,
    folder: Path | None,
    complaints: IO[bytes],
) -> Iterator[int]:
    ends = ends_with_us()

    def prepare() -> None:
        os.sched_setaffinity(0, cores)
        ends()

    process = subprocess.Popen(
        arguments,
        env={**os.environ, **(environment or {})},
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=complaints,
        preexec_fn=prepare,
        start_new_session=True,
    )
    try:
        until = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if process.poll() is not None or time.monotonic() > until:
                complaints.seek(0)
                raise RuntimeError(
                    f"{' '.join(arguments)} did not start: "
                    f"{complaints.read().decode(errors='replace')[-2000:]}"
                )
            time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def exchange_environment(folder: Path, sink_port: int) -> dict[str, str]:
    """An exchange with an empty ledger in `folder` that delivers to the sink."""
    return {
        "EXCHANGE_STORAGE__URL": f"sqlite:///{folder / 'exchange.db'}",
        "EXCHANGE_PARTNERS__ADDRESS": f"http://127.0.0.1:{sink_port}",
        # Large deliveries are measured unsigned, too.
        "EXCHANGE_RULES__UNSIGNED_DELIVERIES": "take",
    }

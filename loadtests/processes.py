"""The exchange and its stubs as processes for one load test, by their command line alone, and the
memory that they take. They end with us.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from exchange.lifetime import ends_with_us

START_SECONDS = 60.0
#: How long somebody else's address is tried where nobody answers at all.
ANSWER_SECONDS = 3.0
STOP_SECONDS = 30.0
DRAIN_SECONDS = 60.0
WATCH_SECONDS = 1.0
ROOT = Path(__file__).resolve().parent.parent


def environment(**more: str) -> dict[str, str]:
    """This process's variables, the product importable from the sources, and some more."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **more}


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def process(arguments: Sequence[str], log: Path, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m ...` until the block ends: SIGTERM, and SIGKILL to one that doesn't heed it."""
    with log.open("wb") as output:
        started = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            env=environment(**more),
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=ends_with_us(),
        )
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def _address(started: subprocess.Popen[bytes], log: Path, pattern: str) -> str:
    """The address that a program says it listens at.

    Raises:
        RuntimeError: when it ends or says nothing.
    """
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and started.poll() is None:
        if found := re.search(pattern, log.read_text(errors="replace")):
            return found[1]
        time.sleep(0.05)
    raise RuntimeError(f"it did not start: {log.read_text(errors='replace')[-2000:]}")


@contextlib.contextmanager
def exchange(
    folder: Path, ledger: Path, workers: int
) -> Iterator[tuple[str, subprocess.Popen[bytes], subprocess.Popen[bytes], float]]:
    """The exchange and the stubs on free ports; gives its address, both processes and the seconds
    until it was ready.
    """
    stubs_port = free_port()
    serving, playing = folder / "exchange.log", folder / "partners.log"
    begun = time.monotonic()
    serve = [
        "exchange",
        "serve",
        "--port",
        "0",
        "--workers",
        str(workers),
        "--ledger",
        f"sqlite:///{ledger}",
    ]
    settings = {
        "EXCHANGE_PARTNERS__ADDRESS": f"http://127.0.0.1:{stubs_port}",
        # Ids are exchanged in recorded calls: no signature would hold.
        "EXCHANGE_RULES__UNSIGNED_DELIVERIES": "take",
    }
    with process(serve, serving, **settings) as served:
        url = _address(served, serving, r"exchange: (http://\S+?)/?\s")
        wait_ready(url, served)
        took = time.monotonic() - begun
        with process(
            ["exchange", "partners", "--exchange", url, "--port", str(stubs_port)], playing
        ) as played:
            _address(played, playing, r"partners: (http://\S+?)/?\s")
            yield url, served, played, took


class NotReady(RuntimeError):
    """No exchange takes messages there; says why."""


def wait_ready(url: str, served: subprocess.Popen[bytes] | None = None) -> None:
    """Wait until the exchange says that it takes messages. One that is `served` here may need long
    to begin; at somebody else's address some answer is wanted within seconds.

    Raises:
        NotReady: when it does not.
    """
    begun, heard, why = time.monotonic(), served is not None, "it ended"
    longest_seconds = START_SECONDS if served is None else START_SECONDS * 10
    while served is None or served.poll() is None:
        try:
            with urllib.request.urlopen(url + "/health/ready", timeout=ANSWER_SECONDS):
                return
        except urllib.error.HTTPError as error:
            heard, why = True, f"it answered {error.code}"
            if served is None and error.code != 503:
                raise NotReady(f"{url} is no exchange: {why}") from error
        except OSError as error:
            why = str(getattr(error, "reason", error))
        except (ValueError, http.client.HTTPException) as error:
            raise NotReady(f"{url} is no exchange: {error}") from error
        seconds = time.monotonic() - begun
        if seconds > (longest_seconds if heard else ANSWER_SECONDS):
            break
        time.sleep(0.1)
    raise NotReady(f"{url} is not ready: {why}")


def reach(url: str) -> None:
    """See that somebody listens at an address.

    Raises:
        NotReady: when nobody does.
    """
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((parts.hostname or "", port), ANSWER_SECONDS).close()
    except (OSError, ValueError) as error:
        raise NotReady(f"nobody answers at {url}: {error}") from error


def fetch(url: str) -> bytes:
    """What GET gives, with the operator's key in EXCHANGE_OPERATOR_KEY where one is demanded."""
    key = os.environ.get("EXCHANGE_OPERATOR_KEY", "")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with urllib.request.urlopen(
        urllib.request.Request(url, headers=headers), timeout=60
    ) as response:
        body: bytes = response.read()
        return body


def metrics(url: str) -> str:
    """What /metrics says."""
    return fetch(url + "/metrics").decode()


def counted(url: str) -> dict[tuple[str, str], int]:
    """The exchange's counters by message type and kind."""
    rows = json.loads(fetch(url + "/api/v1/counters?by=message_type,kind&daily=true"))
    return {(row["message_type"], row["kind"]): row["count"] for row in rows}


def drain(url: str, still_seconds: float = 4.0) -> int:
    """Wait until nothing is on its way, or nothing changed for so long (what lies in mailboxes);
    how many deliveries wait then.
    """
    until = time.monotonic() + DRAIN_SECONDS
    before, since = None, time.monotonic()
    while True:
        channels = json.loads(fetch(url + "/api/v1/snapshot"))["channels"]
        state = [(row["waiting"], row["received"], row["delivered"]) for row in channels.values()]
        waiting: int = sum(row[0] for row in state)
        if state != before:
            before, since = state, time.monotonic()
        if not waiting or time.monotonic() > until or time.monotonic() - since >= still_seconds:
            return waiting
        time.sleep(1.0)


class Memory:
    """Watches the resident memory of a process and its children while inside."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        #: (seconds, MiB of the largest process) each second.
        self.seen: list[tuple[float, float]] = []

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        begun = time.monotonic()
        while not self._ended.wait(WATCH_SECONDS):
            with contextlib.suppress(psutil.NoSuchProcess):
                every = [self._process, *self._process.children(recursive=True)]
                self.seen.append(
                    (
                        time.monotonic() - begun,
                        max(each.memory_info().rss for each in every) / 2**20,
                    )
                )

    def figures(self) -> dict[str, float]:
        """`start_mib`, `most_mib`, `end_mib`, and `growth_mib`: the mean of the last tenth less
        that of the tenth in the middle.
        """
        sizes = [size for _, size in self.seen]
        if not sizes:
            return {}
        tenth = max(len(sizes) // 10, 1)
        middle, last = sizes[len(sizes) // 2 :][:tenth], sizes[-tenth:]
        growth = sum(last) / len(last) - sum(middle) / len(middle)
        return {
            "start_mib": sizes[0],
            "most_mib": max(sizes),
            "end_mib": sizes[-1],
            "growth_mib": growth,
        }


def make_samples(folder: Path, each: int, seed: int, *more: str) -> None:
    """Write so many calls of every sender and type, made now; raises when that fails."""
    command = [sys.executable, "-m", "exchange", "samples", "all", "--calls", "-n", str(each)]
    subprocess.run(
        [*command, "--seed", str(seed), "--out", str(folder), *more],
        env=environment(),
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
        preexec_fn=ends_with_us(),
    )

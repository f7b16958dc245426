"""`python -m loadtests` (`make load`): samples, exchange, stubs, locust, drain, verify; exit code 0 only when all of it holds."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from loadtests import workload
from loadtests.processes import (
    Exchange,
    NotRunning,
    await_answer,
    exchange_command,
    exchange_with_stubs,
    free_port,
    run,
    started,
)

LOCUSTFILE = Path(__file__).with_name("locustfile.py")
#: Longest wait for replies after the last call, in seconds.
LAST_REPLIES_SECONDS = 90
MEMORY_EVERY_SECONDS = 5.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a load test; what it does not know itself goes to locust."""
    parser = argparse.ArgumentParser(prog="python -m loadtests", description=__doc__)
    parser.add_argument("--host", default="", help="a running exchange; without it, one is started with a ledger of its own")
    parser.add_argument("--workers", type=int, default=1, help="workers of the exchange that is started")
    parser.add_argument(
        "--senders", type=int, default=1, help="locust processes; with more than one, a master and so many workers"
    )
    parser.add_argument("--samples", type=int, default=200, help="samples of each message type")
    parser.add_argument("--out", type=Path, default=Path("reports"), help="where report, CSV and result go")
    parser.add_argument("--channel", action="append", default=[], help="only this channel (may be given again)")
    parser.add_argument("--sector", action="append", default=[], help="only this sector's partners (may be given again)")
    options, others = parser.parse_known_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="exchange-load-")))
        try:
            make_samples(folder / "samples", options.samples)
            exchange = Exchange(options.host.rstrip("/"))
            if options.host:
                await_answer(f"{exchange.url}/health/ready", None)
            else:
                exchange = stack.enter_context(exchange_with_stubs(folder, options.workers))
            return load(exchange, folder, options, others)
        except NotRunning as error:
            print(error, file=sys.stderr)
            return 2


def make_samples(folder: Path, count: int) -> None:
    """Samples of every type of the workload.

    Raises:
        NotRunning: when the exchange's command fails.
    """
    types = workload.load().message_types
    made = subprocess.run(
        exchange_command("samples", *types, "-n", str(count), "--calls", "--out", str(folder)), capture_output=True, text=True
    )
    if made.returncode:
        raise NotRunning(f"exchange samples: {made.stderr.strip()[-500:]}")


def load(exchange: Exchange, folder: Path, options: argparse.Namespace, others: Sequence[str]) -> int:
    """Load a running exchange, then prove what was counted; the exit code."""
    before = exchange.accepted()
    report = options.out / "load.json"
    report.unlink(missing_ok=True)
    memory = Memory(exchange)
    memory.start()
    code = send(exchange.url, folder, options, others)
    if not report.exists():
        raise NotRunning(f"locust ended with {code} and left no result")
    waiting = exchange.drain()
    memory.end()
    result = json.loads(report.read_text())
    counted = {name: count - before.get(name, 0) for name, count in exchange.accepted().items()}
    problems = [*result["broken"], *differences(result["types"], counted)]
    if exchange.ledger is not None:
        ledger = f"sqlite:///{exchange.ledger}"
        if run(exchange_command("verify", "--ledger", ledger)):
            problems.append("exchange verify is not clean")
    result.update(problems=problems, waiting=waiting, memory_mebibytes=memory.readings, counted=counted)
    report.write_text(json.dumps(result, indent=2) + "\n")
    print(memory.text())
    print(f"report: {options.out / 'load.html'}, figures: {report}, waiting at the end: {waiting}")
    print("load test: " + ("; ".join(problems) if problems else "held"))
    return 1 if problems else 0


def send(url: str, folder: Path, options: argparse.Namespace, others: Sequence[str]) -> int:
    """Run locust, alone or as a master with workers."""
    locust = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE)]
    ours = ["--calls", str(folder / "samples"), "--senders", str(options.senders), *others]
    users = chosen_users(options.channel, options.sector)
    leading = [
        *locust, *users, "--headless", "--host", url, "--stop-timeout", str(LAST_REPLIES_SECONDS), "--only-summary",
        "--html", str(options.out / "load.html"), "--csv", str(options.out / "load"), "--report", str(options.out / "load.json"), *ours,
    ]  # fmt: skip
    if options.senders == 1:
        return run(leading)
    port = str(free_port())
    with ExitStack() as stack:
        for number in range(options.senders):
            follow = [
                *locust,
                *users,
                "--worker",
                "--master-host",
                "127.0.0.1",
                "--master-port",
                port,
                "--stop-timeout",
                str(LAST_REPLIES_SECONDS),
            ]
            stack.enter_context(started(follow, folder / f"sender-{number}.log"))
        master = [
            "--master",
            "--master-bind-host",
            "127.0.0.1",
            "--master-bind-port",
            port,
            "--expect-workers",
            str(options.senders),
        ]
        code = run([*leading, *master])
        # A worker ends by itself when its master does.
        time.sleep(1.0)
    return code


def chosen_users(channels: Sequence[str], sectors: Sequence[str]) -> list[str]:
    """The names of the classes of users to take; none for all."""
    if not channels and not sectors:
        return []
    flows = workload.load().only(channels, sectors).flows
    if not flows:
        raise NotRunning("no flow of such a channel and sector")
    return sorted({workload.class_name(flow.channel, flow.sector) for flow in flows})


def differences(types: Mapping[str, Mapping[str, int]], counted: Mapping[str, int]) -> list[str]:
    """Where the exchange counted other than the client: as many as got a yes, and at most as many more as got no reply."""
    found = []
    for name, sums in sorted(types.items()):
        if name == workload.READING:
            continue
        least, count = sums["accepted"], counted.get(name, 0)
        if name in counted and not least <= count <= least + sums["unknown"]:
            found.append(f"{name}: {least} calls got a yes, {sums['unknown']} no reply, but {count} are counted as accepted")
        if name not in counted and least:
            found.append(f"{name}: {least} calls got a yes, none is counted as accepted")
    return found


class Memory(threading.Thread):
    """Reads the exchange's memory every few seconds: (seconds from the start, MiB)."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(daemon=True)
        self._exchange = exchange
        self._stop_event = threading.Event()
        self.readings: list[tuple[float, float]] = []

    def run(self) -> None:
        """Read until the end."""
        begun = time.monotonic()
        while True:
            if used := self._exchange.memory_mebibytes():
                self.readings.append((round(time.monotonic() - begun, 1), round(used, 1)))
            if self._stop_event.wait(MEMORY_EVERY_SECONDS):
                return

    def end(self) -> None:
        """Stop reading."""
        self._stop_event.set()
        self.join()

    def text(self) -> str:
        """The memory in a line."""
        if not self.readings:
            return "memory: not ours to read"
        used = [each for _, each in self.readings]
        return f"memory of the exchange: {used[0]} MiB at first, {used[-1]} MiB at last, {max(used)} MiB at most"


if __name__ == "__main__":
    sys.exit(main())

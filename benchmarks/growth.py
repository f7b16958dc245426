"""`python -m benchmarks.growth` (`make growth`): the exchange on ledgers of several sizes, in turn; prints a table and writes JSON."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.cases import CASES, Case
from benchmarks.driver import Measured, drive
from benchmarks.filling import fill, harvest
from benchmarks.plans import plans
from benchmarks.processes import exchange_environment, free_port, resident_mebibytes, server
from exchange.settings import Settings
from exchange.storage.verify import verify

#: Connections at which throughput is measured, and at which a latency is: few, so that a call waits for no other.
BUSY_CONNECTIONS, CALM_CONNECTIONS = 64, 2
#: The first turn is not counted, and has so many times fewer messages.
WARM_UP = 3
RUN_SECONDS_MAX = 300.0
REST_SECONDS = 0.3
READY_SECONDS = 120.0
#: Small JSON one way, a round trip with an answer kept, and documents with ids by chance whose case is remembered.
MEASURED = ("luova-json", "kelmu-query", "eessi-sed")


@dataclass(slots=True)
class Standing:
    """A ledger with a running exchange, and what was measured of it: case -> runs, busy and calm."""

    size: int
    folder: Path
    port: int = 0
    process: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    busy: dict[str, list[Measured]] = field(default_factory=dict)
    calm: dict[str, list[Measured]] = field(default_factory=dict)

    @property
    def ledger(self) -> Path:
        """The ledger's file."""
        return self.folder / "exchange.db"


def main() -> None:
    """Fill, start, measure in turn, verify, report."""
    parser = argparse.ArgumentParser(prog="make growth", description=__doc__)
    parser.add_argument("sizes", type=int, nargs="*", help="messages in the ledgers (0 1000000); the first is compared with")
    parser.add_argument("--a-day", type=int, default=500_000, help="messages a day that the ledger was filled with")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each ledger")
    parser.add_argument("--requests", type=int, default=1500, help="messages of one busy run; a calm one has a quarter")
    parser.add_argument("--harvest-seconds", type=float, default=15.0, help="real traffic that the messages are copied from")
    parser.add_argument("--verify", action=argparse.BooleanOptionalAction, default=True, help="recount each ledger at the end")
    parser.add_argument(
        "--folder", type=Path, help="where the ledgers go (a temporary folder otherwise); full ones are used again"
    )
    parser.add_argument("--out", type=Path, default=Path("reports/growth.json"), help="where the results go as JSON")
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        root = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="exchange-growth-")))
        standing = [prepare(root, size, options) for size in options.sizes or [0, 1_000_000]]
        cases = [case for case in CASES if case.name in MEASURED]
        with ExitStack() as servers:
            sinks = {case.name: start_sink(case, servers) for case in cases}
            for case in cases:
                measure(case, standing, sinks[case.name], options.rounds, options.requests)
        for each in standing:
            conclude(each, options.verify)
        report = {
            "options": {key: str(value) for key, value in vars(options).items()},
            "ledgers": [row(each) for each in standing],
        }
    options.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(table(standing, [case.name for case in cases]))
    print(f"\nresults in {options.out}")


def prepare(root: Path, size: int, options: argparse.Namespace) -> Standing:
    """A ledger of that size; one that is full already is taken as it is."""
    each = Standing(size, root / str(size))
    each.folder.mkdir(parents=True, exist_ok=True)
    if size and not (each.folder / "full").exists():
        seed = root / "harvest"
        seed.mkdir(exist_ok=True)
        if not (seed / "exchange.db").exists():
            real_traffic(seed, options.harvest_seconds)
        each.ledger.unlink(missing_ok=True)
        begun = time.monotonic()
        fill(each.ledger, harvest(seed / "exchange.db"), size, options.a_day, Settings(), _Progress(size))
        each.facts["fill_seconds"] = round(time.monotonic() - begun, 1)
        (each.folder / "full").touch()
    each.facts["bytes"] = each.ledger.stat().st_size if each.ledger.exists() else 0
    return each


class _Progress:
    """Says now and then how far the filling is."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._begun = self._said = time.monotonic()

    def __call__(self, done: int) -> None:
        now = time.monotonic()
        if now - self._said > 10 or done == self._size:
            self._said = now
            rate = done / (now - self._begun)
            print(f"filled {done:,} of {self._size:,} messages, {rate:,.0f} a second", file=sys.stderr, flush=True)


def real_traffic(folder: Path, seconds: float) -> None:
    """Some seconds of all flows through a real exchange, its ledger left in `folder`."""
    command = [sys.executable, "-m", "exchange", "run", "--duration", str(seconds), "--rate", "100"]
    ports = ["--port", str(free_port()), "--partners-port", str(free_port())]
    environment = {**os.environ, "EXCHANGE_STORAGE__URL": f"sqlite:///{folder / 'exchange.db'}"}
    subprocess.run([*command, *ports], env=environment, check=True, stdout=subprocess.DEVNULL)


def start_sink(case: Case, stack: ExitStack) -> int:
    """What the exchange delivers to; its port."""
    port = free_port()
    stack.enter_context(
        server(["benchmarks.servers", "sink", str(port), *([case.channel] * case.answered)], port, os.sched_getaffinity(0))
    )
    return port


@contextmanager
def exchange_on(each: Standing, sink: int) -> Any:
    """The exchange on that ledger, until the block ends; notes how long it took to be ready."""
    forget_pages(each.ledger)
    each.port = free_port()
    begun = time.monotonic()
    command = ["exchange", "serve", "--port", str(each.port)]
    with server(command, each.port, os.sched_getaffinity(0), exchange_environment(each.folder, sink)) as process:
        each.process = process
        ready(each.port)
        each.facts.setdefault("start_seconds", []).append(round(time.monotonic() - begun, 2))
        yield


def ready(port: int) -> None:
    """Wait until the exchange takes messages.

    Raises:
        TimeoutError: when it does not.
    """
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=READY_SECONDS):
            return
        time.sleep(0.02)
    raise TimeoutError("the exchange is not ready")


def forget_pages(ledger: Path) -> None:
    """Ask the system to drop what it has of the file in memory, as after a restart of the machine."""
    if not ledger.exists():
        return
    descriptor = os.open(ledger, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def measure(case: Case, standing: Sequence[Standing], sink: int, rounds: int, count: int) -> None:
    """One case: all exchanges stand at once and take turns, so that a drift of the machine meets all alike."""
    now = time.time_ns() // 1_000_000
    serials = itertools.count(now % 1_000_000)
    with ExitStack() as stack:
        for each in standing:
            stack.enter_context(exchange_on(each, sink))
        for number in range(rounds + 1):
            for each in standing if number % 2 else reversed(standing):
                for connections, kept, some in ((BUSY_CONNECTIONS, each.busy, count), (CALM_CONNECTIONS, each.calm, count // 4)):
                    serial = next(serials)
                    requests = iter(case.requests(some if number else some // WARM_UP, now, serial, serial << 24))
                    took = uvloop.run(drive("127.0.0.1", each.port, requests, connections, RUN_SECONDS_MAX))
                    if took.unexpected:
                        raise SystemExit(f"{case.name}: unexpected answer: {took.first_unexpected.decode(errors='replace')}")
                    if number:
                        kept.setdefault(case.name, []).append(took)
                    time.sleep(REST_SECONDS)
        for each in standing:
            each.facts.setdefault("memory_mebibytes", []).append(round(resident_mebibytes(each.process), 1))


def conclude(each: Standing, verified: bool) -> None:
    """The plans, and the recount."""
    each.facts["plans"] = {plan.name: list(plan.steps) for plan in plans(each.ledger)}
    each.facts["scans"] = [plan.name for plan in plans(each.ledger) if plan.scans]
    if verified:
        begun = time.monotonic()
        found = verify(each.ledger)
        each.facts["verify_seconds"] = round(time.monotonic() - begun, 1)
        each.facts["verify_clean"] = found.clean
        if not found.clean:
            raise SystemExit(
                f"the ledger of {each.size:,} messages is not clean: {[check for check in found.checks if check.broken]}"
            )


def row(each: Standing) -> dict[str, Any]:
    """One ledger's results as JSON data."""
    cases = {
        name: {
            "rate": [round(run.rate, 1) for run in each.busy[name]],
            "busy_p99": [round(run.percentile(0.99), 2) for run in each.busy[name]],
            "calm_p50": [round(run.percentile(0.5), 2) for run in each.calm[name]],
            "calm_p99": [round(run.percentile(0.99), 2) for run in each.calm[name]],
        }
        for name in each.busy
    }
    return {"messages": each.size, "cases": cases, **each.facts}


def table(standing: Sequence[Standing], cases: Sequence[str]) -> str:
    """The results as Markdown; ratios are medians of the rounds' own, against the first ledger."""
    lines = [
        f"| messages in the ledger | case | messages/s, {BUSY_CONNECTIONS} connections | of the first (median, min–max) | p99 ms "
        f"| p50 ms, {CALM_CONNECTIONS} connections | p99 ms |",
        "|---|---|---|---|---|---|---|",
    ]
    for each, name in itertools.product(standing, cases):
        busy, calm, first = each.busy[name], each.calm[name], standing[0].busy[name]
        ratios = [run.rate / other.rate for run, other in zip(busy, first, strict=True)]
        lines.append(
            f"| {each.size:,} | {name} | {statistics.median(run.rate for run in busy):,.0f} "
            f"| {statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f}) | {_median(busy, 0.99)} "
            f"| {_median(calm, 0.5)} | {_median(calm, 0.99)} |"
        )
    for each in standing:
        facts = {name: value for name, value in each.facts.items() if name != "plans"}
        lines.append(f"\n{each.size:,} messages: " + ", ".join(f"{name} {value}" for name, value in facts.items()))
    return "\n".join(lines)


def _median(runs: Sequence[Measured], share: float) -> str:
    return f"{statistics.median(run.percentile(share) for run in runs):.1f}"


if __name__ == "__main__":
    main()

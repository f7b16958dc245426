"""`python -m exchange.benchmarks`: every case against echo, ceiling and the exchange, paired in one
run; prints a table and writes JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp
import uvloop

from exchange.benchmarks import others, regression
from exchange.benchmarks.cases import CASES, Case
from exchange.benchmarks.driver import Measured, drive
from exchange.benchmarks.income_delivery import in_process, told
from exchange.benchmarks.processes import exchange_environment, free_port, server
from exchange.benchmarks.regression import LARGE

#: Reports and runs of the one measurement that has no server; the first runs teach the forms.
LARGE_REPORTS, LARGE_RUNS = 3_000, 9
WARM_UP_SECONDS = 0.5

REST_SECONDS = 0.3
#: Longest wait for the deliveries of a run.
DRAIN_SECONDS = 60.0
#: Requests that are sent again and again to servers that don't care.
SAME_REQUESTS = 500
#: Serial numbers of one run: more than it has messages, and few enough that all runs' fit in eight
#: digits.
SERIALS = 1_000_000


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--case",
        action="append",
        choices=[*(case.name for case in CASES), LARGE],
        help="only this case (may be given again)",
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="paired runs (at least 5 for a figure to quote)"
    )
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one run")
    parser.add_argument(
        "--connections", type=int, default=64, help="connections, each with one request under way"
    )
    parser.add_argument(
        "--no-others",
        dest="others",
        action="store_false",
        help="without MockServer, WireMock and mountebank",
    )
    parser.add_argument(
        "--compare",
        action="store_true",
        help="fail when a ratio is more than 15 %% below the kept one",
    )
    parser.add_argument(
        "--keep", action="store_true", help="keep this run's ratios for later comparisons"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("reports/bench.json"), help="where the results go as JSON"
    )
    options = parser.parse_args()
    chosen = [case for case in CASES if not options.case or case.name in options.case]
    modules = others.installed() if options.others else None
    if options.others and modules is None:
        print(
            "MockServer, WireMock and mountebank are left out: they need Node, Java and the npm "
            "registry",
            file=sys.stderr,
        )
    report: dict[str, Any] = {
        "machine": machine(),
        "options": {key: str(value) for key, value in vars(options).items()},
        "cases": [],
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    for case in chosen:
        print(f"measuring: {case.title}", file=sys.stderr, flush=True)
        report["cases"].append(
            measure(case, options.rounds, options.seconds, options.connections, modules)
        )
        # After each case, so that what was measured outlives a case that fails.
        options.out.write_text(json.dumps(report, indent=2) + "\n")
    if not options.case or LARGE in options.case:
        print("measuring: a large delivery in process", file=sys.stderr, flush=True)
        report[LARGE] = in_process(LARGE_REPORTS, LARGE_RUNS)
        options.out.write_text(json.dumps(report, indent=2) + "\n")
    if report["cases"]:
        print(table(report["cases"]))
    if LARGE in report:
        print(f"\n{told(report[LARGE])}")
    print(f"\n{report['machine']}; results in {options.out}")
    if options.keep:
        regression.keep(report)
    if options.compare and (lost := list(regression.losses(report, regression.read_baseline()))):
        raise SystemExit("slower than before:\n" + "\n".join(lost))


def machine() -> str:
    """The machine in a line."""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def measure(
    case: Case, rounds: int, seconds: float, connections: int, modules: Path | None
) -> dict[str, object]:
    """One case: all servers stand at once and take turns, A B C D A B C D, so that a drift of the
    machine meets all alike.
    """
    now = time.time_ns() // 1_000_000
    with ExitStack() as stack:
        ports = start(
            case, stack, Path(stack.enter_context(tempfile.TemporaryDirectory())), modules
        )
        serials = itertools.count(1)
        same = case.requests(SAME_REQUESTS, now, 0, 1)
        bare = [case.unwrapped(each) for each in same]
        runs: dict[str, list[Measured]] = {name: [] for name in ports}
        for number in range(rounds + 1):
            for name, port in ports.items():
                length = WARM_UP_SECONDS if number == 0 else seconds
                if name.startswith("exchange"):
                    # Every message of its own: the exchange would take a second one for a
                    # duplicate.
                    count, serial = int((length + 1) * case.requests_per_second_max), next(serials)
                    requests = iter(case.requests(count, now, serial, serial * SERIALS))
                else:
                    requests = itertools.cycle(bare if "XSD" in name else same)
                try:
                    took = uvloop.run(
                        one_run(port, requests, connections, length, name.startswith("exchange"))
                    )
                except TimeoutError as error:
                    raise SystemExit(f"{case.name}: {name}: {error}") from error
                if took.unexpected:
                    raise SystemExit(
                        f"{case.name}: {name} answered "
                        f"unexpectedly:\n{took.first_unexpected.decode(errors='replace')}"
                    )
                if number:
                    runs[name].append(took)
                time.sleep(REST_SECONDS)
    return summarise(case, runs)


def start(case: Case, stack: ExitStack, folder: Path, modules: Path | None) -> dict[str, int]:
    """Start every server of a case on the first core (two workers: both cores); the sink shares the
    driver's core.
    """
    first, last = {0}, {(os.cpu_count() or 1) - 1}
    os.sched_setaffinity(0, last)
    ports = {"echo": free_port()}
    stack.enter_context(
        server(["exchange.benchmarks.servers", "echo", str(ports["echo"])], ports["echo"], first)
    )
    if case.schemas:
        ports["ceiling"] = free_port()
        judged = [str(schema) for schema in case.schemas]
        stack.enter_context(
            server(
                ["exchange.benchmarks.servers", "ceiling", str(ports["ceiling"]), *judged],
                ports["ceiling"],
                first,
            )
        )
    sink = free_port()
    stack.enter_context(
        server(
            ["exchange.benchmarks.servers", "sink", str(sink), *([case.channel] * case.answered)],
            sink,
            last,
        )
    )
    for workers, cores in ((1, first), (2, first | last)):
        name = "exchange" if workers == 1 else f"exchange, {workers} workers"
        ports[name] = free_port()
        home = folder / str(workers)
        home.mkdir()
        command = ["exchange", "serve", "--port", str(ports[name]), "--workers", str(workers)]
        stack.enter_context(server(command, ports[name], cores, exchange_environment(home, sink)))
    if modules is not None:
        schema = case.schemas[0] if len(case.schemas) == 1 else None
        ports |= others.start(modules, schema, stack, first)
    return ports


async def one_run(
    port: int, requests: Iterator[bytes], connections: int, seconds: float, drains: bool
) -> Measured:
    """One run; with `drains` it ends when everything that was accepted is delivered too."""
    measured = await drive("127.0.0.1", port, requests, connections, seconds)
    if drains:
        measured.whole_seconds = measured.seconds + await drained(
            f"http://127.0.0.1:{port}/api/v1/snapshot"
        )
    return measured


async def drained(url: str) -> float:
    """Seconds until nothing waits any more."""
    begun = time.perf_counter()
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.get(url) as response:
                channels = (await response.json())["channels"]
            waited = time.perf_counter() - begun
            if not any(row["waiting"] for row in channels.values()):
                return waited
            if waited > DRAIN_SECONDS:
                raise TimeoutError(f"deliveries still wait after {DRAIN_SECONDS:.0f} s: {channels}")
            await asyncio.sleep(0.05)


def summarise(case: Case, runs: dict[str, list[Measured]]) -> dict[str, object]:
    """Medians and spreads of rates, and of the ratios of each round."""
    base = "ceiling" if "ceiling" in runs else "echo"
    servers = {}
    for name, measured in runs.items():
        ratios = [each.rate / other.rate for each, other in zip(measured, runs[base], strict=True)]
        rates = [each.rate for each in measured]
        servers[name] = {
            "rate": round(statistics.median(rates), 1),
            "rate_min": round(min(rates), 1),
            "rate_max": round(max(rates), 1),
            "p50_milliseconds": round(
                statistics.median(each.percentile(0.5) for each in measured), 2
            ),
            "p99_milliseconds": round(
                statistics.median(each.percentile(0.99) for each in measured), 2
            ),
            "whole_rate": round(statistics.median(each.whole_rate for each in measured), 1),
            f"ratio_to_{base}": round(statistics.median(ratios), 3),
            "ratio_min": round(min(ratios), 3),
            "ratio_max": round(max(ratios), 3),
        }
    size = len(next(case.calls(0, 1, 1)).body)
    return {"case": case.name, "title": case.title, "bytes": size, "base": base, "servers": servers}


def table(results: list[dict[str, object]]) -> str:
    """The results as Markdown."""
    lines = [
        "| message | server | receipts/s (median, min–max) | p50 ms | p99 ms | ratio (median, "
        "min–max) | delivered/s |",
        "|---|---|---|---|---|---|---|",
    ]
    for result in results:
        servers = result["servers"]
        assert isinstance(servers, dict)
        for name, row in servers.items():
            lines.append(
                f"| {result['title']}, {result['bytes']} B | {name} | {row['rate']:,.0f} "
                f"({row['rate_min']:,.0f}–{row['rate_max']:,.0f}) "
                f"| {row['p50_milliseconds']} | {row['p99_milliseconds']} "
                f"| {row['ratio_to_' + str(result['base'])]:.2f} of {result['base']} "
                f"({row['ratio_min']:.2f}–{row['ratio_max']:.2f}) "
                f"| {format(row['whole_rate'], ',.0f') if row['whole_rate'] else ''} |"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()

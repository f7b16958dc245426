"""What the benchmark measured, as data, as tables and as a kept file; measures nothing."""

from __future__ import annotations

import json
import os
import platform
import re
import sqlite3
import statistics
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import Any

from lxml import etree

from exchange.benchmarks.cases import Case
from exchange.benchmarks.driver import Measured
from exchange.benchmarks.measure import Taken

#: What every other server's rate is set against, and what where there is no limit.
BASE, BARE = "limit", "echo"
RESULTS = Path(__file__).with_name("results")
LIBRARIES = ("aiohttp", "cryptography", "lxml", "pydantic", "uvloop")


def machine() -> str:
    """The machine in a line."""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def surroundings() -> dict[str, Any]:
    """What a figure depends on besides the code: machine, load before the run, versions, command."""
    cpuinfo = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.*)", cpuinfo.read_text()) if cpuinfo.exists() else None
    return {
        "commit": commit(),
        "machine": machine(),
        "processor": found[1] if found else platform.processor(),
        "system": platform.platform(),
        "load_before": [round(each, 2) for each in os.getloadavg()],
        "versions": {name: metadata.version(name) for name in LIBRARIES}
        | {"sqlite": sqlite3.sqlite_version, "libxml2": ".".join(map(str, etree.LIBXML_VERSION))},
        "command": ["python", "-m", "exchange.benchmarks", *sys.argv[1:]],
    }


def commit() -> str:
    """The commit of the sources, `-changed` behind it when they are not as it says; `unknown`
    outside a checkout.
    """
    folder = Path(__file__).resolve().parent
    told = subprocess.run(
        ["git", "describe", "--always", "--abbrev=7", "--exclude", "*", "--dirty=-changed"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() or "unknown"


def keep(report: Mapping[str, Any]) -> Path:
    """Write the whole report as `results/<commit>.json`; where that is gives the path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{report['commit']}.json"
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return path


def summarise(case: Case, taken: Mapping[str, Taken]) -> dict[str, Any]:
    """Medians and spreads of rates, and of the ratios of each round to the limit server (where
    there is none, to the bare echo); each round as it was.
    """
    name_of_base = BASE if BASE in taken else BARE
    base = taken[name_of_base].runs
    servers = {}
    for name, each in taken.items():
        ratios = [
            one.carried_rate / other.carried_rate
            for one, other in zip(each.runs, base, strict=True)
        ]
        servers[name] = {
            **_of(each.runs),
            **_spread(f"ratio_to_{name_of_base}", "ratio", ratios, 3),
        }
        if each.server.did:
            servers[name] |= {
                "did": each.server.did,
                "did_not": each.server.did_not,
                "warmed_seconds": each.warmed_seconds,
                "steady": each.steady,
            }
    size = round(statistics.mean(len(call.body) for call in islice(case.calls(0, 1, 1), 100)))
    told = {"case": case.name, "title": case.title, "bytes": size, "base": name_of_base}
    return {**told, "servers": servers}


def _of(runs: list[Measured] | Any) -> dict[str, Any]:
    rounds = [
        {
            "rate": round(run.rate, 1),
            "whole_rate": round(run.whole_rate, 1),
            "p50_milliseconds": round(run.percentile(0.5), 2),
            "p99_milliseconds": round(run.percentile(0.99), 2),
        }
        for run in runs
    ]
    middle = {
        name: round(statistics.median(each[name] for each in rounds), 2)
        for name in ("whole_rate", "p50_milliseconds", "p99_milliseconds")
    }
    rates = _spread("rate", "rate", [run.rate for run in runs], 1)
    return {**rates, **middle, "rounds": rounds}


def _spread(name: str, stem: str, values: list[float], digits: int) -> dict[str, float]:
    least, greatest = round(min(values), digits), round(max(values), digits)
    middle = round(statistics.median(values), digits)
    return {name: middle, f"{stem}_min": least, f"{stem}_max": greatest}


def _share(base: str, row: Mapping[str, Any]) -> str:
    told = f"{row[f'ratio_to_{base}']:.2f} ({row['ratio_min']:.2f}–{row['ratio_max']:.2f})"
    return told if base == BASE else f"*{told}*"


def table(results: list[dict[str, Any]]) -> str:
    """The results of our own servers as Markdown, then those of other mock servers, if any."""
    lines = [
        "| message | server | receipts/s (median, min–max) | p50 ms | p99 ms | delivered/s | of "
        "the limit, whole way (median, min–max); *of the echo where there is no limit* |",
        "|---|---|---|---|---|---|---|",
    ]
    others = [
        "",
        "| message | server | answers/s (median, min–max) | it did | it did not | warmed |",
        "|---|---|---|---|---|---|",
    ]
    for result in results:
        for name, row in result["servers"].items():
            rates = f"{row['rate']:,.0f} ({row['rate_min']:,.0f}–{row['rate_max']:,.0f})"
            head = f"| {result['title']}, {result['bytes']} B | {name} | {rates} "
            if "did" in row:
                steady = "" if row["steady"] else ", not steady"
                others.append(
                    f"{head}| {row['did']} | {row['did_not']} "
                    f"| {row['warmed_seconds']:.0f} s{steady} |"
                )
                continue
            whole = f"{row['whole_rate']:,.0f}" if row["whole_rate"] else ""
            lines.append(
                f"{head}| {row['p50_milliseconds']} | {row['p99_milliseconds']} | {whole} "
                f"| {_share(result['base'], row)} |"
            )
    return "\n".join(lines + (others if len(others) > 3 else []))


if __name__ == "__main__":
    print(table(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["cases"]))

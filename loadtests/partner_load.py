"""`make load TO=ID`: a load on a partner's own endpoint, of the pushes that it would get: at the
mean of the day, ten times that, and as on a pay day. The exchange takes no part: it makes the
pushes beforehand.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from copy import copy
from pathlib import Path
from typing import Any

from exchange.lifetime import ends_with_us
from loadtests import processes

SECRET = "EXCHANGE_CALLBACK_SECRET"
FILE = "pushes.calls.jsonl"
#: Runs by name: shape, and how many times the rate.
RUNS = {"mean": ("flat", 1.0), "ten-times": ("flat", 10.0), "pay-day": ("pay-day", 1.0)}
SECONDS = 60.0
DAY_SECONDS = 86_400.0

#: Runs locust against an address with samples, and writes a report.
Locust = Callable[[argparse.Namespace, str, Path, Path], int]


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of such a load."""
    parser.add_argument("--to", default="", help="a partner: its own endpoint gets the load")
    parser.add_argument("--url", default="", help="with --to: where the partner is called")
    parser.add_argument("--sector", default="", help="with --to: of one not in the directory")


def towards(given: argparse.Namespace, locust: Locust) -> int:
    """Make the loads one after the other; 0 when each kept the budget, 1 when not, 2 when there is
    nothing to send, or nobody to send it to.
    """
    if not os.environ.get(SECRET):
        print(f"pushes are signed: give the partner's secret as {SECRET}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="load-") as name:
        folder = Path(name)
        if _pushes(given, folder) != 0:
            return 2
        host, mix = read(folder / FILE)
        try:
            processes.reach(host)
        except processes.NotReady as error:
            print(f"make load: error: --to: {error}", file=sys.stderr)
            return 2
        (folder / "mix.toml").write_text(mix, encoding="utf-8")
        exceeded = []
        for run, (shape, times) in runs(given).items():
            own = copy(given)
            own.mix, own.shape = folder / "mix.toml", shape
            own.rate = times * (given.rate or given.day * given.factor / DAY_SECONDS)
            own.seconds = given.seconds or SECONDS
            report = given.reports / f"load-{given.to}-{run}.json"
            report.unlink(missing_ok=True)
            print(f"{run}: {own.rate:g} pushes a second to {host}", flush=True)
            locust(own, host, folder, report)
            if not report.exists():
                exceeded.append(f"{run}: locust wrote no report")
                continue
            told: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
            exceeded += [f"{run}: {each}" for each in told["exceeded"]]
            print(f"report: {report}")
    print("\n".join(exceeded) or f"budget {given.budget} kept")
    return 1 if exceeded else 0


def runs(given: argparse.Namespace) -> dict[str, tuple[str, float]]:
    """All runs, or the one that a shape was named for."""
    return {given.shape: (given.shape, 1.0)} if given.shape else RUNS


def read(path: Path) -> tuple[str, str]:
    """The address that pushes go to, and the mix of them as a file that a load reads."""
    calls = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    weights = {(each["channel"], each["sector"], each["type"]): each["weight"] for each in calls}
    flows = [
        f'[[flow]]\nchannel = "{channel}"\nsector = "{sector}"\ntype = "{name}"\ncalls = {weight}\n'
        for (channel, sector, name), weight in weights.items()
    ]
    return calls[0]["host"], "\n".join(flows)


def _pushes(given: argparse.Namespace, folder: Path) -> int:
    """Have the pushes made; the exit code."""
    command = [sys.executable, "-m", "exchange", "pushes", "--partner", given.to]
    for option, value in (("--url", given.url), ("--sector", given.sector)):
        command += [option, value] if value else []
    command += ["--seed", str(given.seed), "--out", str(folder)]
    return subprocess.run(
        command,
        env=processes.environment(),
        cwd=processes.ROOT,
        check=False,
        preexec_fn=ends_with_us(),
    ).returncode

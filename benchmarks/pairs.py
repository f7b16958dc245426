"""`python -m exchange.benchmarks.pairs OLD`: the code of another checkout and of this one, measured
in turn; each has a `.venv` of its own (`make .venv/.ready`), and measures itself.

Machines drift by a tenth within an hour, so figures of two versions are comparable only so.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from exchange.benchmarks.cases import CASES
from exchange.benchmarks.regression import LARGE
from exchange.lifetime import end_in_order, ends_with_us

#: The name under which `make load` is measured, and which calls a second it sends then: a hundred
#: times the mean of the whole traffic.
LOAD, LOAD_RATE = "load", 174
NEW = Path(__file__).resolve().parent.parent


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m exchange.benchmarks.pairs", description=__doc__
    )
    parser.add_argument("old", type=Path, help="another checkout, with its .venv")
    names = [*(case.name for case in CASES), LARGE, LOAD]
    parser.add_argument("--case", action="append", choices=names, help="may be given again")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of a run")
    given = parser.parse_args()
    for checkout in (given.old, NEW):
        if not (checkout / ".venv/bin/exchange").exists():
            parser.error(f"{checkout} has no .venv/bin/exchange: run `make .venv/.ready` there")
    print("| case | figure | old (min–max) | new (min–max) | new / old (min–max) |")
    print("|---|---|---|---|---|")
    for case in given.case or names:
        old: list[dict[str, float]] = []
        new: list[dict[str, float]] = []
        for number in range(given.rounds):
            print(f"{case}: round {number + 1}", file=sys.stderr, flush=True)
            sides = [(given.old.resolve(), old), (NEW, new)]
            # Each begins as often as the other: who comes second finds a warmer machine.
            for checkout, figures in sides if number % 2 == 0 else reversed(sides):
                figures.append(measured(checkout, case, given.seconds))
        print("\n".join(rows(case, old, new)), flush=True)


def measured(checkout: Path, case: str, seconds: float) -> dict[str, float]:
    """One run of a checkout: its figures by name.

    Raises:
        SystemExit: when the checkout gave none.
    """
    with tempfile.TemporaryDirectory(prefix="pairs-") as name:
        folder = Path(name)
        if case == LOAD:
            command = ["python", "-m", "loadtests", "--rate", str(LOAD_RATE), "--reports", name]
            out = folder / "load-flat.json"
        else:
            out = folder / "bench.json"
            command = ["exchange", "bench", "--", "--no-others", "--rounds", "1"]
            command += ["--case", case, "--out", str(out)]
        command[0] = str(checkout / ".venv/bin" / command[0])
        done = subprocess.run(
            [*command, "--seconds", str(seconds)],
            cwd=checkout,
            capture_output=True,
            text=True,
            check=False,
            # Its folders lie in ours, so that they go also when it is killed.
            env={**os.environ, "TMPDIR": name},
            preexec_fn=ends_with_us(),
        )
        # A load test that exceeds its budget has measured all the same.
        if not out.exists():
            raise SystemExit(f"{checkout}: {case}: {(done.stderr or done.stdout)[-2000:]}")
        return dict(figures_of(json.loads(out.read_text(encoding="utf-8"))))


def figures_of(report: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The exchange's figures in a report of `make bench` or `make load`."""
    for channel, row in report.get("channels", {}).items():
        yield f"{channel} p50 ms", row["p50_milliseconds"]
        yield f"{channel} p99 ms", row["p99_milliseconds"]
    for case in report.get("cases", ()):
        for name, row in case["servers"].items():
            if name.startswith("exchange"):
                yield f"{name}, receipts/s", row["rate"]
                yield f"{name}, delivered/s", row["whole_rate"]
                yield f"{name}, p99 ms", row["p99_milliseconds"]
    if LARGE in report:
        yield "reports/s", report[LARGE]["exchange_reports_a_second"]


def rows(
    case: str, old: Sequence[Mapping[str, float]], new: Sequence[Mapping[str, float]]
) -> Iterator[str]:
    """A row for each figure that both have: medians and spreads, and of the ratios of each round."""
    for name in old[0]:
        pairs = [
            (one[name], other[name]) for one, other in zip(old, new, strict=True) if name in other
        ]
        if len(pairs) == len(old) and all(before for before, _ in pairs):
            sides = [_told(side, ",.1f") for side in zip(*pairs, strict=True)]
            ratios = _told([after / before for before, after in pairs], ".3f")
            yield f"| {case} | {name} | {' | '.join(sides)} | {ratios} |"


def _told(values: Sequence[float], form: str) -> str:
    low, middle, high = (format(f(values), form) for f in (min, statistics.median, max))
    return f"{middle} ({low}–{high})"


if __name__ == "__main__":
    end_in_order()
    main()

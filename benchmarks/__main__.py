"""`python -m exchange.benchmarks`: every case against echo, ceiling, the limit, other mock servers
and the exchange, paired in one run; prints tables and writes JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from exchange.benchmarks import mock_servers, regression
from exchange.benchmarks.cases import CASES
from exchange.benchmarks.income_delivery import in_process, told
from exchange.benchmarks.measure import Unexpected, measure
from exchange.benchmarks.regression import LARGE
from exchange.benchmarks.report import keep, summarise, surroundings, table
from exchange.lifetime import end_in_order

#: Reports and runs of the one measurement that has no server; the first runs teach the forms.
LARGE_REPORTS, LARGE_RUNS = 3_000, 9


def options() -> argparse.Namespace:
    """The command line."""
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
        help="without MockServer, WireMock and mountebank, which are warmed for minutes",
    )
    parser.add_argument(
        "--compare",
        action="store_true",
        help="fail when a ratio is more than 15 %% below the kept one",
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        help="keep this run as benchmarks/results/<commit>.json, and its ratios for --compare",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("reports/bench.json"), help="where the results go as JSON"
    )
    return parser.parse_args()


def main() -> None:
    """Measure and report."""
    given = options()
    modules = mock_servers.installed() if given.others else None
    if given.others and modules is None:
        print(
            "MockServer, WireMock and mountebank are left out: they need Node, Java and the npm "
            "registry",
            file=sys.stderr,
        )
    report: dict[str, Any] = {**surroundings(), "cases": []}
    given.out.parent.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        if given.case and case.name not in given.case:
            continue
        print(f"measuring: {case.title}", file=sys.stderr, flush=True)
        try:
            taken = measure(case, given.rounds, given.seconds, given.connections, modules)
        except Unexpected as error:
            raise SystemExit(str(error)) from None
        report["cases"].append(summarise(case, taken))
        # After each case, so that what was measured outlives a case that fails.
        given.out.write_text(json.dumps(report, indent=2) + "\n")
    if not given.case or LARGE in given.case:
        print("measuring: a large delivery in process", file=sys.stderr, flush=True)
        report[LARGE] = in_process(LARGE_REPORTS, LARGE_RUNS)
        given.out.write_text(json.dumps(report, indent=2) + "\n")
    if report["cases"]:
        print(table(report["cases"]))
    if LARGE in report:
        print(f"\n{told(report[LARGE])}")
    loads = ", ".join(f"{each:.1f}" for each in report["load_before"])
    print(f"\n{report['machine']}, commit {report['commit']}, load before {loads}: {given.out}")
    if given.keep:
        regression.keep(report)
        print(f"kept in {keep(report)}")
    if given.compare and (lost := list(regression.losses(report, regression.read_baseline()))):
        raise SystemExit("slower than before:\n" + "\n".join(lost))


if __name__ == "__main__":
    end_in_order()
    main()

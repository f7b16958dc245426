"""Comparing a run's ratios with those kept in `baseline.json`; what measures lives elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: Where a report has the delivery that is taken in without a server.
LARGE = "large-delivery"
BASELINE = Path(__file__).with_name("baseline.json")
#: How much of a ratio may be lost before the comparison fails.
LOSS_MAX = 0.15


def ratios(report: dict[str, Any]) -> dict[str, float]:
    """`case / server` to its median ratio, of the exchange's servers only, and the ratio of a large
    delivery in process.
    """
    large = {f"{LARGE} / exchange": report[LARGE]["ratio"]} if LARGE in report else {}
    return large | {
        f"{case['case']} / {name}": row[f"ratio_to_{case['base']}"]
        for case in report["cases"]
        for name, row in case["servers"].items()
        if name.startswith("exchange")
    }


def losses(report: dict[str, Any], kept: dict[str, float]) -> Iterator[str]:
    """What lost more than `LOSS_MAX` of its kept ratio, and what is kept of a measured case but was
    not measured.
    """
    measured = ratios(report)
    cases = {case["case"] for case in report["cases"]} | ({LARGE} & report.keys())
    for name, ratio in kept.items():
        if name.partition(" / ")[0] not in cases:
            continue
        if name not in measured:
            yield f"{name}: {ratio:.3f} is kept, but it was not measured"
        elif measured[name] < ratio * (1 - LOSS_MAX):
            yield (
                f"{name}: {measured[name]:.3f}, {100 * (1 - measured[name] / ratio):.0f} % below "
                f"the kept {ratio:.3f}"
            )


def read_baseline() -> dict[str, float]:
    """The kept ratios."""
    kept: dict[str, float] = json.loads(BASELINE.read_text(encoding="utf-8"))
    return kept


def keep(report: dict[str, Any]) -> None:
    """Make this run's ratios the kept ones, beside those of cases that it did not measure."""
    before = read_baseline() if BASELINE.exists() else {}
    BASELINE.write_text(
        json.dumps(dict(sorted((before | ratios(report)).items())), indent=2) + "\n",
        encoding="utf-8",
    )

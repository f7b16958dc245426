"""Budgets of a load test and whether a run kept them; reads its own file, measures nothing."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PATH = Path(__file__).with_name("budgets.toml")
LATENCIES = ("p50_milliseconds", "p95_milliseconds", "p99_milliseconds")


def load(name: str, path: Path = PATH) -> dict[str, Any]:
    """The budget of that name.

    Raises:
        ValueError: when there is none.
    """
    budgets = tomllib.loads(path.read_text(encoding="utf-8"))
    if name not in budgets:
        raise ValueError(f"no budget {name!r} in {path.name}: {', '.join(budgets)}")
    budget: dict[str, Any] = budgets[name]
    return budget


def exceeded(report: Mapping[str, Any], budget: Mapping[str, Any]) -> list[str]:
    """What in the report is over the budget, in words; empty when all of it was kept."""
    found = []
    calls, failures = report["calls"], report["failures"]
    if not calls:
        return ["no call was made"]
    if failures > budget["failures_share"] * calls:
        found.append(f"{failures} of {calls} calls failed, over {budget['failures_share']:.2%}")
    for channel, figures in report["channels"].items():
        for name in LATENCIES:
            most = budget.get(channel, {}).get(name, budget.get(name))
            if most is not None and figures["calls"] and figures[name] > most:
                found.append(
                    f"{channel}: {name.partition('_')[0]} is {figures[name]} ms, over {most} ms"
                )
    return found


def exceeded_memory(memory: Mapping[str, float], budget: Mapping[str, Any]) -> list[str]:
    """The same of the memory of a worker of the exchange: `most_mib`, and `growth_mib` in the
    second half of the run.
    """
    found = []
    for name, limit in (("most_mib", "memory_mib"), ("growth_mib", "memory_growth_mib")):
        if limit in budget and memory and memory[name] > budget[limit]:
            found.append(
                f"memory of a worker: {name.partition('_')[0]} is {memory[name]:.0f} MiB, over "
                f"{budget[limit]} MiB"
            )
    return found

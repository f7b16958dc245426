"""What limited a load: the processor time of each program, the commits and the disk, how late the
client started calls; reads /metrics and the system, and judges.
"""

from __future__ import annotations

import re
import resource
from collections.abc import Mapping, Sequence
from typing import Any

import psutil

_SUM = re.compile(r"^exchange_commit_(seconds|changes)_(sum|count) (\S+)$", re.MULTILINE)
#: From this share of a processor, or of the time, on, something limits.
BUSY_SHARE = 0.85
DISK_SHARE = 0.7
LATE_MILLISECONDS = 50


class Processors:
    """The processor time of programs that run, by name, and of children that have ended."""

    def __init__(self, processes: Mapping[str, int]) -> None:
        self._processes = {name: psutil.Process(number) for name, number in processes.items()}
        self._before = self._seconds()
        self._children = _of_ended_children()

    def figures(self) -> dict[str, float]:
        """Seconds since the beginning; of the busiest process where a program has several. `locust`
        are the children that have ended meanwhile, together.
        """
        now = self._seconds()
        found = {
            name: max(now[name][pid] - self._before[name].get(pid, 0.0) for pid in now[name])
            for name in now
        }
        return {**found, "locust": _of_ended_children() - self._children}

    def _seconds(self) -> dict[str, dict[int, float]]:
        return {
            name: {
                each.pid: sum(each.cpu_times()[:2])
                for each in (process, *process.children(recursive=True))
            }
            for name, process in self._processes.items()
        }


def _of_ended_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def commits(before: str, after: str) -> dict[str, float]:
    """Commits between two answers of /metrics of one worker: how many, changes in each on average,
    milliseconds of each, seconds in all.
    """
    first, last = (
        {found[:2]: float(found[2]) for found in _SUM.findall(each)} for each in (before, after)
    )
    grown = {key: last[key] - first.get(key, 0.0) for key in last}
    count = grown.get(("seconds", "count"), 0.0)
    if not count:
        return {}
    return {
        "commits": count,
        "changes_each": grown["changes", "sum"] / count,
        "milliseconds_each": 1000 * grown["seconds", "sum"] / count,
        "seconds": grown["seconds", "sum"],
    }


def limits(run: Mapping[str, Any], locusts: int) -> list[str]:
    """What limited a run, in words; empty when nothing of it did."""
    seconds = max(float(run["seconds"]), 0.001)
    shares = {name: used / seconds for name, used in run["processor_seconds"].items()}
    found = []
    if shares.get("exchange", 0.0) >= BUSY_SHARE:
        found.append(
            f"the exchange: its busiest process had {shares['exchange']:.0%} of a processor"
        )
    if shares.get("stubs", 0.0) >= BUSY_SHARE:
        found.append(f"the stubs: {shares['stubs']:.0%} of a processor")
    late = run["client_lateness"]["p99_milliseconds"]
    if shares.get("locust", 0.0) / locusts >= BUSY_SHARE or late > LATE_MILLISECONDS:
        found.append(
            f"the client: {shares['locust']:.0%} of a processor, one call in 100 {late} ms late"
        )
    committing = run.get("commits", {}).get("seconds", 0.0) / seconds
    if committing >= DISK_SHARE:
        found.append(f"the disk: commits took {committing:.0%} of the time")
    return found


def table(run: Mapping[str, Any], found: Sequence[str]) -> str:
    """What was measured, and what limited the run, for a person."""
    used = ", ".join(f"{name} {each:.1f} s" for name, each in run["processor_seconds"].items())
    lines = [f"processor time: {used} of {run['seconds']} s"]
    if told := run.get("commits"):
        lines.append(
            f"commits: {told['commits']:.0f}, {told['changes_each']:.1f} changes and "
            f"{told['milliseconds_each']:.2f} ms each"
        )
    lines.append("what limited it: " + ("; ".join(found) or "nothing of these"))
    return "\n".join(lines)

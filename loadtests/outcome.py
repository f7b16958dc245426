"""What a run gave: percentiles by channel, accepted calls by type, whether the budget was kept; reads locust's figures, sends nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from loadtests.budgets import Budget
from loadtests.schedule import Schedule

PERCENTILES = (0.5, 0.9, 0.95, 0.99, 0.999)
NO_REPLY = "no reply"


def percentile(times: Mapping[int, int], share: float) -> int:
    """The time (milliseconds) within which that share of the calls was answered; 0 of none. Times above 100 ms are rounded to
    two digits by locust."""
    whole = sum(times.values())
    reached = 0
    for time in sorted(times):
        reached += times[time]
        if reached >= share * whole:
            return time
    return 0


def result_of(stats: Any, late: Mapping[int, int], schedule: Schedule, steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The figures of a run as JSON data, from locust's `RequestStats`."""
    channels: dict[str, dict[str, Any]] = {}
    times: dict[str, Counter[int]] = {}
    types: dict[str, dict[str, int]] = {}
    for (name, channel), entry in stats.entries.items():
        row = channels.setdefault(channel, {"calls": 0, "failures": 0, "longest": 0})
        row["calls"] += entry.num_requests
        row["failures"] += entry.num_failures
        row["longest"] = max(row["longest"], round(entry.max_response_time or 0))
        times.setdefault(channel, Counter()).update(entry.response_times)
        sums = types.setdefault(name.split(" ")[0], {"accepted": 0, "refused": 0, "unknown": 0})
        sums["accepted"] += entry.num_requests - entry.num_failures
        sums["refused"] += entry.num_failures
    errors = []
    for error in stats.errors.values():
        message = str(error.error)
        errors.append({"channel": error.method, "name": error.name, "error": message, "count": error.occurrences})
        if NO_REPLY in message:
            sums = types[error.name.split(" ")[0]]
            sums["refused"] -= error.occurrences
            sums["unknown"] += error.occurrences
    for channel, row in channels.items():
        row.update({f"p{100 * share:g}": percentile(times[channel], share) for share in PERCENTILES})
    return {
        "schedule": {"seconds": round(schedule.seconds, 1), "calls": round(schedule.calls)},
        "calls": sum(row["calls"] for row in channels.values()),
        "failures": sum(row["failures"] for row in channels.values()),
        "late": {f"p{100 * share:g}": percentile(late, share) for share in (0.5, 0.99)} | {"longest": max(late, default=0)},
        "channels": channels,
        "types": types,
        "errors": errors,
        "steps": list(steps),
    }


def broken(result: Mapping[str, Any], budget: Budget) -> list[str]:
    """What of the budget was not kept, in words."""
    complaints = []
    calls, planned = result["calls"], result["schedule"]["calls"]
    # A run that is meant to break ends early: its last step says how far it came.
    if not result["steps"] and calls < budget.made_share_min * planned:
        complaints.append(f"{calls} calls were made, {planned} were planned")
    if not calls:
        return [*complaints, "no call was made"]
    if result["steps"]:
        return complaints
    if result["failures"] > budget.failures_share_max * calls:
        complaints.append(f"{result['failures']} of {calls} calls failed")
    if result["late"]["p99"] > budget.late_p99_max:
        complaints.append(f"the sender was late by {result['late']['p99']} ms (p99); at most {budget.late_p99_max:g} are allowed")
    for channel, row in sorted(result["channels"].items()):
        latency = budget.of(channel)
        for name, allowed in (("p50", latency.p50_max), ("p99", latency.p99_max)):
            if row[name] > allowed:
                complaints.append(f"{channel}: {name} is {row[name]} ms; at most {allowed:g} are allowed")
    return complaints


class Steps:
    """Judges the steps of a run while it goes on."""

    def __init__(self, schedule: Schedule, budget: Budget) -> None:
        self._schedule = schedule
        self._budget = budget
        self._seen: Counter[int] = Counter()
        self._failures = 0
        self.rows: list[dict[str, Any]] = []

    def look(self, ran: float, stats: Any) -> bool:
        """Take down each step that has ended; whether the last of them broke."""
        ends, end = [], 0.0
        for stretch in self._schedule.stretches:
            end += stretch.seconds
            ends.append(end)
        while len(self.rows) < len(ends) and ran >= ends[len(self.rows)]:
            self._take(self._schedule.stretches[len(self.rows)], stats.total)
        return bool(self.rows) and self.rows[-1]["broken"]

    def _take(self, stretch: Any, total: Any) -> None:
        times = Counter(total.response_times)
        new = times - self._seen
        failures = total.num_failures - self._failures
        answered = sum(new.values())
        self._seen, self._failures = times, total.num_failures
        p50, p99 = percentile(new, 0.5), percentile(new, 0.99)
        kept = p50 <= self._budget.latency.p50_max and p99 <= self._budget.latency.p99_max
        kept = kept and failures <= self._budget.failures_share_max * max(answered, 1) and answered > 0.8 * stretch.calls
        self.rows.append(
            {
                "rate": round(stretch.begin, 1),
                "answered_a_second": round(answered / stretch.seconds, 1),
                "failures": failures,
                "p50": p50,
                "p99": p99,
                "broken": not kept,
            }
        )


def text(result: Mapping[str, Any]) -> str:
    """The result for a person."""
    lines = [
        f"{'channel':18}{'calls':>9}{'failed':>8}{'p50':>7}{'p95':>7}{'p99':>7}{'p99.9':>7}{'longest':>9}  (ms from the due time)"
    ]
    for channel, row in sorted(result["channels"].items()):
        figures = "".join(f"{row[name]:>7}" for name in ("p50", "p95", "p99", "p99.9"))
        lines.append(f"{channel:18}{row['calls']:>9}{row['failures']:>8}{figures}{row['longest']:>9}")
    late = result["late"]
    lines.append(f"calls made: {result['calls']} of {result['schedule']['calls']} planned in {result['schedule']['seconds']:g} s")
    lines.append(f"the sender itself was late by {late['p50']} ms (p50), {late['p99']} ms (p99), {late['longest']} ms at most")
    for step in result["steps"]:
        end = "BROKE" if step["broken"] else "held"
        lines.append(
            f"step {step['rate']:>7g}/s: {step['answered_a_second']:>7g}/s answered, p50 {step['p50']} ms, p99 {step['p99']} ms, "
            f"{step['failures']} failed: {end}"
        )
    for error in sorted(result["errors"], key=lambda each: -each["count"])[:10]:
        lines.append(f"  {error['count']} × {error['name']}: {error['error']}")
    lines += [f"BUDGET: {complaint}" for complaint in result.get("broken", ())]
    if not result.get("broken"):
        lines.append(f"budget {result.get('budget', '')}: kept")
    return "\n".join(lines)

"""What a run measured, as plain data and as a table: percentiles by channel from locust's own
counts; no budget and no sending.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

PERCENTILES = {"p50_milliseconds": 0.5, "p95_milliseconds": 0.95, "p99_milliseconds": 0.99}


def percentile(times: Mapping[int, int], share: float) -> int:
    """The smallest time that at least `share` of all keep within; 0 when there are none."""
    left = share * sum(times.values())
    for time in sorted(times):
        left -= times[time]
        if left <= 1e-9:
            return time
    return max(times, default=0)


def figures(entries: Iterable[Any]) -> dict[str, Any]:
    """Calls, failures, latencies of some of locust's entries together. Over 100 ms locust keeps two
    digits of each.
    """
    times: Counter[int] = Counter()
    calls = failures = 0
    longest = 0.0
    for entry in entries:
        times.update(entry.response_times)
        calls += entry.num_requests
        failures += entry.num_failures
        longest = max(longest, entry.max_response_time)
    found = {name: percentile(times, share) for name, share in PERCENTILES.items()}
    return {"calls": calls, "failures": failures, **found, "max_milliseconds": round(longest)}


def report(stats: Any, lateness: Mapping[int, int], seconds: float) -> dict[str, Any]:
    """The run: totals, by channel, by name; `accepted` counts by message type the calls that the
    exchange took.
    """
    entries = list(stats.entries.values())
    channels = sorted({entry.method for entry in entries})
    accepted: Counter[str] = Counter()
    for entry in entries:
        accepted[entry.name.partition(" ")[0]] += entry.num_requests - entry.num_failures
    return {
        **figures(entries),
        "seconds": round(seconds, 1),
        "calls_a_second": round(
            sum(entry.num_requests for entry in entries) / max(seconds, 0.001), 1
        ),
        "channels": {
            channel: figures(entry for entry in entries if entry.method == channel)
            for channel in channels
        },
        "names": {
            f"{entry.method} {entry.name}": figures([entry])
            for entry in sorted(entries, key=lambda each: each.name)
        },
        "accepted": dict(accepted),
        "errors": [
            f"{error.occurrences} x {error.name}: {error.error}" for error in stats.errors.values()
        ],
        "client_lateness": {
            name: percentile(lateness, share) for name, share in PERCENTILES.items()
        },
    }


def table(run: Mapping[str, Any]) -> str:
    """The report for a person."""
    head = f"{'channel':<18}{'calls':>9}{'failed':>8}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'max ms':>9}"
    rows = [*run["channels"].items(), ("all", run)]
    lines = [head]
    for name, row in rows:
        latencies = "".join(f"{row[each]:>9}" for each in (*PERCENTILES, "max_milliseconds"))
        lines.append(f"{name:<18}{row['calls']:>9}{row['failures']:>8}{latencies}")
    late = run["client_lateness"]
    lines.append(
        f"{run['calls_a_second']} calls a second over {run['seconds']} s; the client started calls "
        "late by "
        f"{late['p50_milliseconds']} ms (p50), {late['p99_milliseconds']} ms (p99), which is part "
        "of the latencies above"
    )
    return "\n".join([*lines, *run["errors"][:20]])

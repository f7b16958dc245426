"""A mix of one's own, and what limited a load, as pure values; no locust."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from loadtests import bottleneck, shapes, workload

FLOW = '[[flow]]\nchannel = "luova"\nsector = "unemployment-fund"\n'
TYPE = 'type = "unemployment.earnings-data"\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_mix_of_ones_own_needs_its_flows_alone(tmp_path: Path) -> None:
    found = workload.load(written(tmp_path, FLOW + TYPE + "calls = 7\n"))
    (flow,) = found.flows
    assert (flow.sector, flow.calls, flow.records) == ("unemployment-fund", 7, 7)
    assert found.hours == workload.load().hours


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no tables"),
        (FLOW + "calls = 7\n", "flow 1: type missing"),
        (FLOW + TYPE, "calls (or records)"),
        (FLOW + TYPE + "call = 7\n", "there is no call"),
        ((FLOW + TYPE + "calls = 7\n") * 2, "stands twice"),
    ],
)
def test_what_is_no_mix_is_told(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        workload.load(written(tmp_path, text))


def test_the_last_rate_that_was_kept_is_that_of_the_step_before() -> None:
    step = shapes.Shape("step", 100.0, 60.0, step_seconds=20.0)
    assert [step.kept_before(second) for second in (0.0, 19.0, 20.0, 45.0)] == [0, 0, 100, 125]


def run(**more: Any) -> dict[str, Any]:
    """A run in which nothing was at its limit."""
    usual = {
        "seconds": 100.0,
        "processor_seconds": {"exchange": 20.0, "stubs": 10.0, "locust": 30.0},
        "client_lateness": {"p99_milliseconds": 3},
        "commits": {},
    }
    return {**usual, **more}


def test_what_is_at_its_limit_is_named_and_nothing_else() -> None:
    assert bottleneck.limits(run(), 1) == []
    busy = {"exchange": 90.0, "stubs": 10.0, "locust": 90.0}
    assert [
        each.partition(":")[0] for each in bottleneck.limits(run(processor_seconds=busy), 1)
    ] == [
        "the exchange",
        "the client",
    ]
    assert len(bottleneck.limits(run(processor_seconds=busy), 2)) == 1
    late = run(client_lateness={"p99_milliseconds": 200})
    assert "200 ms late" in bottleneck.limits(late, 1)[0]
    assert "the disk" in bottleneck.limits(run(commits={"seconds": 80.0}), 1)[0]


def test_commits_are_those_since_the_beginning() -> None:
    before, after = (
        f"exchange_commit_changes_sum {changes}\nexchange_commit_changes_count {count}\n"
        f"exchange_commit_seconds_sum {seconds}\nexchange_commit_seconds_count {count}\n"
        for changes, count, seconds in ((10.0, 5.0, 1.0), (40.0, 15.0, 1.5))
    )
    assert bottleneck.commits(before, after) == {
        "commits": 10.0,
        "changes_each": 3.0,
        "milliseconds_each": 50.0,
        "seconds": 0.5,
    }
    assert bottleneck.commits(after, after) == {}

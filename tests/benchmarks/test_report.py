"""What a run is told as, and that the document tells what was kept."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from exchange.benchmarks import report
from exchange.benchmarks.cases import CASES
from exchange.benchmarks.driver import Measured
from exchange.benchmarks.measure import Server, Taken, Unexpected, take_turns, warm
from exchange.benchmarks.pairs import figures_of, rows

DOCUMENT = Path(__file__).parents[2] / "docs/performance.md"


def run(answered: int, whole_seconds: float = 0.0) -> Measured:
    """One second in which so many were answered."""
    latencies = [0.001 * (number + 1) for number in range(answered)]
    return Measured(answered, 0, 1.0, whole_seconds, latencies)


def summary(case: str = "luova-json") -> dict[str, object]:
    """A case that three servers were measured in."""
    limit, ours = Server(1, delivers=True), Server(2, fresh=True, delivers=True)
    other = Server(3, did="schema matched", did_not="a delivery")
    taken = {
        "limit": Taken(limit, [run(100, 1.0), run(200, 2.0)], 0.5, True),
        "exchange": Taken(ours, [run(50, 2.0), run(60, 1.0)], 0.5, True),
        "Mock": Taken(other, [run(1000), run(900)], 61.0, False),
    }
    return report.summarise(next(each for each in CASES if each.name == case), taken)


def test_the_share_of_the_limit_is_of_the_whole_way_in_each_round() -> None:
    row = summary()["servers"]["exchange"]  # type: ignore[index]
    # 25 of 100 delivered in the first round, 60 of 100 in the second.
    assert (row["ratio_min"], row["ratio_max"]) == (0.25, 0.6)
    assert row["ratio_to_limit"] == pytest.approx(0.425)
    assert [each["rate"] for each in row["rounds"]] == [50, 60]


def test_beside_another_servers_figure_stands_what_it_did_and_how_long_it_was_warmed() -> None:
    ours, others = report.table([summary()]).split("\n\n")
    assert "Mock" not in ours
    assert "| 950 (900–1,000) | schema matched | a delivery | 61 s, not steady |" in others


@pytest.mark.parametrize("failing", [1, 14])
def test_a_mock_server_that_fails_is_left_out_and_one_of_ours_is_not(failing: int) -> None:
    servers = {"ours": Server(1), "Mock": Server(2, did="schema matched")}

    def runs(names: str) -> dict[str, Taken]:
        calls = 0

        def one(name: str, seconds: float) -> Measured:
            nonlocal calls
            calls += name == names
            if name == names and calls == failing:
                raise Unexpected(f"{name} answered nothing")
            return Measured(100, 0, max(seconds, 5.0), 0.0, [0.001])

        return take_turns(servers, one, 13, 1.0)

    taken = runs("Mock")
    assert [*taken] == ["ours"]
    assert len(taken["ours"].runs) == 13
    with pytest.raises(Unexpected, match="ours answered nothing"):
        runs("ours")


@pytest.mark.parametrize(
    ("rates", "seconds", "steady"),
    [
        # A minute at least, however steady it is.
        ([100] * 50, 60, True),
        # It still grows after a minute, then three runs lie within 5 %.
        ([100 + 10 * number for number in range(14)] + [240, 250, 251], 85, True),
        # Never steady: three minutes, and it is said.
        ([100, 200] * 30, 180, False),
    ],
)
def test_another_server_is_warmed_until_its_rate_is_steady(
    rates: list[int], seconds: float, steady: bool
) -> None:
    drawn = iter(rates)

    def five_seconds(_name: str, length: float) -> Measured:
        return Measured(int(next(drawn) * length), 0, length)

    assert warm("mock", Server(1, did="schema matched"), five_seconds) == (seconds, steady)


def test_a_kept_run_is_a_file_named_by_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results")
    kept = {**report.surroundings(), "cases": [summary()]}
    path = report.keep(kept)
    assert path.name == f"{report.commit()}.json"
    assert json.loads(path.read_text()) == kept
    assert {"machine", "load_before", "versions", "command"} <= kept.keys()


def test_the_document_tells_the_kept_runs_and_nothing_else() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    named = set(re.findall(r"benchmarks/(results/\S+\.json)", text))
    assert named, "the document names the files that its tables are told from"
    told = {
        line
        for name in named
        for line in report.table(
            json.loads((report.RESULTS.parent / name).read_text(encoding="utf-8"))["cases"]
        ).split("\n")
    }
    servers = {line.split("|")[2] for line in told if line.count("|") > 5}
    stands = {line for line in text.split("\n") if line.startswith("|")}
    assert told - {""} <= stands
    assert {
        line for line in stands if line.count("|") > 5 and line.split("|")[2] in servers
    } <= told


def test_pairs_are_told_by_the_figures_that_both_versions_have() -> None:
    old = {
        "servers": {
            "echo": {},
            "exchange": {"rate": 10.0, "whole_rate": 8.0, "p99_milliseconds": 4},
        }
    }
    new = {"servers": {"exchange": {"rate": 20.0, "whole_rate": 4.0, "p99_milliseconds": 4}}}
    sides = [dict(figures_of({"cases": [each]})) for each in (old, new)]
    told = list(rows("luova-json", sides[:1] * 2, sides[1:] * 2))
    assert told[0] == (
        "| luova-json | exchange, receipts/s | 10.0 (10.0–10.0) | 20.0 (20.0–20.0) "
        "| 2.000 (2.000–2.000) |"
    )
    assert len(told) == 3
    assert not list(rows("load", sides[:1], [{}]))


def test_pairs_read_what_a_load_test_reports() -> None:
    channel = {"p50_milliseconds": 5, "p99_milliseconds": 20}
    assert dict(figures_of({"channels": {"luova": channel}})) == {
        "luova p50 ms": 5,
        "luova p99 ms": 20,
    }

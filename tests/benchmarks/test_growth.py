"""The report of a measurement of growth: ratios are taken round by round; no server."""

from __future__ import annotations

from pathlib import Path

from benchmarks.driver import Measured
from benchmarks.growth import Standing, row, table


def standing(size: int, seconds: list[float]) -> Standing:
    """A ledger of that size, measured so often: a hundred answers in so many seconds."""
    runs = [Measured(answered=100, seconds=each, latencies=[each / 100] * 100) for each in seconds]
    return Standing(size, Path("."), facts={"plans": {}, "bytes": 5}, busy={"a": runs}, calm={"a": runs})


def test_ratios_are_of_the_same_round() -> None:
    # The machine was twice as slow in the second round; the larger ledger lost a tenth in both.
    empty, full = standing(0, [1.0, 2.0, 1.0]), standing(1_000_000, [1.25, 2.5, 1.0])
    lines = table([empty, full], ["a"]).splitlines()
    assert "| 0 | a | 100 | 1.00 (1.00–1.00) |" in lines[2]
    assert "| 1,000,000 | a | 80 | 0.80 (0.80–1.00) | 12.5 |" in lines[3]
    assert lines[-1] == "1,000,000 messages: bytes 5"


def test_every_round_is_kept() -> None:
    assert row(standing(7, [1.0, 2.0]))["cases"]["a"]["rate"] == [100.0, 50.0]

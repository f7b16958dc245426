"""The benchmark of the index asks what it says, and its questions have the hits that it prints."""

from __future__ import annotations

import re

import pytest

from exchange.benchmarks.report_index import Holds, measure


async def test_few_and_many_hits_are_what_was_given(capsys: pytest.CaptureFixture[str]) -> None:
    await measure(deliveries=40, reports=3, times=4)
    printed = capsys.readouterr().out
    assert "40 deliveries of 3 reports taken in" in printed
    assert "index built from cold" in printed
    hits = re.findall(r"(?:few|many) [(]([0-9]+)[)]", printed)
    assert hits == ["2", "2", "2", "6", "4", "4", "4", "12"], (
        "deliveries and reports by earner, then by payer"
    )


async def test_a_held_loop_is_noticed() -> None:
    import time

    async with Holds() as holds:
        time.sleep(0.03)  # noqa: ASYNC251
    assert 20 < holds.milliseconds < 1000

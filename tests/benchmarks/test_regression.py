"""The comparison with kept ratios."""

from __future__ import annotations

from typing import Any

import pytest

from exchange.benchmarks.regression import losses, ratios


def report(ratio: float) -> dict[str, Any]:
    """A run of one case."""
    servers = {"echo": {"ratio_to_echo": 1.0}, "exchange": {"ratio_to_echo": ratio}}
    return {"cases": [{"case": "json", "base": "echo", "servers": servers}]}


def test_the_exchanges_ratios_are_what_is_kept() -> None:
    assert ratios(report(0.4)) == {"json / exchange": 0.4}


@pytest.mark.parametrize(
    ("ratio", "lost"), [(0.5, False), (0.35, False), (0.33, True), (0.1, True)]
)
def test_more_than_fifteen_per_cent_less_is_a_loss(ratio: float, lost: bool) -> None:
    assert bool(list(losses(report(ratio), {"json / exchange": 0.4}))) is lost


def test_what_was_not_measured_is_told_and_other_cases_are_let_be() -> None:
    kept = {"json / exchange, 2 workers": 0.5, "xml / exchange": 0.5}
    assert list(losses(report(0.4), kept)) == [
        "json / exchange, 2 workers: 0.500 is kept, but it was not measured"
    ]


def test_the_large_delivery_is_compared_when_it_was_measured() -> None:
    kept = {"large-delivery / exchange": 0.6}
    assert list(losses(report(0.4), kept)) == []
    measured = report(0.4) | {"large-delivery": {"ratio": 0.5}}
    assert ratios(measured) == {"json / exchange": 0.4, "large-delivery / exchange": 0.5}
    assert list(losses(measured, kept)) == [
        "large-delivery / exchange: 0.500, 17 % below the kept 0.600"
    ]

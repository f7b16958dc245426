"""Figures as a person reads them."""

from __future__ import annotations

import pytest

from exchange.statistics.table import NO_BREAK_SPACE, figure, percent


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, ""),
        (7, "7"),
        (7.0, "7"),
        (99.6, "99.6"),
        (100.6, "101"),
        (-250.6, "\u2212251"),
        (1_234_567, f"1{NO_BREAK_SPACE}234{NO_BREAK_SPACE}567"),
        ((0.5, 1.5), "0.5\u20131.5"),
    ],
)
def test_a_figure(value: float | None, told: str) -> None:
    assert figure(value) == told
    assert figure(value, "fi") == told.replace(".", ",")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, ""),
        (0, "0"),
        (12.34, "12.3"),
        (0.96, "1.0"),
        (0.94, "0.94"),
        (0.0123, "0.012"),
        (0.000_000_04, "0.000000"),
        (-3.21, "\u22123.2"),
    ],
)
def test_a_percentage_has_two_digits_that_say_something(value: float | None, told: str) -> None:
    assert percent(value, "sv") == told.replace(".", ",")
    signed = percent(value, signed=True)
    assert signed == (told if not value or value < 0 else f"+{told}")

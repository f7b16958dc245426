"""Rounding: sums are exact at every scale, no running sum strays by a unit, and nothing is shared
by nobody.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.simulation.rounding import in_lumps, nearest, share, spread, step

totals = st.integers(0, 10_000)
weights = st.lists(st.integers(0, 1_000), min_size=1, max_size=40).filter(any)


@given(totals, weights)
def test_parts_sum_to_their_total_and_stray_by_less_than_one(
    total: int, weights: list[int]
) -> None:
    parts = share(total, weights)
    assert sum(parts) == total
    assert all(
        abs(part - Fraction(total * weight, sum(weights))) < 1
        for part, weight in zip(parts, weights, strict=True)
    )


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[int], list[list[int]]]:
    days = draw(st.integers(1, 30))
    row = st.lists(st.integers(0, 50), min_size=days, max_size=days).filter(any)
    rows = draw(st.lists(st.tuples(st.integers(0, 200), row), min_size=1, max_size=8))
    return [total for total, _ in rows], [each for _, each in rows]


@given(tables())
def test_units_spread_over_days_follow_every_running_sum(
    table: tuple[list[int], list[list[int]]],
) -> None:
    totals, weights = table
    spreads = spread(totals, weights)
    exact_sums = [Fraction(0)] * len(weights[0])
    for total, row, placed in zip(totals, weights, spreads, strict=True):
        assert sum(placed) == total
        assert min(placed) >= 0
        running = [Fraction(total * each, sum(row)) for each in accumulate(row)]
        assert all(
            abs(exact - have) < 1 for exact, have in zip(running, accumulate(placed), strict=True)
        )
        exact_sums = [one + other for one, other in zip(exact_sums, running, strict=True)]
    days = [sum(column) for column in zip(*spreads, strict=True)]
    assert list(accumulate(days)) == [nearest(each) for each in exact_sums]


@given(st.integers(0, 5_000), st.integers(1, 500))
def test_even_steps_sum_to_their_total(total: int, count: int) -> None:
    steps = [step(total, index, count) for index in range(count)]
    assert sum(steps) == total
    assert max(steps) - min(steps) <= 1


def test_a_half_goes_upwards() -> None:
    assert [nearest(Fraction(n, 2)) for n in (0, 1, 2, 3)] == [0, 1, 1, 2]


def test_nothing_is_shared_by_no_weights() -> None:
    with pytest.raises(ValueError, match="no weights"):
        share(3, [0, 0])
    with pytest.raises(ValueError, match="day to go"):
        spread([1], [[0, 0]])
    assert share(0, [0, 0]) == [0, 0]


@given(
    st.lists(st.integers(0, 400), min_size=1, max_size=40).filter(any),
    st.lists(st.integers(1, 50), min_size=1, max_size=8),
    st.integers(1, 60),
)
def test_units_in_lumps_are_all_placed_and_no_place_strays_far(
    days: list[int], parts: list[int], lump: int
) -> None:
    totals = share(sum(days), parts)
    placing = in_lumps(days, totals, lump)
    assert [sum(column) for column in zip(*placing, strict=True)] == days
    assert min(min(row) for row in placing) >= 0
    for day, units in enumerate(days):
        senders = sum(1 for row in placing if row[day])
        assert senders <= max(1, nearest(Fraction(units, lump)))
    room = 2 * lump * len(totals) + 1
    for total, row in zip(totals, placing, strict=True):
        for have, come in zip(accumulate(row), accumulate(days), strict=True):
            assert abs(have - Fraction(total * come, sum(days))) <= room

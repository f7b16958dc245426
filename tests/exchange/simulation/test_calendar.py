"""The calendar: weekends, holidays, days of payment that move, hours."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.schemas.bank_days import bank_day_from
from exchange.simulation.calendar import (
    DayProfile,
    Hours,
    Peak,
    days_of,
    midnight,
    profile_of,
)

OFFICE = DayProfile([100, 100, 100, 100, 100, 0, 0], 0, [100] * 12)


def on(profile: DayProfile, date: datetime.date) -> int:
    """The profile's weight of a day."""
    return profile.weights(date.year)[days_of(date.year).index(date)]


def test_a_leap_year_has_366_days() -> None:
    assert (len(days_of(2023)), len(days_of(2024))) == (365, 366)


@pytest.mark.parametrize(
    "day", ["2024-01-06", "2024-06-21", "2024-12-24", "2024-12-06", "2024-03-29", "2024-06-02"]
)
def test_offices_are_closed_on_holidays_and_weekends(day: str) -> None:
    assert on(OFFICE, datetime.date.fromisoformat(day)) == 0


def test_an_ordinary_day_has_its_weekday_and_month() -> None:
    profile = DayProfile([10, 20, 30, 40, 50, 6, 7], 3, [100, 200, *([100] * 10)])
    assert on(profile, datetime.date(2024, 2, 7)) == 30 * 200 * 100
    assert on(profile, datetime.date(2024, 5, 1)) == 3 * 100 * 100


def test_a_day_of_payment_moves_to_the_working_day_before_or_after() -> None:
    assert Peak(15, {}).on(2024, 6) == datetime.date(2024, 6, 14)
    assert Peak(0, {}).on(2024, 3) == datetime.date(2024, 3, 28)
    assert Peak(1, {}, forward=True).on(2024, 1) == datetime.date(2024, 1, 2)


def test_peaks_add_up_on_one_day() -> None:
    profile = DayProfile(
        [100] * 7, 100, [100] * 12, [Peak(15, {0: 300, 1: 150}), Peak(15, {0: 200})]
    )
    assert on(profile, datetime.date(2024, 5, 15)) == 100 * 100 * 400
    assert on(profile, datetime.date(2024, 5, 16)) == 100 * 100 * 150


def test_working_days_are_counted_over_weekends() -> None:
    assert bank_day_from(datetime.date(2024, 5, 3), 1) == datetime.date(2024, 5, 6)
    assert bank_day_from(datetime.date(2024, 5, 6), -1) == datetime.date(2024, 5, 3)


def test_a_day_begins_at_midnight_in_finland() -> None:
    assert midnight(datetime.date(2024, 1, 1)) == 1_704_060_000_000 - 0
    assert (
        midnight(datetime.date(2024, 4, 1)) - midnight(datetime.date(2024, 3, 31)) == 23 * 3_600_000
    )


def test_a_profile_with_a_key_too_many_is_refused() -> None:
    with pytest.raises(ValueError, match="colour"):
        profile_of({"weekdays": [1] * 7, "free": 0, "colour": 1})
    with pytest.raises(ValueError, match="7 weekdays"):
        profile_of({"weekdays": [1] * 6, "free": 0})


@given(
    st.lists(st.integers(0, 100), min_size=24, max_size=24).filter(any),
    st.floats(0, 1, exclude_max=True),
)
def test_every_place_lies_in_an_hour_that_has_traffic(weights: list[int], place: float) -> None:
    hours = Hours(weights)
    second = hours.second(place)
    assert 0 <= second < 86_400
    assert weights[second // 3600] > 0


def test_hours_without_traffic_are_refused() -> None:
    with pytest.raises(ValueError, match="24 weights"):
        Hours([0] * 24)

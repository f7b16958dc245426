"""Tests of the busiest minute, hour and day and of the week by hours, with clocks that change."""

from __future__ import annotations

import datetime
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from exchange.statistics.days import first_minute, local_hour, number_of
from exchange.statistics.peaks import MEASURES, Peaks

START = first_minute(number_of(datetime.date(2024, 3, 30)))


def test_the_day_that_clocks_go_forward_has_23_hours() -> None:
    sunday = number_of(datetime.date(2024, 3, 31))
    assert first_minute(sunday + 1) - first_minute(sunday) == 23 * 60
    hours = [local_hour(first_minute(sunday) // 60 + n) for n in range(23)]
    assert [hour for _, hour in hours] == [0, 1, 2, *range(4, 24)]
    assert {day for day, _ in hours} == {sunday}


def test_the_hour_that_comes_twice_in_autumn_is_two_hours() -> None:
    start = first_minute(number_of(datetime.date(2024, 10, 27))) + 3 * 60
    peaks = Peaks().take([(start, "a", 5, 5, 0, 0), (start + 60, "a", 6, 6, 0, 0)])
    hour = next(peak for peak in peaks.busiest() if peak.grain == "hour")
    assert (hour.start, hour.count) == ("2024-10-27T03:00", 6)


@given(st.lists(st.tuples(st.integers(0, 4000), *[st.integers(0, 9)] * len(MEASURES)), max_size=60))
def test_the_busiest_are_those_that_counting_everything_finds(
    rows: list[tuple[int, int, int, int, int]],
) -> None:
    rows.sort()
    peaks = Peaks().take((START + minute, "a", *counts) for minute, *counts in rows)  # type: ignore[misc]
    found = {(peak.grain, peak.measure): peak.count for peak in peaks.busiest()}
    for index, measure in enumerate(MEASURES, 1):
        by: dict[str, Counter[int]] = {"minute": Counter(), "hour": Counter(), "day": Counter()}
        for row in rows:
            minute = START + row[0]
            by["minute"][minute] += row[index]
            by["hour"][minute // 60] += row[index]
            by["day"][local_hour(minute // 60)[0]] += row[index]
        for grain, counts in by.items():
            assert found.get((grain, measure), 0) == max(counts.values(), default=0)  # type: ignore[comparison-overlap]
    assert sum(peaks.hours.values()) == sum(row[3] for row in rows)


def test_a_mean_hour_is_over_every_such_weekday_of_the_period() -> None:
    # The clocks go forward on the day after the first Saturday; on the second, nothing came.
    minutes = [START + 12 * 60, START + 14 * 1440 + 11 * 60]
    mean = Peaks().take([(minutes[0], "a", 0, 0, 7, 7), (minutes[1], "a", 0, 0, 2, 2)]).mean_hours()
    assert mean == {(6, 12): 3.0}


def test_a_rate_on_a_day_of_25_hours_is_over_all_of_them() -> None:
    autumn, spring = (datetime.date(2024, *day) for day in ((10, 27), (3, 31)))
    for date, hours in ((autumn, 25), (spring, 23), (datetime.date(2024, 3, 30), 24)):
        start = first_minute(number_of(date))
        sums = [(start + 60 * hour, "a", 3600, 0, 0, 0) for hour in range(hours)]
        (day,) = (peak for peak in Peaks().take(sums).busiest() if peak.grain == "day")
        assert (day.start, day.count, day.a_second) == (date.isoformat(), 3600 * hours, 1.0)


def test_a_rate_is_the_count_over_its_time() -> None:
    (minute, *_rest) = Peaks().take([(START, "a", 120, 0, 0, 0)]).busiest()
    assert (minute.grain, minute.count, minute.a_second, minute.start) == (
        "minute",
        120,
        2.0,
        "2024-03-30T00:00",
    )

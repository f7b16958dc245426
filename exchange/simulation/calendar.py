"""How busy each day and each hour of a year is: weekdays, holidays, months, days of payment, by
named profiles; no volumes.
"""

from __future__ import annotations

import calendar
import datetime
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any
from zoneinfo import ZoneInfo

from exchange.schemas.bank_days import bank_day_from
from exchange.statistics.days import FINLAND, is_working_day

HUNDRED = 100
HOURS = 24
MONTHS = 12
WEEKDAYS = 7


@dataclass(frozen=True, slots=True)
class Peak:
    """A day of the month (0: the last) on which more happens, in per cent of an ordinary day;
    `around` are working days near it.

    When it is no working day, it moves to the one before (`forward`: to the one after).
    """

    day: int
    around: Mapping[int, int]
    forward: bool = False

    def on(self, year: int, month: int) -> datetime.date:
        """Where it falls in that month."""
        last = calendar.monthrange(year, month)[1]
        date = datetime.date(year, month, min(self.day or last, last))
        step = datetime.timedelta(days=1 if self.forward else -1)
        while not is_working_day(date):
            date += step
        return date


@dataclass(frozen=True, slots=True)
class DayProfile:
    """Weights of days. `weekdays` from Monday; `free` stands for a weekday that is a holiday;
    `months` in per cent from January.
    """

    weekdays: Sequence[int]
    free: int
    months: Sequence[int]
    peaks: Sequence[Peak] = ()

    def weights(self, year: int) -> list[int]:
        """A whole number for every day of the year; only their proportions mean anything."""
        extra = self._extra(year)
        found = []
        for date in days_of(year):
            weekday = self.weekdays[date.weekday()]
            if date.weekday() < 5 and not is_working_day(date):
                weekday = self.free
            found.append(weekday * self.months[date.month - 1] * (HUNDRED + extra.get(date, 0)))
        return found

    def _extra(self, year: int) -> dict[datetime.date, int]:
        """What the days of payment add, in per cent."""
        extra: dict[datetime.date, int] = {}
        for peak in self.peaks:
            # A peak of January's first days may fall into December, and the other way round.
            for at_year, month in [
                (year - 1, 12),
                *((year, month) for month in range(1, 13)),
                (year + 1, 1),
            ]:
                on = peak.on(at_year, month)
                for offset, percent in peak.around.items():
                    date = bank_day_from(on, offset)
                    extra[date] = extra.get(date, 0) + percent - HUNDRED
        return extra


def profile_of(data: Mapping[str, Any]) -> DayProfile:
    """A profile as the workload file writes it.

    Raises:
        ValueError: when weekdays or months are missing or out of number, or a key is unknown.
    """
    known = {"weekdays", "free", "months", "peak", "ground", "basis"}
    if unknown := set(data) - known:
        raise ValueError(
            f"unknown keys of a day profile: {', '.join(sorted(unknown))}; it has "
            f"{', '.join(sorted(known))}"
        )
    months = data.get("months", [HUNDRED] * MONTHS)
    if len(data["weekdays"]) != WEEKDAYS or len(months) != MONTHS:
        raise ValueError(
            f"a day profile has {WEEKDAYS} weekdays and {MONTHS} months, not "
            f"{len(data['weekdays'])} and {len(months)}"
        )
    peaks = [
        Peak(
            0 if entry["day"] == "last" else entry["day"],
            {int(offset): percent for offset, percent in entry["around"].items()},
            entry.get("moves", "back") == "forward",
        )
        for entry in data.get("peak", ())
    ]
    return DayProfile(data["weekdays"], data["free"], months, peaks)


def days_of(year: int) -> list[datetime.date]:
    """Every day of a year."""
    first = datetime.date(year, 1, 1)
    return [
        first + datetime.timedelta(days=number)
        for number in range((datetime.date(year + 1, 1, 1) - first).days)
    ]


def span_of(text: str) -> tuple[datetime.date, datetime.date]:
    """The first and the last day of `YYYY-MM-DD..YYYY-MM-DD`, or of a single day.

    Raises:
        ValueError: when it is neither, or ends before it begins.
    """
    first, dots, last = text.strip().partition("..")
    try:
        span = (
            datetime.date.fromisoformat(first),
            datetime.date.fromisoformat(last if dots else first),
        )
    except ValueError as error:
        raise ValueError(
            f"{text!r} is no day, and no span such as 2024-03-04..2024-03-10"
        ) from error
    if span[1] < span[0]:
        raise ValueError(f"{text!r} ends before it begins: put the earlier day first")
    return span


def midnight(date: datetime.date, zone: ZoneInfo = FINLAND) -> int:
    """When that day begins in Finland, in milliseconds since 1970 UTC."""
    return int(datetime.datetime.combine(date, datetime.time(), zone).timestamp()) * 1000


class Hours:
    """An hourly profile: where in the day the n-th part of a day's traffic lies."""

    def __init__(self, weights: Sequence[int]) -> None:
        if len(weights) != HOURS or min(weights) < 0 or not any(weights):
            raise ValueError("an hourly profile has 24 weights, not all of them 0")
        self.weights = tuple(weights)
        self._sums = list(accumulate(weights))

    def second(self, place: float) -> int:
        """The second of the day (0-86,399) by which that share of the traffic (0 up to, not
        including, 1) has come.
        """
        level = place * self._sums[-1]
        hour = bisect_right(self._sums, level)
        before = self._sums[hour - 1] if hour else 0
        return min(int((hour + (level - before) / self.weights[hour]) * 3600), 86_399)

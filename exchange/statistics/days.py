"""Days of Finland as the statistics need them: numbers, dates, working days, the local hour of a
minute; no counting.
"""

from __future__ import annotations

import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from exchange.schemas.bank_days import is_bank_day

FINLAND = ZoneInfo("Europe/Helsinki")
_EPOCH = datetime.date(1970, 1, 1).toordinal()


def date_of(day: int) -> datetime.date:
    """The date of a day number (days since 1970-01-01)."""
    return datetime.date.fromordinal(day + _EPOCH)


def number_of(date: datetime.date) -> int:
    """The day number of a date."""
    return date.toordinal() - _EPOCH


def first_minute(day: int) -> int:
    """The first minute (since 1970 UTC) of that day in Finland."""
    midnight = datetime.datetime.combine(date_of(day), datetime.time(), FINLAND)
    return int(midnight.timestamp()) // 60


def minutes_of(day: int) -> int:
    """How many minutes the day has in Finland: 1380 or 1500 where the clocks are changed."""
    return first_minute(day + 1) - first_minute(day)


@lru_cache(maxsize=16384)
def local_hour(hour: int) -> tuple[int, int]:
    """Of an hour since 1970 UTC: the day number and the hour of the day in Finland (offsets there
    are whole hours).
    """
    moment = datetime.datetime.fromtimestamp(hour * 3600, FINLAND)
    return number_of(moment.date()), moment.hour


def is_working_day(date: datetime.date) -> bool:
    """Whether offices work: they do on the days on which banks do."""
    return is_bank_day(date)

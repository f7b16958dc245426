"""Which day of Finland a minute belongs to; nothing else of the calendar."""

from __future__ import annotations

import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

FINLAND = ZoneInfo("Europe/Helsinki")
_EPOCH = datetime.date(1970, 1, 1).toordinal()


@lru_cache(maxsize=4096)
def day_of_minute(minute: int) -> int:
    """Days since 1970-01-01 of the date in Finland at that minute (since 1970 UTC)."""
    moment = datetime.datetime.fromtimestamp(minute * 60, FINLAND)
    return moment.date().toordinal() - _EPOCH


def date_of_day(day: int) -> datetime.date:
    """The date of a day number."""
    return datetime.date.fromordinal(day + _EPOCH)


def day_of_date(date: datetime.date) -> int:
    """The day number of a date."""
    return date.toordinal() - _EPOCH

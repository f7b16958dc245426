"""When the register writes down what happened in a life.

*Modelled*: some days after it happened (as many for everything of one person, so that order holds),
on a weekday, at a time of the day that follows from the code.
"""

from __future__ import annotations

import datetime
from hashlib import blake2b

from exchange.schemas.persons.population import Life

_EPOCH = datetime.date(1970, 1, 1).toordinal()
DAY_SECONDS = 86_400
#: Days from what happened to its being written down: at most this many, and the weekend after.
_LATER_DAYS_MAX = 5
#: The weekend included.
WRITTEN_WITHIN_DAYS = _LATER_DAYS_MAX + 2
#: Nothing is written down before this hour of a day (UTC), nor from `_UNTIL_HOUR` on.
_FROM_HOUR, _UNTIL_HOUR = 4, 16
_FRIDAY, _WEEK_DAYS, _WEEKEND_DAYS = 4, 7, 2
#: What the register itself decides is written down on its day.
_AT_ONCE = frozenset(("restricted", "unrestricted", "corrected", "misspelt", "cancelled"))


def key_of_day(day: int) -> int:
    """The first second of a day (an ordinal), in seconds since 1970: nothing of the day is written
    down before.
    """
    return (day - _EPOCH) * DAY_SECONDS


def day_of_key(key: int) -> int:
    """The day (an ordinal) of a second since 1970."""
    return key // DAY_SECONDS + _EPOCH


def _due(life: Life, day: int, at_once: bool) -> int:
    own_days = (life.course.home + life.birth) % (_LATER_DAYS_MAX + 1)
    return day + (0 if at_once else own_days)


def written_on(life: Life, day: int, at_once: bool = False) -> int:
    """The day (an ordinal) on which the register writes down what happened on a day; `at_once`:
    what it decides itself.
    """
    due = _due(life, day, at_once)
    weekday = (due - 1) % _WEEK_DAYS
    return due + _WEEK_DAYS - weekday if weekday > _FRIDAY else due


def written_at(life: Life, day: int, kind: str) -> int:
    """The time, in seconds since 1970, of what happened on a day (an ordinal). `kind` tells apart
    what happens on one.
    """
    drawn = blake2b(f"{life.code}/{day}/{kind}".encode(), digest_size=4).digest()
    at_once = kind in _AT_ONCE
    on, seconds = written_on(life, day, at_once), (_UNTIL_HOUR - _FROM_HOUR) * 3_600
    begin = key_of_day(on) + _FROM_HOUR * 3_600
    if (on - 1) % _WEEK_DAYS == 0:
        # What was put off to a Monday keeps its order: Saturday's comes before Sunday's.
        seconds //= _WEEKEND_DAYS + 1
        begin += seconds * (_WEEKEND_DAYS - (on - _due(life, day, at_once)))
    return begin + int.from_bytes(drawn) % seconds

"""The days on which banks work in Finland: the one calendar of who pays, who judges payments and
who plans a year.

Sources: Act on public holidays in Finland (the `holidays` library); Finance Finland: banks are
closed on Saturdays, Sundays, public holidays and the eves of Midsummer and Christmas. TARGET, which
settles euro payments, closes on no other days (1 January, Good Friday, Easter Monday, 1 May, 25 and
26 December).
"""

from __future__ import annotations

import datetime
import sys
from functools import lru_cache

from exchange.schemas.document_limits import NotAtOnce, can_wait


@lru_cache(maxsize=64)
def _free_days(year: int) -> frozenset[datetime.date]:
    # Takes a third of a second to import; a server that judges no payment has no use for it.
    if "holidays" not in sys.modules and not can_wait():
        raise NotAtOnce
    import holidays

    # The eves of Midsummer and Christmas are among them.
    return frozenset(holidays.country_holidays("FI", years=year))


def is_bank_day(date: datetime.date) -> bool:
    """Whether banks work on that day.

    Raises:
        NotAtOnce: when it is the first day asked for, and whoever asks can't wait.
    """
    return date.weekday() < 5 and date not in _free_days(date.year)


def bank_day_from(date: datetime.date, offset: int) -> datetime.date:
    """The bank day that comes `offset` bank days after (before, when negative) that date."""
    step = datetime.timedelta(days=1 if offset > 0 else -1)
    left = abs(offset)
    while left:
        date += step
        left -= is_bank_day(date)
    return date

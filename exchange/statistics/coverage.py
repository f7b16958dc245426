"""Which days were asked for and which of them ledgers hold: a day that is not held is not zero."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from exchange.statistics.days import date_of, number_of

#: A stretch of days by their numbers, first and last.
Stretch = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Coverage:
    """The days asked for, [first, end) by number, those of them that are held, and how many the
    ledgers hold in all.
    """

    first: int
    end: int
    held: frozenset[int]
    in_all: int

    @property
    def asked(self) -> int:
        """How many days were asked for."""
        return self.end - self.first

    @property
    def whole(self) -> bool:
        """Whether all are held."""
        return len(self.held) == self.asked

    @property
    def span(self) -> tuple[datetime.date, datetime.date] | None:
        """The first and the last day held; None when none is."""
        return (date_of(min(self.held)), date_of(max(self.held))) if self.held else None


def coverage(
    since: datetime.date | None,
    until: datetime.date | None,
    year: int,
    stretches: Iterable[Stretch],
) -> Coverage:
    """The days [since, until) asked for: an end that is not named is the ledgers' own. Without any,
    the year's where they hold a part of it, else all that they hold.
    """
    days = {day for first, last in stretches for day in range(first, last + 1)}
    first, end = (min(days), max(days) + 1) if days else (0, 0)
    if since is None and until is None:
        january, next_january = (number_of(datetime.date(each, 1, 1)) for each in (year, year + 1))
        if first < next_january and end > january:
            first, end = january, next_january
    else:
        first = number_of(since) if since else first
        end = number_of(until) if until else max(end, first)
    return Coverage(first, end, frozenset(day for day in days if first <= day < end), len(days))

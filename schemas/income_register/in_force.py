"""What of the Incomes Register's codes and rules holds for a payment date: the time since 2022 is
cut into periods in each of which nothing changes.
"""

from __future__ import annotations

import datetime
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from exchange.schemas.income_register.codes import (
    BENEFIT_INCOME,
    DATED_CODES,
    DATED_RULES,
    FIRST_DAY,
    GROWING,
    LAST_DAY,
    LISTS,
    WAGE_INCOME,
    BenefitIncome,
    Change,
    Growing,
    WageIncome,
)

Dated = Change | WageIncome | BenefitIncome | Growing
#: A day as rules compare it: year, month, day. Years beyond 9999 and before 1 may be written, too.
YearMonthDay = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Period:
    """A time of payment in which no code and no rule changes. `number` tells it from others;
    `growing` are the lists that may have more codes than we know.
    """

    number: int
    lists: Mapping[str, frozenset[str]]
    wage_income: Mapping[str, WageIncome]
    benefit_income: Mapping[str, BenefitIncome]
    rules: frozenset[str]
    growing: Mapping[str, Growing]


def _all() -> tuple[Dated, ...]:
    return (*DATED_CODES, *DATED_RULES, *GROWING, *WAGE_INCOME.values(), *BENEFIT_INCOME.values())


def _first_days() -> list[datetime.date]:
    """The first days of the periods but the first one's."""
    begun = {each.since for each in _all()} - {FIRST_DAY}
    ended = {each.until for each in _all()} - {LAST_DAY}
    return sorted(begun | {last + datetime.timedelta(days=1) for last in ended})


def _period(number: int, day: datetime.date) -> Period:
    def holds(each: Dated) -> bool:
        return each.since <= day <= each.until

    gone: dict[str, set[str]] = {}
    for change in DATED_CODES:
        if not holds(change):
            gone.setdefault(change.name, set()).add(change.code)
    return Period(
        number=number,
        lists=MappingProxyType(
            {name: codes - gone.get(name, set()) for name, codes in LISTS.items()}
        ),
        wage_income=MappingProxyType(
            {code: each for code, each in WAGE_INCOME.items() if holds(each)}
        ),
        benefit_income=MappingProxyType(
            {code: each for code, each in BENEFIT_INCOME.items() if holds(each)}
        ),
        rules=frozenset(rule.name for rule in DATED_RULES if holds(rule)),
        growing=MappingProxyType({each.name: each for each in GROWING if holds(each)}),
    )


_FIRST_DAYS = _first_days()
_BEGIN: list[YearMonthDay] = [(day.year, day.month, day.day) for day in _FIRST_DAYS]
PERIODS = tuple(_period(number, day) for number, day in enumerate([FIRST_DAY, *_FIRST_DAYS]))
#: Of what tells no payment date: every code that ever was, and no rule that has a date.
UNDATED = Period(
    number=-1,
    lists=LISTS,
    wage_income=WAGE_INCOME,
    benefit_income=BENEFIT_INCOME,
    rules=frozenset(),
    growing=MappingProxyType({each.name: each for each in GROWING}),
)


def period_of(day: YearMonthDay) -> Period:
    """What holds for payments of that day."""
    return PERIODS[bisect_right(_BEGIN, day)]


def when(each: Dated) -> str:
    """For which payment dates something holds, in words."""
    parts = [
        "" if each.since == FIRST_DAY else f"from {each.since}",
        "" if each.until == LAST_DAY else f"until {each.until}",
    ]
    return " ".join(part for part in parts if part)


def dates_of(list_name: str, code: str) -> str:
    """For which payment dates a code of a list holds; empty when it always or never does."""
    return next(
        (when(each) for each in DATED_CODES if (each.name, each.code) == (list_name, code)), ""
    )

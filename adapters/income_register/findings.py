"""Collects findings under the register's (modelled) error codes, and reads the dates and amounts
that rules compare; no rule.
"""

from __future__ import annotations

import datetime
import re
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from exchange.adapters.income_register.document import Element
from exchange.schemas.income_register.codes import ERRORS
from exchange.schemas.income_register.in_force import UNDATED, Period, YearMonthDay, period_of
from exchange.schemas.instants import FINLAND
from exchange.schemas.violation import Finding, Severity

#: Longest value that is repeated in a finding, in characters.
FOUND_CHARACTERS_MAX = 60
#: Longest time from today to the payment date and to the start of an employment.
DAYS_AHEAD_MAX = 45

_DATE = re.compile(r"(-?[0-9]{4,9})-([0-9]{2})-([0-9]{2})(Z|[+-][0-9]{2}:[0-9]{2})?")
#: The longest text that `_DATE` takes. No longer one is kept, since it may be as long as a body.
DATE_CHARACTERS_MAX = 22
_AMOUNT = re.compile(r"[+-]?[0-9]{1,13}(\.[0-9]{1,2})?")


class Day(NamedTuple):
    """A date as it is written; comparable by year, month and day. `zoned` says that a time zone
    follows it.
    """

    year: int
    month: int
    day: int
    zoned: bool = False


def read_day(text: str | None) -> Day | None:
    """The date that `text` is, None when it is none (the schema has said so)."""
    found = (text or "").strip()
    return _read_day(found) if len(found) <= DATE_CHARACTERS_MAX else None


@lru_cache(maxsize=4096)
def _read_day(text: str) -> Day | None:
    if not (match := _DATE.fullmatch(text)):
        return None
    return Day(int(match[1]), int(match[2]), int(match[3]), bool(match[4]))


def read_amount(text: str | None) -> Decimal | None:
    """The amount that `text` is, None when it is none (the schema has said so)."""
    return Decimal(text.strip()) if text and _AMOUNT.fullmatch(text.strip()) else None


def day_of(milliseconds: int, days_later: int = 0) -> Day:
    """The day in Finland of a time in milliseconds since 1970, or so many days later."""
    here = datetime.datetime.fromtimestamp(milliseconds / 1000, FINLAND)
    date = here.date() + datetime.timedelta(days=days_later)
    return Day(date.year, date.month, date.day)


def iso(day: Day) -> str:
    """A day as it is written in messages."""
    return f"{day.year:04d}-{day.month:02d}-{day.day:02d}"


#: Since when pay is reported to the register, and since when benefits are.
FIRST_PAYMENT, FIRST_BENEFIT = Day(2019, 1, 1), Day(2021, 1, 1)


#: Findings of a delivery that are noted, whatever they are about; a few hundred are told.
NOTED_MAX = 10_000


class Payer(NamedTuple):
    """What the rules of a report ask of the payer.

    `ids` are (type, code) pairs; `types` the codes of PayerType; `sub_orgs` the types of
    sub-organisations; `substitute` whether it pays in the employer's place; `reachable` whether a
    contact person for contents has an e-mail address.
    """

    ids: frozenset[tuple[str, str]] = frozenset()
    types: frozenset[str] = frozenset()
    sub_orgs: frozenset[str] = frozenset()
    substitute: bool = False
    reachable: bool = False


class Line(NamedTuple):
    """One transaction as the rules of a report compare it. `kind` is `recovery`, `unjust`
    or empty.
    """

    transaction: Element
    code: str
    amount: Element | None
    kind: str


class Book:
    """The findings of one delivery. `item` is the index of the report that is being looked at, None
    outside reports; `period` what holds for its payment date, or on `as_of` where that is given.
    `newer` is how severe a code is that a growing list may have by now.
    """

    __slots__ = (
        "_beyond",
        "as_of",
        "count",
        "findings",
        "item",
        "latest_day",
        "newer",
        "payer",
        "payment_day",
        "period",
        "today",
        "wages",
    )

    def __init__(
        self,
        wages: bool,
        now: int = 0,
        newer: Severity = "warning",
        as_of: YearMonthDay | None = None,
    ) -> None:
        self.findings: list[Finding] = []
        #: All that was found, noted or not.
        self.count = 0
        #: Of which items findings were noted beyond `NOTED_MAX`, and how severe.
        self._beyond: set[tuple[int | None, Severity]] = set()
        self.item: int | None = None
        self.payment_day: Day | None = None
        self.period: Period = UNDATED
        self.newer, self.as_of = newer, as_of
        self.payer = Payer()
        self.today = day_of(now)
        self.latest_day = day_of(now, DAYS_AHEAD_MAX)
        self.wages = wages

    def probe(self) -> Book:
        """A book without findings that knows the same of the delivery."""
        other = Book(self.wages, newer=self.newer, as_of=self.as_of)
        other.payment_day, other.payer = self.payment_day, self.payer
        other.period = self.period
        other.today, other.latest_day = self.today, self.latest_day
        return other

    def pay_on(self, day: Day) -> None:
        """Go by the codes and rules of that payment date (of `as_of` where that is given)."""
        self.payment_day, self.period = day, period_of(self.as_of or day[:3])

    def severity_of(self, list_name: str, code: str) -> Severity:
        """How severe a code is that a list lacks."""
        grown = self.period.growing.get(list_name)
        return self.newer if grown is not None and grown.holds(code) else "error"

    def holds(self, rule: str) -> bool:
        """Whether a rule of `changes.toml` holds for the payment date."""
        return rule in self.period.rules

    def add(
        self,
        rule: str,
        at: Element | None,
        expected: str = "",
        found: str | None = "",
        severity: Severity = "error",
    ) -> None:
        """Note what is wrong at an element; the text of the message and the code come from the
        table of errors. Beyond `NOTED_MAX` in all, of each item the first of its severity: a
        finding takes a kilobyte, and a delivery may be wrong at every twenty bytes.
        """
        self.count += 1
        if len(self.findings) >= NOTED_MAX:
            if (self.item, severity) in self._beyond:
                return
            self._beyond.add((self.item, severity))
        error = ERRORS[rule]
        found = (found or "").strip()[:FOUND_CHARACTERS_MAX]
        self.findings.append(
            Finding(
                rule=f"ir.{rule}",
                message=error.message,
                at=at,
                expected=expected,
                found=found,
                severity=severity,
                code=error.code,
                item=self.item,
            )
        )


def _codes(*spans: tuple[int, int]) -> frozenset[str]:
    return frozenset(str(code) for first, last in spans for code in range(first, last + 1))


_FRINGE = frozenset(("301", "302", "317", "330", "334"))


#: What a deduction is made from: income types whose sum it may not exceed.
DEDUCTED_FROM = {
    "401": frozenset(("304",)),
    "407": _FRINGE,
    "419": _codes(
        (101, 106), (201, 207), (209, 227), (230, 239), (308, 308), (315, 316), (320, 320), (326, 326), (336, 336),
        (339, 339), (351, 351), (353, 355), (359, 359),
    ),
}  # fmt: skip

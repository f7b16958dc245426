"""What generated deliveries are put together from: artificial earners, identifiers, periods and
amounts as bytes; no pay and no benefit.

Everything is prepared bytes filled in with `%`: a year's simulation makes tens of thousands of
reports a second.
"""

from __future__ import annotations

import calendar
import datetime
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from xml.sax.saxutils import escape

from exchange.schemas import persons
from exchange.schemas.identifiers import CHECK_CHARACTERS

#: A number from 0 to below 1.
Chance = Callable[[], float]

COMPANIES = (
    "Kuusikko",
    "Louhi",
    "Rantasampo",
    "Tuulenpesä",
    "Haavikko",
    "Sinisalo",
    "Pyörretuuli",
    "Kantele",
)
_CHECKS = CHECK_CHARACTERS.encode()
_CENTURIES = (b"-----YXWVU", b"AAAAABCDEF")
_EARNER = (
    b"<IncomeEarnerIds><Id><Type>2</Type><Code>%06d%c%03d%c</Code></Id></IncomeEarnerIds>"
    b"<IncomeEarnerBasic>"
    b"<LastName>%b</LastName><FirstName>%b</FirstName></IncomeEarnerBasic>"
)
_REPORT_DATA = (
    b"<Report><ReportData><ActionCode>%d</ActionCode><ReportId>%b-%04d</ReportId></ReportData>"
)
#: Longest ReportId is 40 characters, of which five are the number's.
_PREFIX_CHARACTERS_MAX = 35


def _encoded(names: Sequence[str]) -> tuple[bytes, ...]:
    return tuple(escape(name).encode() for name in names)


_LAST, _MEN, _WOMEN = _encoded(persons.LAST_NAMES), _encoded(persons.MEN), _encoded(persons.WOMEN)


@dataclass(frozen=True, slots=True)
class Batch:
    """What is common to a delivery: who pays (business id), who sends it, when it is paid, how it
    is called; when it is sent, where that is another day.

    With the id of an earlier delivery in `replaces`, its reports replace the first ones of that.
    """

    payer: str
    sender: str
    day: datetime.date
    delivery_id: str
    reports: int = 1
    real_time: bool = True
    faulty_control: int = 1
    sent: datetime.date | None = None
    replaces: str = ""

    @property
    def report_prefix(self) -> bytes:
        """What the ReportIds begin with: unique where delivery ids are."""
        return (self.replaces or self.delivery_id).encode()[-_PREFIX_CHARACTERS_MAX:]


@dataclass(frozen=True, slots=True)
class Span:
    """A period with its dates as bytes."""

    first: datetime.date
    last: datetime.date
    start: bytes
    end: bytes

    @classmethod
    def of(cls, first: datetime.date, last: datetime.date) -> Span:
        """The period from one day to another, both included."""
        return cls(first, last, first.isoformat().encode(), last.isoformat().encode())

    @classmethod
    def month_of(cls, day: datetime.date, before: int = 0) -> Span:
        """The calendar month of a day, or so many months before it."""
        months = day.year * 12 + day.month - 1 - before
        year, month = months // 12, months % 12 + 1
        return cls.of(
            datetime.date(year, month, 1),
            datetime.date(year, month, calendar.monthrange(year, month)[1]),
        )


def report_data(batch: Batch, number: int) -> bytes:
    """The beginning of a report, which is new or replaces the one of the same ReportId."""
    return _REPORT_DATA % (2 if batch.replaces else 1, batch.report_prefix, number)


def earner(chance: Chance, first_year: int, years: int) -> bytes:
    """An artificial earner born in one of so many years: identity code (number 900-999) and a
    made-up name.
    """
    year = first_year + int(chance() * years)
    date = (1 + int(chance() * 28)) * 10_000 + (1 + int(chance() * 12)) * 100 + year % 100
    number = 900 + int(chance() * 100)
    names = _MEN if number % 2 else _WOMEN
    return _EARNER % (
        date,
        _CENTURIES[year >= 2000][int(chance() * 10)],
        number,
        _CHECKS[(date * 1000 + number) % 31],
        _LAST[int(chance() * len(_LAST))],
        names[int(chance() * len(names))],
    )


def identifier(name: str, kind: int, code: str) -> str:
    """An identifier without a country."""
    return f"<{name}><Type>{kind}</Type><Code>{code}</Code></{name}>"


def header(batch: Batch, kind: int) -> str:
    """What every delivery of reports begins with."""
    return (
        f"<Timestamp>{batch.sent or batch.day}T06:00:00Z</Timestamp><Source>Exchange "
        "simulator</Source>"
        f"<DeliveryDataType>{kind}</DeliveryDataType><DeliveryId>{batch.delivery_id}</DeliveryId>"
        f"<FaultyControl>{batch.faulty_control}</FaultyControl><ProductionEnvironment>"
        "false</ProductionEnvironment>"
        + identifier("DeliveryDataOwner", 1, batch.payer)
        + identifier("DeliveryDataCreator", 1, batch.sender)
        + identifier("DeliveryDataSender", 1, batch.sender)
    )


@lru_cache(maxsize=256)
def contact(payer: str) -> str:
    """The contact person for contents of a payer (its business id): always the same one, with an
    e-mail address that nobody has.
    """
    rng = random.Random(payer)
    name = escape(f"{rng.choice(persons.WOMEN)} {rng.choice(persons.LAST_NAMES)}")
    return (
        f"<ContactPersons><ContactPerson><Name>{name}</Name><Telephone>+358 50 "
        f"{rng.randrange(1_000_000, 10_000_000)}</Telephone>"
        "<Email>palkat@example.org</Email><ResponsibilityCode>1</ResponsibilityCode>"
        "</ContactPerson></ContactPersons>"
    )


@lru_cache(maxsize=256)
def company(payer: str) -> str:
    """The name of the company with that business id."""
    return f"{random.Random(payer).choice(COMPANIES)} Oy"

"""Synthetic messages between Kela and foreign institutions: texts with holes, artificial persons
only.
"""

from __future__ import annotations

import datetime
import functools
import random
from collections.abc import Callable
from functools import partial
from xml.sax.saxutils import escape

from exchange.adapters.luova.synthetic import new_id
from exchange.schemas.call import XML
from exchange.schemas.directory import Partner, load
from exchange.schemas.generated import Generated, Generator
from exchange.schemas.persons import Person, died, person

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
#: Fewest and most records in a message (*modelled*).
RECORDS = {
    "bilateral.circumstance-changes": (1, 99),
    "bilateral.insurance": (1, 9),
    "bilateral.supplementary-pensions": (1, 3),
}
_CHANGES = (
    "DEATH",
    "ADDRESS",
    "ADDRESS",
    "MARITAL_STATUS",
    "NAME",
    "MOVE_TO_ANOTHER_COUNTRY",
    "PENSION_AMOUNT",
    "PENSION_AMOUNT",
)
_GROUNDS = ("EMPLOYMENT", "EMPLOYMENT", "SELF_EMPLOYMENT", "RESIDENCE", "POSTED_WORK")
_PENSIONS = ("OLD_AGE", "OLD_AGE", "DISABILITY", "SURVIVORS")
_CURRENCIES = {
    "SE": "SEK",
    "NO": "NOK",
    "DK": "DKK",
    "PL": "PLN",
    "US": "USD",
    "CA": "CAD",
    "AU": "AUD",
    "JP": "JPY",
    "KR": "KRW",
}
_DAY = datetime.timedelta(days=1)
#: Nobody younger has an old-age pension (*modelled*; it differs between countries).
_OLD_AGE_YEARS = 60


@functools.cache
def _ends() -> tuple[Partner, Partner]:
    """A foreign institution and Kela, for messages that nobody in particular sends."""
    directory = load()
    kela = directory.serving("international")
    assert kela is not None, "the directory has Kela's international affairs"
    return directory.in_sector("foreign-institution")[0], kela


@functools.lru_cache(maxsize=512)
def _institution(element: str, partner: Partner) -> str:
    return (
        f"<{element}><Country>{partner.country}</Country><Name>{escape(partner.name)}</Name>"
        f"</{element}>"
    )


def _living(rng: random.Random, date: datetime.date) -> Person:
    return person(
        rng, date, datetime.date(date.year - 95, 1, 1), datetime.date(date.year - 20, 12, 31)
    )


def _person(rng: random.Random, who: Person, country: str) -> str:
    return (
        f"<Person><PersonalIdentityCode>{who.personal_identity_code}</PersonalIdentityCode>"
        f'<ForeignId country="{country}">X{rng.getrandbits(32)}</ForeignId>'
        f"<LastName>{who.last_name}</LastName><FirstName>{who.first_name}</FirstName><BirthDate>"
        f"{who.birth_date}</BirthDate></Person>"
    )


def _change(rng: random.Random, date: datetime.date, country: str) -> tuple[Person, str, str]:
    kind = _CHANGES[int(rng.random() * 8)]
    happened = date - int(rng.random() * 40) * _DAY
    if kind == "DEATH":
        dead = died(rng, date - 40 * _DAY, date)
        who, happened = Person(dead, dead.death), datetime.date.fromordinal(dead.death)
    else:
        who = _living(rng, date)
    return who, "Change", f"<Kind>{kind}</Kind><HappenedOn>{happened}</HappenedOn>"


def _insurance(rng: random.Random, date: datetime.date, country: str) -> tuple[Person, str, str]:
    who = _living(rng, date)
    start = date - int(100 + rng.random() * 5_000) * _DAY
    end = f"<To>{start + int(30 + rng.random() * 70) * _DAY}</To>" if rng.random() < 0.7 else ""
    return (
        who,
        "Insurance",
        f"<Country>{country}</Country><Period><From>{start}</From>{end}</Period><Ground>"
        f"{_GROUNDS[int(rng.random() * 5)]}</Ground>",
    )


def _pension(rng: random.Random, date: datetime.date, country: str) -> tuple[Person, str, str]:
    kind = _PENSIONS[int(rng.random() * 4)]
    who = _living(rng, date)
    while kind == "OLD_AGE" and date.year - who.birth_date.year < _OLD_AGE_YEARS:
        who = _living(rng, date)
    amount = f"{int(50 + rng.random() * 900)}.{int(rng.random() * 100):02d}"
    return (
        who,
        "Pension",
        f"<Kind>{kind}</Kind><Period><From>{date.replace(day=1)}</From>"
        "</Period>"
        f'<MonthlyAmount currency="{_CURRENCIES.get(country, "EUR")}">{amount}</MonthlyAmount>',
    )


_Record = Callable[[random.Random, datetime.date, str], tuple[Person, str, str]]
_FORMS: dict[str, tuple[str, _Record]] = {
    "bilateral.circumstance-changes": ("CircumstanceChanges", _change),
    "bilateral.insurance": ("InsurancePeriods", _insurance),
    "bilateral.supplementary-pensions": ("SupplementaryPensions", _pension),
}


def message(
    message_type: str,
    rng: random.Random,
    date: datetime.date,
    serial: int,
    sender: Partner | None = None,
    receiver: Partner | None = None,
    count: int = 0,
) -> Generated:
    """A message of one of the types (default: from a foreign institution to Kela)."""
    foreign, kela = _ends()
    sender, receiver = sender or foreign, receiver or kela
    country = receiver.country if sender.country == "FI" else sender.country
    root, make = _FORMS[message_type]
    count = count or rng.randint(*RECORDS[message_type])
    records = []
    for number in range(1, count + 1):
        who, element, content = make(rng, date, country)
        about = _person(rng, who, country)
        records.append(f'<{element} id="r{number}">{about}{content}</{element}>')
    moment = f"{date}T{int(rng.random() * 24):02d}:{int(rng.random() * 60):02d}:00Z"
    body = (
        f'{_HEAD}<{root} xmlns="urn:exchange:bilateral:1">'
        f"{_institution('Sender', sender)}{_institution('Receiver', receiver)}"
        f"<CreatedAt>{moment}</CreatedAt>{''.join(records)}</{root}>"
    )
    return Generated(body.encode(), XML, new_id("bil", rng, date, serial), count)


GENERATORS: dict[str, Generator] = {
    message_type: partial(message, message_type) for message_type in RECORDS
}

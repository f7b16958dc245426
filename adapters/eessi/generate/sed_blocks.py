"""Who and what an artificial SED is about, and the blocks that SEDs share, as trees of names and
texts; no SED of its own.

Person data is artificial (`schemas.persons`); the structure is that of `schemas/eessi/*.xsd`
(modelled).
"""

from __future__ import annotations

import calendar
import datetime
import random
from collections.abc import Sequence

from exchange.schemas.persons import POPULATION, person
from exchange.schemas.persons.homes import Home
from exchange.schemas.value import value

#: Elements in order: a text or further elements.
Tree = Sequence[tuple[str, "str | Tree"]]


@value
class Subject:
    """The person of a case as SEDs name her: `pins` are (country, number), `sex` is 01 (male) or 02
    (female).
    """

    family_name: str
    forename: str
    birth_date: str
    sex: str
    pins: tuple[tuple[str, str], ...] = ()
    nationality: str = "FI"


@value
class Scene:
    """What a SED is written from: chance, day, subject, institutions (EESSI ids) and the document
    that it is about.
    """

    rng: random.Random
    day: datetime.date
    subject: Subject
    sender: str
    receiver: str
    about_sed: str = "P2000"
    about_set: str = ""

    def days_before(self, least: int, most: int) -> str:
        """A date so many days before the scene's, as text."""
        return (self.day - datetime.timedelta(days=self.rng.randint(least, most))).isoformat()

    def days_after(self, least: int, most: int) -> str:
        """A date so many days after the scene's, as text."""
        return (self.day + datetime.timedelta(days=self.rng.randint(least, most))).isoformat()

    def pick(self, *values: str) -> str:
        """One of the values."""
        return self.rng.choice(values)


#: Nobody younger claims an old-age pension (*modelled*; it differs between countries).
_OLD_AGE_YEARS = 60


def subject(
    rng: random.Random, day: datetime.date, country: str, is_pensioner: bool = False
) -> Subject:
    """Somebody who lives on the day and is known in Finland and in `country`."""
    youngest = _OLD_AGE_YEARS if is_pensioner else 20
    found = person(
        rng, day, datetime.date(day.year - 85, 1, 1), datetime.date(day.year - youngest - 1, 12, 31)
    )
    born = found.birth_date.isoformat()
    foreign = f"{born.replace('-', '')}{rng.randrange(10_000):04d}"
    pins = (
        ("FI", found.personal_identity_code),
        *(((country, foreign),) if country != "FI" else ()),
    )
    sex = "01" if found.sex == "male" else "02"
    return Subject(
        family_name=found.last_name,
        forename=found.first_name,
        birth_date=born,
        sex=sex,
        pins=pins,
        nationality=rng.choice(("FI", country)),
    )


def coded(name: str, code: str) -> tuple[str, Tree]:
    """A coded value: EESSI puts it into an element `value`."""
    return name, (("value", code),)


def local_case_numbers(scene: Scene) -> tuple[str, Tree]:
    """The sender's own case number."""
    country = scene.sender.partition(":")[0]
    number = (
        coded("country", country),
        ("caseNumber", f"{country}-{scene.day.year}-{scene.rng.randrange(1_000_000):06d}"),
    )
    return "LocalCaseNumbers", (("LocalCaseNumber", number),)


def person_block(who: Subject) -> tuple[str, Tree]:
    """The person as every SED but the administrative ones names her."""
    pins: Tree = tuple(
        (
            "PersonalIdentificationNumber",
            (
                coded("country", country),
                ("personalIdentificationNumber", number),
                coded("sector", "01"),
            ),
        )
        for country, number in who.pins
    )
    identification: Tree = (
        ("familyName", who.family_name),
        ("forename", who.forename),
        ("dateBirth", who.birth_date),
        coded("sex", who.sex),
        *((("PINPersonInEachInstitution", pins),) if pins else ()),
    )
    nationality = ("AdditionalInformationPerson", (coded("nationality", who.nationality),))
    return "Person", (("PersonIdentification", identification), nationality)


def address(scene: Scene, name: str = "Address", country: str = "FI") -> tuple[str, Tree]:
    """The subject's own address in Finland, where she has one on the day; for whatever else is
    asked, somebody's.
    """
    own = _own_home(scene) if name == "Address" and country == "FI" else None
    home = own or person(scene.rng, scene.day).home
    place = (("street", home.street), ("town", home.town), ("postalCode", home.postal_code))
    return name, (*place, coded("country", country))


def _own_home(scene: Scene) -> Home | None:
    life = POPULATION.find(dict(scene.subject.pins).get("FI", ""))
    return life.home(scene.day.toordinal()) if life is not None else None


def period(start: str, end: str) -> tuple[str, Tree]:
    """A period with both its dates."""
    return "ReferencePeriod", (("FixedPeriod", (("startDate", start), ("endDate", end))),)


def fixed(scene: Scene) -> tuple[str, Tree]:
    """A period in the past."""
    return period(scene.days_before(4000, 9000), scene.days_before(100, 3900))


def institution(institution: str) -> tuple[str, Tree]:
    """An institution by its EESSI id."""
    return "Institution", (
        ("institutionID", institution),
        ("institutionName", f"Institution {institution}"),
    )


def further(text: str) -> tuple[str, Tree]:
    """Further information in words."""
    return "AdditionalInformation", (("additionalInformation", text),)


def amount(scene: Scene, least: int = 40, most: int = 2500) -> str:
    """An amount of money with two decimals."""
    return f"{scene.rng.randint(least, most)}.{scene.rng.randrange(100):02d}"


def duration(start: str, end: str) -> Tree:
    """The years, months and days from one date to the other, both counted."""
    first, last = (
        datetime.date.fromisoformat(start),
        datetime.date.fromisoformat(end) + datetime.timedelta(days=1),
    )
    months = (last.year - first.year) * 12 + last.month - first.month - (last.day < first.day)
    year, month = divmod(first.month - 1 + months, 12)
    length = calendar.monthrange(first.year + year, month + 1)[1]
    days = (last - datetime.date(first.year + year, month + 1, min(first.day, length))).days
    return ("years", str(months // 12)), ("months", str(months % 12)), ("days", str(days))

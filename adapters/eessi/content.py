"""What artificial SEDs say: a tree of names and texts for each SED, from a source of chance; no header and no bytes.

Person data is artificial (`schemas.persons`); the structure is that of `schemas/eessi/*.xsd` (modelled).
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from schemas.persons import Person, person

#: Elements in order: a text or further elements.
Tree = Sequence[tuple[str, "str | Tree"]]


@dataclass(frozen=True, slots=True)
class Subject:
    """The person of a case as SEDs name her: `pins` are (country, number), `sex` is 01 (male) or 02 (female)."""

    family_name: str
    forename: str
    birth_date: str
    sex: str
    pins: tuple[tuple[str, str], ...] = ()
    nationality: str = "FI"


@dataclass(frozen=True, slots=True)
class Scene:
    """What a SED is written from: chance, day, subject, institutions (EESSI ids) and the document that it is about."""

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


def subject(rng: random.Random, country: str) -> Subject:
    """An artificial person known in Finland and in `country`."""
    found: Person = person(rng, datetime.date(1940, 1, 1), datetime.date(1999, 12, 31))
    foreign = f"{found.birth_date:%Y%m%d}{rng.randrange(10_000):04d}"
    pins = (("FI", found.personal_identity_code), *(((country, foreign),) if country != "FI" else ()))
    sex = "01" if found.sex == "male" else "02"
    return Subject(found.last_name, found.first_name, found.birth_date.isoformat(), sex, pins, rng.choice(("FI", country)))


def coded(name: str, value: str) -> tuple[str, Tree]:
    """A coded value: EESSI puts it into an element `value`."""
    return name, (("value", value),)


def body(sed: str, scene: Scene) -> Tree:
    """Everything inside the SED's root."""
    if sed.startswith("X"):
        who = scene.subject
        context = (
            ("familyName", who.family_name),
            ("forename", who.forename),
            ("dateBirth", who.birth_date),
            coded("sex", who.sex),
        )
        return (("CaseContext", (("PersonContext", context),)), *CONTENTS[sed](scene))
    return (_local_case_numbers(scene), _person(scene.subject), *CONTENTS[sed](scene))


def _local_case_numbers(scene: Scene) -> tuple[str, Tree]:
    country = scene.sender.partition(":")[0]
    number = (coded("country", country), ("caseNumber", f"{country}-{scene.day.year}-{scene.rng.randrange(1_000_000):06d}"))
    return "LocalCaseNumbers", (("LocalCaseNumber", number),)


def _person(who: Subject) -> tuple[str, Tree]:
    pins: Tree = tuple(
        ("PersonalIdentificationNumber", (coded("country", country), ("personalIdentificationNumber", number), coded("sector", "01")))
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


def _address(scene: Scene, name: str = "Address", country: str = "FI") -> tuple[str, Tree]:
    found = person(scene.rng)
    place = (("street", found.street), ("town", found.town), ("postalCode", found.postal_code))
    return name, (*place, coded("country", country))


def _fixed(scene: Scene) -> tuple[str, Tree]:
    return "ReferencePeriod", (("FixedPeriod", (("startDate", scene.days_before(4000, 9000)), ("endDate", scene.days_before(100, 3900)))),)


def _institution(institution: str) -> tuple[str, Tree]:
    return "Institution", (("institutionID", institution), ("institutionName", f"Institution {institution}"))


def _further(text: str) -> tuple[str, Tree]:
    return "AdditionalInformation", (("additionalInformation", text),)


def _amount(scene: Scene, least: int = 40, most: int = 2500) -> str:
    return f"{scene.rng.randint(least, most)}.{scene.rng.randrange(100):02d}"


def _duration(scene: Scene) -> Tree:
    return (("years", str(scene.rng.randint(0, 40))), ("months", str(scene.rng.randint(0, 11))), ("days", str(scene.rng.randint(0, 30))))


def _p2000(scene: Scene) -> Tree:
    claim = (("dateClaim", scene.days_before(1, 30)), ("requestedStartDate", scene.days_after(30, 200)), coded("deferredIndicator", "0"))
    marital = (coded("maritalStatus", scene.pick("01", "02", "03", "04")),)
    return (("Claim", claim), _address(scene), ("MaritalStatus", marital), _further("Claim made at the institution of the place of residence."))


def _p3000(scene: Scene) -> Tree:
    item = (("question", "Residence in the country after the age of 16"), ("answer", "Yes, without interruption."))
    return (("CountrySpecificInformation", (coded("country", scene.receiver[:2]), ("Item", item))),)


def _p4000(scene: Scene) -> Tree:
    kind = (coded("kind", scene.pick("01", "02", "03")), coded("country", scene.receiver[:2]), _fixed(scene))
    return (("InsuranceHistory", (("Activity", (*kind, ("occupation", scene.pick("carpenter", "nurse", "driver")))),)),)


def _p5000(scene: Scene) -> Tree:
    duration = _duration(scene)
    period = (coded("kind", scene.pick("10", "30", "41")), coded("country", scene.sender[:2]), _fixed(scene), ("Duration", duration))
    return (("InsuranceResidencePeriods", (("Period", period), ("TotalDuration", duration))),)


def _p6000(scene: Scene) -> Tree:
    start = scene.days_after(1, 60)
    benefit = (("grossAmount", _amount(scene)), coded("currency", "EUR"), coded("frequency", "01"), ("startDate", start))
    decision = (
        coded("typePension", "01"),
        coded("typeDecision", "01"),
        ("dateDecision", scene.day.isoformat()),
        ("startDate", start),
        ("Benefit", benefit),
    )
    return (("Decision", decision), ("Review", (("timeLimitDays", "30"), _institution(scene.sender))))


def _p7000(scene: Scene) -> Tree:
    decision = (
        _institution(scene.receiver),
        coded("country", scene.receiver[:2]),
        coded("typeDecision", "01"),
        ("dateDecision", scene.days_before(1, 60)),
    )
    return (("Summary", (("Decision", decision), ("dateSummary", scene.day.isoformat()))),)


def _p8000(scene: Scene) -> Tree:
    information = (coded("kind", scene.pick("01", "02", "03")), ("details", "Please confirm the periods of insurance in your country."))
    return (("Request", (("Information", information), ("replyBefore", scene.days_after(30, 60)))),)


def _p9000(scene: Scene) -> Tree:
    information = (coded("kind", scene.pick("01", "02", "03")), coded("answer", "01"), ("details", "The periods are confirmed."))
    return (("Reply", (("Information", information),)),)


def _p10000(scene: Scene) -> Tree:
    return (("TransferInformation", (coded("kind", "02"), ("details", "The address has changed."), ("validFrom", scene.days_before(1, 90)))),)


def _a009(scene: Scene) -> Tree:
    period = (("startDate", scene.days_after(1, 30)), ("endDate", scene.days_after(60, 700)))
    legislation = (coded("country", scene.sender[:2]), coded("article", scene.pick("12_1", "12_2")), ("ReferencePeriod", (("FixedPeriod", period),)))
    number = (("identificationNumber", f"{scene.rng.randrange(10**8):08d}"), coded("kind", "01"))
    employer = (("name", scene.pick("Northern Works", "Baltic Build", "Aurora Services")), ("IdentificationNumber", number))
    work = (("name", "Building site"), _address(scene, country=scene.receiver[:2]))
    return (
        ("ApplicableLegislation", legislation),
        ("Employer", (*employer, _address(scene, country=scene.sender[:2]))),
        ("PlaceWorkInHostCountry", work),
    )


def _h001(scene: Scene) -> Tree:
    information = (coded("kind", scene.pick("01", "02", "03", "04")), ("details", "Please state periods of residence."), _fixed(scene))
    return (("Purpose", (coded("purpose", "02"),)), ("Information", information))


def _h002(scene: Scene) -> Tree:
    information = (coded("kind", scene.pick("01", "02", "03", "04")), ("details", "Resident throughout the period."), _fixed(scene))
    return (("Reply", (coded("answer", "01"), ("Information", information))),)


def _h020(scene: Scene) -> Tree:
    amount = _amount(scene, 20, 400)
    cost = (coded("kind", "01"), ("date", scene.days_before(10, 90)), ("amount", amount), coded("currency", "EUR"))
    claim = (("claimNumber", f"C{scene.rng.randrange(10**6):06d}"), ("dateClaim", scene.day.isoformat()), ("Cost", cost))
    account = (("holder", f"Institution {scene.sender}"), ("iban", "FI2112345600000785"), ("bic", "NDEAFIHH"))
    return (("Claim", (*claim, ("totalAmount", amount), coded("currency", "EUR"))), ("BankAccount", account))


def _h021(scene: Scene) -> Tree:
    reply = (("claimNumber", f"C{scene.rng.randrange(10**6):06d}"), coded("answer", "01"), ("acceptedAmount", _amount(scene, 20, 400)))
    return (("Reply", (*reply, coded("currency", "EUR"))),)


def _h070(scene: Scene) -> Tree:
    return (("Death", (("dateDeath", scene.days_before(1, 60)), coded("country", scene.sender[:2]), coded("verifiedIndicator", "1"))),)


def _h120(scene: Scene) -> Tree:
    kind = (coded("kind", "01"), ("details", "A current statement of work capacity is asked for."))
    return (("MedicalInformationRequest", (("Kind", kind), coded("costsBorneByRequesterIndicator", "1"))),)


def _h121(scene: Scene) -> Tree:
    item = (coded("kind", "01"), ("dateExamination", scene.days_before(5, 90)), ("details", "Statement of work capacity."))
    return (("MedicalInformation", (("Item", item), coded("attachedIndicator", "0"))),)


def _x001(scene: Scene) -> Tree:
    return (("InformationAboutClose", (("closeDate", scene.day.isoformat()), coded("close", "01"), coded("reasonForClosing", "01"))),)


def _reference(name: str, scene: Scene) -> tuple[str, Tree]:
    return name, (("sedType", scene.about_sed), ("setId", scene.about_set))


def _named(name: str, scene: Scene) -> Tree:
    return ((name, (_institution(scene.receiver), ("reason", "Competence has been clarified."))),)


#: What stands in each SED after the blocks that all of its kind share.
CONTENTS: dict[str, Callable[[Scene], Tree]] = {
    "P2000": _p2000,
    "P3000": _p3000,
    "P4000": _p4000,
    "P5000": _p5000,
    "P6000": _p6000,
    "P7000": _p7000,
    "P8000": _p8000,
    "P9000": _p9000,
    "P10000": _p10000,
    "A009": _a009,
    "H001": _h001,
    "H002": _h002,
    "H020": _h020,
    "H021": _h021,
    "H070": _h070,
    "H120": _h120,
    "H121": _h121,
    "X001": _x001,
    "X002": lambda scene: (("InformationAboutReopening", (coded("reason", "01"),)),),
    "X005": lambda scene: _named("ParticipantAdded", scene),
    "X006": lambda scene: _named("ParticipantRemoved", scene),
    "X007": lambda scene: _named("ForwardedTo", scene),
    "X008": lambda scene: (_reference("InvalidatedSED", scene), coded("reason", "01")),
    "X009": lambda scene: (("Reminder", (("sedType", scene.about_sed), ("replyBefore", scene.days_after(10, 30)))),),
    "X010": lambda scene: (("Reply", (("sedType", scene.about_sed), coded("answer", "01"), ("expectedDate", scene.days_after(5, 30)))),),
    "X011": lambda scene: (_reference("RejectedSED", scene), coded("reason", "01")),
    "X012": lambda scene: (_reference("ClarifiedSED", scene), ("Question", (("field", "Claim/totalAmount"), ("details", "In which currency?")))),
    "X013": lambda scene: (_reference("ClarifiedSED", scene), ("Answer", (("field", "Claim/totalAmount"), ("details", "In euros.")))),
    "X050": lambda scene: (_reference("ErroneousSED", scene), ("Error", (("code", "B01"), ("description", "The document can't be read.")))),
    "X100": lambda scene: (
        ("ParticipantReplaced", _institution(scene.sender)[1]),
        ("ParticipantNew", _institution(scene.receiver)[1]),
        ("dateChange", scene.day.isoformat()),
    ),
}

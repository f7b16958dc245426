"""What artificial SEDs say: a tree of names and texts for each SED, from a source of chance; no
header and no bytes.

The structure is that of `schemas/eessi/*.xsd` (modelled).
"""

from __future__ import annotations

from collections.abc import Callable

from exchange.adapters.eessi.generate.sed_blocks import (
    Scene,
    Tree,
    address,
    amount,
    coded,
    duration,
    fixed,
    further,
    institution,
    local_case_numbers,
    period,
    person_block,
)


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
    return (local_case_numbers(scene), person_block(scene.subject), *CONTENTS[sed](scene))


def _p2000(scene: Scene) -> Tree:
    claim = (
        ("dateClaim", scene.days_before(1, 30)),
        ("requestedStartDate", scene.days_after(30, 200)),
        coded("deferredIndicator", "0"),
    )
    marital = (coded("maritalStatus", scene.pick("01", "02", "03", "04")),)
    return (
        ("Claim", claim),
        address(scene),
        ("MaritalStatus", marital),
        further("Claim made at the institution of the place of residence."),
    )


def _p3000(scene: Scene) -> Tree:
    item = (
        ("question", "Residence in the country after the age of 16"),
        ("answer", "Yes, without interruption."),
    )
    return (("CountrySpecificInformation", (coded("country", scene.receiver[:2]), ("Item", item))),)


def _p4000(scene: Scene) -> Tree:
    kind = (
        coded("kind", scene.pick("01", "02", "03")),
        coded("country", scene.receiver[:2]),
        fixed(scene),
    )
    return (
        (
            "InsuranceHistory",
            (("Activity", (*kind, ("occupation", scene.pick("carpenter", "nurse", "driver")))),),
        ),
    )


def _p5000(scene: Scene) -> Tree:
    start, end = scene.days_before(4000, 9000), scene.days_before(100, 3900)
    length = duration(start, end)
    insured = (
        coded("kind", scene.pick("10", "30", "41")),
        coded("country", scene.sender[:2]),
        period(start, end),
        ("Duration", length),
    )
    return (("InsuranceResidencePeriods", (("Period", insured), ("TotalDuration", length))),)


def _p6000(scene: Scene) -> Tree:
    start = scene.days_after(1, 60)
    benefit = (
        ("grossAmount", amount(scene)),
        coded("currency", "EUR"),
        coded("frequency", "01"),
        ("startDate", start),
    )
    decision = (
        coded("typePension", "01"),
        coded("typeDecision", "01"),
        ("dateDecision", scene.day.isoformat()),
        ("startDate", start),
        ("Benefit", benefit),
    )
    return (
        ("Decision", decision),
        ("Review", (("timeLimitDays", "30"), institution(scene.sender))),
    )


def _p7000(scene: Scene) -> Tree:
    decision = (
        institution(scene.receiver),
        coded("country", scene.receiver[:2]),
        coded("typeDecision", "01"),
        ("dateDecision", scene.days_before(1, 60)),
    )
    return (("Summary", (("Decision", decision), ("dateSummary", scene.day.isoformat()))),)


def _p8000(scene: Scene) -> Tree:
    information = (
        coded("kind", scene.pick("01", "02", "03")),
        ("details", "Please confirm the periods of insurance in your country."),
    )
    return (("Request", (("Information", information), ("replyBefore", scene.days_after(30, 60)))),)


def _p9000(scene: Scene) -> Tree:
    information = (
        coded("kind", scene.pick("01", "02", "03")),
        coded("answer", "01"),
        ("details", "The periods are confirmed."),
    )
    return (("Reply", (("Information", information),)),)


def _p10000(scene: Scene) -> Tree:
    return (
        (
            "TransferInformation",
            (
                coded("kind", "02"),
                ("details", "The address has changed."),
                ("validFrom", scene.days_before(1, 90)),
            ),
        ),
    )


def _a009(scene: Scene) -> Tree:
    posted = period(scene.days_after(1, 30), scene.days_after(60, 700))
    legislation = (
        coded("country", scene.sender[:2]),
        coded("article", scene.pick("12_1", "12_2")),
        posted,
    )
    number = (("identificationNumber", f"{scene.rng.randrange(10**8):08d}"), coded("kind", "01"))
    employer = (
        ("name", scene.pick("Northern Works", "Baltic Build", "Aurora Services")),
        ("IdentificationNumber", number),
    )
    work = (("name", "Building site"), address(scene, country=scene.receiver[:2]))
    return (
        ("ApplicableLegislation", legislation),
        ("Employer", (*employer, address(scene, country=scene.sender[:2]))),
        ("PlaceWorkInHostCountry", work),
    )


def _h001(scene: Scene) -> Tree:
    information = (
        coded("kind", scene.pick("01", "02", "03", "04")),
        ("details", "Please state periods of residence."),
        fixed(scene),
    )
    return (("Purpose", (coded("purpose", "02"),)), ("Information", information))


def _h002(scene: Scene) -> Tree:
    information = (
        coded("kind", scene.pick("01", "02", "03", "04")),
        ("details", "Resident throughout the period."),
        fixed(scene),
    )
    return (("Reply", (coded("answer", "01"), ("Information", information))),)


def _h020(scene: Scene) -> Tree:
    price = amount(scene, 20, 400)
    cost = (
        coded("kind", "01"),
        ("date", scene.days_before(10, 90)),
        ("amount", price),
        coded("currency", "EUR"),
    )
    claim = (
        ("claimNumber", f"C{scene.rng.randrange(10**6):06d}"),
        ("dateClaim", scene.day.isoformat()),
        ("Cost", cost),
    )
    account = (
        ("holder", f"Institution {scene.sender}"),
        ("iban", "FI2112345600000785"),
        ("bic", "NDEAFIHH"),
    )
    return (
        ("Claim", (*claim, ("totalAmount", price), coded("currency", "EUR"))),
        ("BankAccount", account),
    )


def _h021(scene: Scene) -> Tree:
    reply = (
        ("claimNumber", f"C{scene.rng.randrange(10**6):06d}"),
        coded("answer", "01"),
        ("acceptedAmount", amount(scene, 20, 400)),
    )
    return (("Reply", (*reply, coded("currency", "EUR"))),)


def _h070(scene: Scene) -> Tree:
    return (
        (
            "Death",
            (
                ("dateDeath", scene.days_before(1, 60)),
                coded("country", scene.sender[:2]),
                coded("verifiedIndicator", "1"),
            ),
        ),
    )


def _h120(scene: Scene) -> Tree:
    kind = (coded("kind", "01"), ("details", "A current statement of work capacity is asked for."))
    return (
        (
            "MedicalInformationRequest",
            (("Kind", kind), coded("costsBorneByRequesterIndicator", "1")),
        ),
    )


def _h121(scene: Scene) -> Tree:
    item = (
        coded("kind", "01"),
        ("dateExamination", scene.days_before(5, 90)),
        ("details", "Statement of work capacity."),
    )
    return (("MedicalInformation", (("Item", item), coded("attachedIndicator", "0"))),)


def _x001(scene: Scene) -> Tree:
    return (
        (
            "InformationAboutClose",
            (
                ("closeDate", scene.day.isoformat()),
                coded("close", "01"),
                coded("reasonForClosing", "01"),
            ),
        ),
    )


def _reference(name: str, scene: Scene) -> tuple[str, Tree]:
    return name, (("sedType", scene.about_sed), ("setId", scene.about_set))


def _named(name: str, scene: Scene) -> Tree:
    return ((name, (institution(scene.receiver), ("reason", "Competence has been clarified."))),)


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
    "X009": lambda scene: (
        ("Reminder", (("sedType", scene.about_sed), ("replyBefore", scene.days_after(10, 30)))),
    ),
    "X010": lambda scene: (
        (
            "Reply",
            (
                ("sedType", scene.about_sed),
                coded("answer", "01"),
                ("expectedDate", scene.days_after(5, 30)),
            ),
        ),
    ),
    "X012": lambda scene: (
        _reference("ClarifiedSED", scene),
        ("Question", (("field", "Claim/totalAmount"), ("details", "In which currency?"))),
    ),
    "X013": lambda scene: (
        _reference("ClarifiedSED", scene),
        ("Answer", (("field", "Claim/totalAmount"), ("details", "In euros."))),
    ),
    "X050": lambda scene: (
        _reference("ErroneousSED", scene),
        ("Error", (("code", "B01"), ("description", "The document can't be read."))),
    ),
    "X100": lambda scene: (
        ("ParticipantReplaced", institution(scene.sender)[1]),
        ("ParticipantNew", institution(scene.receiver)[1]),
        ("dateChange", scene.day.isoformat()),
    ),
}

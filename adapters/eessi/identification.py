"""Whether the person of a SED from abroad is known in Finland: her Finnish identity code is asked
of the population register as VTJkysely answers it; no search by name.

Source: Kela's core data unit answers for the identification of the EESSI access point (Kela, data
balance sheet 2024). What the answer is held against, and what becomes of a SED without a code, is
*modelled*; the search document of HenkilonTunnistusKysely is not public.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exchange.adapters.eessi.header import Header, text_of
from exchange.schemas.directory import Partner
from exchange.schemas.envelope import Envelope
from exchange.schemas.identifiers import is_personal_identity_code
from exchange.schemas.persons.register import NOT_FOUND, death_of, is_restricted, look_up

FINLAND = "FI"
#: Under what a message's detail keeps the identification.
DETAIL = "identification"
IDENTIFIED, UNKNOWN, MALFORMED = "identified", "not-found", "malformed-code"
#: The code is another's: the register has another day of birth. Codes of two persons. No code.
OTHER, SEVERAL, NO_CODE = "other-person", "several-persons", "no-code"
#: Every outcome.
OUTCOMES = (IDENTIFIED, UNKNOWN, MALFORMED, OTHER, SEVERAL, NO_CODE)
_PINS = "PINPersonInEachInstitution/PersonalIdentificationNumber"


def is_asked(header: Header) -> bool:
    """Whether the person of a message is to be identified: it comes from abroad to Finland."""
    return not _is_finnish(header.sender.institution) and any(
        _is_finnish(each.institution) for each in header.receivers
    )


def told_to(partner: Partner, envelope: Envelope) -> Mapping[str, Any]:
    """What a partner is told of who a message is about: an institution abroad nothing."""
    told: Mapping[str, Any] = envelope.detail.get(DETAIL, {})
    return told if _is_finnish(partner.eessi_id) else {}


def _is_finnish(institution: str) -> bool:
    return institution.partition(":")[0] == FINLAND


def identification(sed: Any, now: int) -> dict[str, Any] | None:
    """What the register, asked at a time (milliseconds since 1970), says of the person of a SED:
    `outcome`, `return_code` (VTJkysely's) and, where they hold, `dead` and `restricted`. Somebody
    is identified by a passive code as well. None for a SED that is about nobody.
    """
    person = next(sed.iter("PersonIdentification"), None)
    if person is None:
        return None
    codes = dict.fromkeys(
        text_of(pin.find("personalIdentificationNumber"))
        for pin in person.iterfind(_PINS)
        if text_of(pin.find("country/value")) == FINLAND
    )
    if not codes:
        return {"outcome": NO_CODE}
    if not all(map(is_personal_identity_code, codes)):
        return {"outcome": MALFORMED}
    found = [look_up(code, now // 1000) for code in codes]
    lives = {each.life for each in found}
    if len(lives) > 1:
        return {"outcome": SEVERAL}
    (life,) = lives
    if life is None:
        return {"outcome": UNKNOWN, "return_code": NOT_FOUND}
    told: dict[str, Any] = {"outcome": IDENTIFIED, "return_code": found[0].return_code}
    if text_of(person.find("dateBirth"))[: len("2000-01-01")] != life.birth_date.isoformat():
        return {**told, "outcome": OTHER}
    holding = {
        "dead": death_of(life, now // 1000) is not None,
        "restricted": is_restricted(life, now // 1000),
    }
    return told | {name: True for name, holds in holding.items() if holds}

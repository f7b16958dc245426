"""Whether the person of a SED is known in Finland, by what the population register answers to her
identity code, and who is told.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from exchange.adapters.eessi.deliver import request
from exchange.adapters.eessi.generate import messages
from exchange.adapters.eessi.generate.messages import KELA
from exchange.adapters.eessi.generate.sed_blocks import Subject
from exchange.adapters.eessi.identification import DETAIL, told_to
from exchange.ports import Delivery
from exchange.schemas.envelope import Envelope
from exchange.schemas.persons import POPULATION, Life
from exchange.schemas.persons.life_courses import SLOTS
from tests.adapters.eessi.access_point import (
    DIRECTORY,
    ESTONIA,
    NOON,
    SWEDEN,
    AccessPoint,
    Play,
)

TODAY = NOON.date().toordinal()


def life(holds: Callable[[Life], object], years: int = 60) -> Life:
    """Somebody born so many years ago or later for whom something holds."""
    for birth in range(TODAY - 365 * years, TODAY - 365 * 20):
        for slot in range(SLOTS):
            found = POPULATION.at(birth, slot)
            if found is not None and found.registered < TODAY - 30 and holds(found):
                return found
    raise AssertionError("nobody")


def lives(found: Life) -> bool:
    return found.death > TODAY and not found.course.corrected and not found.restricted


LIVING = life(lives)
OTHER = life(lambda each: lives(each) and each != LIVING)
CORRECTED = life(lambda each: each.death > TODAY and 0 < each.corrected < TODAY - 30)
DEAD = life(lambda each: not each.course.corrected and each.death < TODAY - 30)
RESTRICTED = life(lambda each: each.is_restricted(TODAY) and each.is_restricted(TODAY - 30), 50)
#: Whose it is, the codes that a SED has, and what is said.
ANSWERS: dict[str, tuple[Life, list[str], dict[str, Any]]] = {
    "found": (LIVING, [LIVING.code], {"outcome": "identified", "return_code": "0000"}),
    "twice": (LIVING, [LIVING.code] * 2, {"outcome": "identified", "return_code": "0000"}),
    "passive": (
        CORRECTED,
        [CORRECTED.earlier_code],
        {"outcome": "identified", "return_code": "0002"},
    ),
    "both codes": (
        CORRECTED,
        [CORRECTED.code, CORRECTED.earlier_code],
        {"outcome": "identified", "return_code": "0000"},
    ),
    "dead": (DEAD, [DEAD.code], {"outcome": "identified", "return_code": "0000", "dead": True}),
    "restricted": (
        RESTRICTED,
        [RESTRICTED.code],
        {"outcome": "identified", "return_code": "0000", "restricted": True},
    ),
    "born on another day": (
        LIVING,
        [RESTRICTED.code],
        {"outcome": "other-person", "return_code": "0000"},
    ),
    "two persons": (LIVING, [LIVING.code, OTHER.code], {"outcome": "several-persons"}),
    "nobody's": (LIVING, ["311299A999E"], {"outcome": "not-found", "return_code": "0001"}),
    "no code": (LIVING, ["010594Y9033"], {"outcome": "malformed-code"}),
    "none": (LIVING, [], {"outcome": "no-code"}),
}


def opened(whose: Life, codes: list[str], sender: str = ESTONIA, receiver: str = KELA) -> Any:
    """What becomes of a posting that names somebody by these Finnish codes."""
    who = Subject(
        family_name=whose.last_name(TODAY),
        forename=whose.first_name,
        birth_date=whose.birth_date.isoformat(),
        sex="01",
        pins=(("EE", "39001010000"), *(("FI", code) for code in codes)),
    )
    _, content = messages.open_case(
        random.Random(1), NOON, "A009", "LA_BUC_04", sender, (receiver,), who
    )
    return AccessPoint().take(content, sender)


@pytest.mark.parametrize("name", ANSWERS)
def test_a_person_is_identified_by_what_the_register_answers(name: str) -> None:
    whose, codes, said = ANSWERS[name]
    judged = opened(whose, codes)
    assert judged.verdict.accepted, judged.violations
    assert judged.verdict.detail[DETAIL] == said


@pytest.mark.parametrize(("sender", "receiver"), [(KELA, SWEDEN), (ESTONIA, SWEDEN)])
def test_nobody_is_asked_for_who_does_not_come_to_finland(sender: str, receiver: str) -> None:
    judged = opened(LIVING, [LIVING.code], sender, receiver)
    assert judged.verdict.accepted, judged.violations
    assert DETAIL not in judged.verdict.detail


def test_nobody_is_asked_for_a_sed_about_nobody_or_one_that_is_refused() -> None:
    play = Play("H_BUC_01", "H001")
    assert play.opened.verdict.detail[DETAIL]["outcome"] == "identified"
    about_nobody = play.letter("X012", ESTONIA, play.opening)
    refused = play.letter("H002", ESTONIA, play.opening)
    for letter in (about_nobody, refused):
        judged = play.point.take(play.write(letter), ESTONIA)
        assert DETAIL not in judged.verdict.detail


def test_who_is_abroad_is_not_told() -> None:
    said = {"outcome": "identified", "return_code": "0000", "restricted": True}
    envelope = Envelope(
        id=1,
        channel="eessi",
        message_type="eessi.a009",
        sender="eessi.ee.ska",
        sender_message_id="a" * 32,
        received_at=0,
        content_type="text/xml",
        detail={DETAIL: said},
    )
    for institution, told in ((KELA, said), (SWEDEN, {}), (ESTONIA, {})):
        partner = DIRECTORY.by_eessi_id(institution)
        assert partner is not None
        assert told_to(partner, envelope) == told
        headers = request(Delivery(1, envelope, partner, partner, b"<x/>")).headers
        assert headers.get("X-EESSI-Identification") == told.get("outcome")
        without = Delivery(1, replace(envelope, detail={}), partner, partner, b"<x/>")
        assert "X-EESSI-Identification" not in request(without).headers

"""What the stub of the benefit register knows: nothing before registration or after death, no
benefit outside its age, and a child's benefits with one parent.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from exchange.adapters.kelmu.generate import records
from exchange.schemas.kelmu.codes import BENEFITS, DATA_GROUPS
from exchange.schemas.persons import POPULATION, Life
from exchange.schemas.persons.life_courses import SLOTS

CODES = 10_000
QUERY = {
    "benefits": list(BENEFITS),
    "data_groups": list(DATA_GROUPS),
    "from": "1990-01-01",
    "to": "2026-12-31",
}
#: Youngest and oldest age, in whole years, of some benefits.
AGES = {
    "pensions": (65, 130),
    "financial-aid-for-students": (17, 45),
    "basic-social-assistance": (18, 130),
    "unemployment-security": (17, 65),
    "child-benefit": (18, 65),
    "conscripts-allowance": (18, 30),
}


def days_of(known: dict[str, Any]) -> set[str]:
    """Every day that the records name."""
    return {
        text
        for name, group in known.items()
        if name not in ("person", "medicine-cost-ceiling")
        for record in group
        for text in record.values()
        if isinstance(text, str) and len(text) == 10 and text[4] == "-"
    }


def age_on(life: Life, day: str) -> float:
    return (datetime.date.fromisoformat(day).toordinal() - life.birth) / 365.2425


@pytest.mark.parametrize("codes", [3_000, pytest.param(CODES, marks=pytest.mark.drill)])
def test_nothing_is_known_outside_a_life_and_no_benefit_outside_its_age(codes: int) -> None:
    rng, paid = random.Random(1), 0
    first = datetime.date(1905, 1, 1).toordinal()
    for _ in range(codes):
        life = POPULATION.at(first + rng.randrange(45_000), rng.randrange(SLOTS))
        if life is None:
            continue
        known = records(life.code, QUERY)
        registered = datetime.date.fromordinal(life.registered).isoformat()
        if known is None:
            assert registered > QUERY["to"]
            continue
        dead = datetime.date.fromordinal(life.death).isoformat()
        days = days_of(known)
        assert registered <= min(days), life.code
        assert max(days) <= dead, life.code
        for year in known["medicine-cost-ceiling"]:
            assert int(registered[:4]) <= year["year"] <= int(dead[:4])
        for payment in known["payments"]:
            paid += 1
            youngest, oldest = AGES.get(payment["benefit"], (0, 130))
            assert youngest <= age_on(life, payment["paid_on"]) <= oldest, payment
        if payment_of_child := [
            each for each in known["payments"] if each["benefit"] == "child-benefit"
        ]:
            assert life.children, payment_of_child
    assert paid > codes


def known_by_somebody(group: str, query: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Identity codes, each with an entry that the register has of the person in a group."""
    rng, first = random.Random(3), datetime.date(1950, 1, 1).toordinal()
    while True:
        life = POPULATION.at(first + rng.randrange(20_000), rng.randrange(SLOTS))
        known = records(life.code, query | {"data_groups": [group]}) if life else None
        yield from ((life.code, entry) for entry in known[group]) if life and known else ()


@pytest.mark.parametrize(
    ("group", "day"), [("recovery", "decided_on"), ("sent-by-others", "received_on")]
)
def test_what_is_known_of_a_day_is_told_when_that_day_is_asked_about(group: str, day: str) -> None:
    for code, entry in islice(known_by_somebody(group, QUERY), 10):
        asked = QUERY | {"data_groups": [group], "from": entry[day], "to": entry[day]}
        known = records(code, asked)
        assert known is not None
        assert entry in known[group]


def test_what_others_sent_came_before_the_benefit_was_paid() -> None:
    asked = QUERY | {"benefits": ["pensions"], "data_groups": ["payments", "sent-by-others"]}
    for code, entry in islice(known_by_somebody("sent-by-others", asked), 10):
        known = records(code, asked)
        assert known is not None
        assert entry["received_on"] < min(each["paid_on"] for each in known["payments"])


def test_one_parent_has_a_childs_benefits() -> None:
    rng, claimed = random.Random(2), 0
    day = datetime.date(2015, 6, 1).toordinal()
    asked = QUERY | {"benefits": ["child-benefit"], "data_groups": ["decision"]}
    for _ in range(300):
        child = POPULATION.at(day + rng.randrange(300), rng.randrange(SLOTS))
        if child is None or child.course.registered or child.mother is None:
            continue
        father = child.father
        if father is None or any(each.mother is None for each in father.children):
            continue
        of_father = records(father.code, asked)
        assert of_father is not None
        assert of_father["decision"] == []
        of_mother = records(child.mother.code, asked)
        assert of_mother is not None
        claimed += len(of_mother["decision"])
    assert claimed > 100


def test_an_earlier_code_is_the_same_person_and_an_unknown_one_is_nobody() -> None:
    day, corrected = datetime.date(1985, 1, 1).toordinal(), 0
    for birth in range(day, day + 60):
        for slot in range(SLOTS):
            life = POPULATION.at(birth, slot)
            if life is None:
                continue
            if life.earlier_code:
                corrected += 1
                now, before = records(life.code, QUERY), records(life.earlier_code, QUERY)
                assert now is not None
                assert before is not None
                assert now | {"person": ""} == before | {"person": ""}
    assert corrected
    assert records("010126-998X", QUERY | {"to": "1926-01-01"}) is None

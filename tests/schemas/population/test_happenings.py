"""Tests of what a change of the population register is."""

from __future__ import annotations

import datetime
import random
from typing import Any

import pytest

from exchange import discovery
from exchange.schemas import json
from exchange.schemas.persons import person
from exchange.schemas.population.change_kinds import happenings, identified

BORN = datetime.date(2024, 5, 1)
CHILD, SIBLING, PARENT, OTHER = (
    person(random.Random(seed), BORN, *days).personal_identity_code
    for seed, days in (
        (1, (BORN, BORN)),
        (2, (BORN, BORN)),
        (3, (datetime.date(1989, 1, 1), datetime.date(1989, 12, 31))),
        (4, (datetime.date(1990, 1, 1), datetime.date(1990, 12, 31))),
    )
)


def group(name: str, attribute: str | None = "LISATTY", **fields: Any) -> dict[str, Any]:
    return {"tietoryhma": name, "muutosattribuutti": attribute, **fields}


def birth(child: str = CHILD, attribute: str | None = "LISATTY", **fields: Any) -> dict[str, Any]:
    return group("LAPSI_SUPPEA", attribute, lapsi={"henkilotunnus": child}, **fields)


def told(*changes: list[dict[str, Any]]) -> dict[str, int]:
    """What a message with these changes, each of its groups, holds."""
    members = [
        {"henkilotunnus": PARENT, "muutospv": "2024-05-03T10:00:00Z", "tietoryhmat": groups}
        for groups in changes
    ]
    return happenings({"muutokset": members})


HOME = group("KOTIKUNTA", kuntakoodi="091")
ADDRESS = group("VAKINAINEN_KOTIMAINEN_OSOITE", postinumero="00100")


@pytest.mark.parametrize(
    "changes, expected",
    [
        ([[birth()]], {"birth": 1}),
        ([[birth(attribute=None)]], {"birth": 1}),
        ([[birth(isaAiti="AITI")], [birth(isaAiti="ISA")]], {"birth": 1}),
        ([[birth(isaAiti="ISA")]], {"birth-other-parent": 1}),
        ([[birth(isaAiti="ISA")], [birth(SIBLING, isaAiti="AITI")]],
         {"birth": 1, "birth-other-parent": 1}),
        ([[birth()], [birth(SIBLING)]], {"birth": 2}),
        ([[birth(attribute="POISTETTU")]], {}),
        ([[birth(PARENT, "MUUTETTU")]], {}),
        ([[birth(PARENT)]], {}),
        ([[birth(lapsiVanhempiSuhdePaattynyt=True)]], {}),
        ([[birth(attribute="KORJATTU")]], {"correction": 1}),
        ([[group("KUOLINPAIVA", kuollut=True)]], {"death": 1}),
        (
            [[group("KUOLINPAIVA", "KORJATTAVA", kuollut=True),
              group("KUOLINPAIVA", "KORJATTU", kuollut=False)]],
            {"correction": 1},
        ),
        ([[group("KUOLINPAIVA", "KORJATTU", kuollut=False)]], {"correction": 1}),
        ([[ADDRESS, {**ADDRESS, "muutosattribuutti": "MUUTETTU"}]], {"address-change": 1}),
        ([[group("KOTIMAINEN_POSTIOSOITE")]], {"address-change": 1}),
        ([[group("ULKOMAINEN_POSTIOSOITE")]], {"address-change": 1}),
        ([[group("VAKINAINEN_ULKOMAINEN_OSOITE")]], {"address-change": 1}),
        ([[group("TILAPAINEN_KOTIMAINEN_OSOITE")]], {"address-change": 1}),
        ([[group("TILAPAINEN_ULKOMAINEN_OSOITE", "POISTETTU")]], {"address-change": 1}),
        ([[group("TILAPAINEN_KOTIMAINEN_OSOITE", "KORJATTU")]], {"correction": 1}),
        ([[group("SAHKOPOSTIOSOITE")]], {}),
        ([[birth(), {**birth(), "tietoryhma": "LAPSI"}]], {"birth": 1}),
        ([[{**birth(), "tietoryhma": "LAPSI"}]], {"birth": 1}),
        ([[{**ADDRESS, "muutosattribuutti": "LISATIETO"}]], {}),
        ([[HOME]], {"registration": 1}),
        ([[HOME, ADDRESS]], {"registration": 1, "address-change": 1}),
        ([[HOME, group("EDELLINEN_KOTIKUNTA")]], {}),
        ([[HOME, group("KOTIKUNTA", "MUUTETTU", kuntakoodi="092")]], {}),
        ([[HOME, ADDRESS, {**ADDRESS, "muutosattribuutti": "MUUTETTU"}]], {"address-change": 1}),
        ([[HOME, group("SYNTYMAPAIVA")]], {}),
        ([[group("KOTIKUNTA", "KORJATTU")]], {"correction": 1}),
        ([[group("NIMENMUUTOS")]], {}),
        ([], {}),
    ],
)  # fmt: skip
def test_a_change_is_what_its_groups_say(
    changes: list[list[dict[str, Any]]], expected: dict[str, int]
) -> None:
    assert told(*changes) == expected


def change(*groups: dict[str, Any], at: str = "2024-05-03T10:00:00Z") -> dict[str, Any]:
    return {"henkilotunnus": OTHER, "muutospv": at, "tietoryhmat": list(groups)}


def day(date: str) -> dict[str, str]:
    return {"arvo": date, "tarkkuus": "PAIVA"}


MOVED_IN = {**ADDRESS, "alkupv": day("2024-04-30")}
MOVED_OUT = {**ADDRESS, "muutosattribuutti": "MUUTETTU", "alkupv": day("2020-01-01")}
DIED = group("KUOLINPAIVA", kuollut=True)
NEXT_DAY = "2024-05-04T09:00:00Z"


@pytest.mark.parametrize(
    "one, other, is_same",
    [
        (change(birth()), {**change(birth(), at=NEXT_DAY), "henkilotunnus": PARENT}, True),
        (change(DIED), change(DIED, at="2024-05-03T23:59:59.999Z"), True),
        (change(DIED), change(DIED, at=NEXT_DAY), False),
        (change(DIED), change({**DIED, "kuolinpv": day("2024-05-03")}, at=NEXT_DAY), True),
        (change(MOVED_IN), change(MOVED_IN, MOVED_OUT, at=NEXT_DAY), True),
        (change(MOVED_IN), change({**MOVED_IN, "alkupv": day("2024-05-01")}), False),
        (change({**MOVED_OUT, "loppupv": day("2024-04-29")}), change(MOVED_IN), False),
        (change({**HOME, "kuntaanMuuttopv": day("2024-04-30")}),
         change({**HOME, "kuntaanMuuttopv": day("2024-04-30")}, at=NEXT_DAY), True),
        (change(HOME), {**change(HOME), "henkilotunnus": PARENT}, False),
    ],
)  # fmt: skip
def test_two_changes_are_the_same_by_person_kind_and_day(
    one: dict[str, Any], other: dict[str, Any], is_same: bool
) -> None:
    each, both = happenings({"muutokset": [one]}), happenings({"muutokset": [one, other]})
    assert sum(each.values()) == 1
    assert sum(both.values()) == (1 if is_same else 2)
    assert identified({"muutokset": [one, other]}).keys() == each.keys()


def test_two_parents_in_two_messages_have_one_birth() -> None:
    mother, other = (told([birth(isaAiti=parent)]) for parent in ("AITI", "TUNNUSTANUT_AITI"))
    assert mother.get("birth", 0) + other.get("birth", 0) == 1


@pytest.mark.parametrize("document", [None, [], {}, {"muutokset": 3}, {"muutokset": [None]}])
def test_what_is_no_message_of_changes_holds_nothing(document: Any) -> None:
    assert happenings(document) == {}


@pytest.mark.parametrize(
    "message_type, kind",
    [("births", "birth"), ("deaths", "death"), ("address-changes", "address-change"),
     ("registrations", "registration")],
)  # fmt: skip
def test_the_stubs_own_types_hold_as_many_as_they_say(message_type: str, kind: str) -> None:
    generator = discovery.generators()[f"population.{message_type}"]
    for serial in range(200):
        made = generator(random.Random(serial), BORN, serial)
        found = happenings(json.parse(made.body))
        assert found[kind] == made.items, serial

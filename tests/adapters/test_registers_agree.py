"""What every register tells of a person on a day agrees with what every other one tells: basic
data, the changes up to then and the person query of the population register, the benefit register,
and the records of her relatives.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterator
from typing import Any

import pytest
from lxml import etree

from exchange.adapters.kelmu import generate
from exchange.adapters.population_register import feed
from exchange.adapters.population_register.groups import of_age
from exchange.adapters.population_register.person_query.message import NAMESPACE, PRODUCTS, message
from exchange.schemas.kelmu.codes import BENEFITS, DATA_GROUPS
from exchange.schemas.persons import POPULATION, Life
from exchange.schemas.persons.life_courses import SLOTS
from exchange.schemas.persons.registration_times import key_of_day
from tests.adapters.population_register.followers import State, handle
from tests.adapters.population_register.test_followers import settled

FIRST, LAST = (datetime.date(year, 1, 1).toordinal() for year in (1930, 2026))
PARENTS, CHILDREN = "Huollettava-Huoltajat", "Vanhempi -lapset ja huollettavat"


def bereaved(life: Life) -> list[int]:
    """The days on which a parent of a child died."""
    deaths = [each.death for each in (life.mother, life.father) if each is not None]
    return [day for day in deaths if day < min(of_age(life), life.death)]


def drawn(count: int) -> Iterator[tuple[Life, int]]:
    """Lives with a second since 1970 each: of the register's times, and often near something that
    happens to her, when one register could know it before another. Every third is a child whose
    parent has died.
    """
    rng, found = random.Random(11), 0
    while found < count:
        life = POPULATION.at(rng.randint(FIRST, LAST), rng.randrange(SLOTS))
        if life is None or (found % 3 == 0 and not bereaved(life)):
            continue
        days = [since for since, _ in life.stays] + [child.birth for child in life.children]
        days += [wed[0], wed[1]] if (wed := life.marriage) else []
        day = rng.choice((life.registered, life.death, rng.choice(days), rng.choice(days)))
        if found % 3 == 0:
            day = bereaved(life)[0]
        near = day + rng.randrange(-3, 12)
        day = near if rng.random() < 0.7 else life.birth + rng.randrange(-1_000, 36_000)
        if key_of_day(day) < 0:
            continue
        found += 1
        yield life, key_of_day(day) + rng.randrange(86_400)


def basic_of(code: str, now: int) -> dict[str, list[dict[str, Any]]] | None:
    """Somebody's basic data by group; None when the register does not have her."""
    told = feed.basic_data([code], None, now, sees_restricted=True).document["perustiedot"]
    if not told:
        return None
    found: dict[str, list[dict[str, Any]]] = {}
    for group in told[0]["tietoryhmat"]:
        found.setdefault(group["tietoryhma"], []).append(group)
    return found


def followed(life: Life, now: int) -> State:
    """What a reader of all changes up to then has."""
    state, after = State(), 0
    while True:
        codes = [each for each in (life.code, life.earlier_code) if each]
        page = feed.changes(codes, after, now, sees_restricted=True).document
        for change in page["muutokset"]:
            # (What came under an earlier code is hers as well.)
            state.handle(change | {"henkilotunnus": life.code}, blanks=False)
        after = page["viimeisinKirjausavain"]
        if page["ajanTasalla"]:
            return state


def queried(life: Life, code: str, product: str, now: int) -> etree._Element:
    """The person of the person query."""
    answered = etree.fromstring(message(life, code, product.upper(), now, sees_restricted=True))
    person = answered.find(f"{{{NAMESPACE}}}Henkilo")
    assert person is not None
    return person


def text(person: etree._Element, *path: str) -> str:
    return person.findtext("/".join(f"{{{NAMESPACE}}}{each}" for each in path), "")


def relatives(life: Life, code: str, product: str, now: int) -> dict[str, str]:
    """Code and family name of those whom a product tells of."""
    element = PRODUCTS[product.upper()]
    found = queried(life, code, product, now).iterfind(f"{{{NAMESPACE}}}{element}")
    told = {text(e, "Henkilotunnus"): text(e, "NykyinenSukunimi", "Sukunimi") for e in found}
    return {each: name for each, name in told.items() if each}


def plain(day: str) -> str:
    return day.replace("-", "")


def check_one_register(life: Life, code: str, now: int, basic: dict[str, Any]) -> None:
    """Basic data, changes and the person query."""
    person = queried(life, code, "Perussanoma 3", now)
    (name,) = basic["HENKILON_NIMI"]
    assert text(person, "NykyinenSukunimi", "Sukunimi") == name["sukunimi"]
    assert text(person, "NykyisetEtunimet", "Etunimet") == name["etunimi"]
    dead = basic.get("KUOLINPAIVA")
    died = plain(dead[0]["kuolinpv"]["arvo"]) if dead else ""
    assert text(person, "Kuolintiedot", "Kuolinpvm") == died
    town = "" if dead else basic["KOTIKUNTA"][0]["kuntakoodi"]
    assert text(person, "Kotikunta", "Kuntanumero") == town
    restricted = "1" if "TURVAKIELTO" in basic else "0"
    assert text(person, "Turvakielto", "TurvakieltoTieto") == restricted
    if key_of_day(life.registered) < 0:
        # (No key is older than 1970.)
        return
    state: dict[str, Any] = {}
    for group in (group for groups in basic.values() for group in groups):
        handle(state, group, blanks=False)
    (kept,) = settled(followed(life, now)).values()
    assert kept == state


def check_relatives(life: Life, code: str, now: int, basic: dict[str, Any]) -> int:
    """From every side; of how many it was looked at."""
    parents = {
        each["vanhempi"]["henkilotunnus"]: each["vanhempi"]["sukunimi"]
        for each in basic.get("VANHEMPI", ())
    }
    for other, name in parents.items():
        of_parent = basic_of(other, now)
        assert of_parent is not None
        assert of_parent["HENKILON_NIMI"][0]["sukunimi"] == name
        parent = POPULATION.find(other)
        assert parent is not None
        if "KUOLINPAIVA" not in basic:
            (named,) = basic["HENKILON_NIMI"]
            assert relatives(parent, other, CHILDREN, now)[code] == named["sukunimi"]
    guardians = relatives(life, code, PARENTS, now)
    held = basic.get("HUOLTAJA", ())
    if "KUOLINPAIVA" not in basic:
        assert guardians == {
            each["huoltaja"]["henkilotunnus"]: each["huoltaja"]["sukunimi"] for each in held
        }
    for other in guardians:
        of_guardian = basic_of(other, now)
        assert of_guardian is not None
        assert "KUOLINPAIVA" not in of_guardian
    for other, name in relatives(life, code, CHILDREN, now).items():
        of_child = basic_of(other, now)
        assert of_child is not None, "told before the child is in the register"
        assert "KUOLINPAIVA" not in of_child
        assert of_child["HENKILON_NIMI"][0]["sukunimi"] == name
    return len(parents)


def check_benefits(life: Life, code: str, now: int, basic: dict[str, Any]) -> int:
    """The benefit register knows a person of the time that the population register has, and pays
    nothing after a death that it tells; how many payments there were.
    """
    today = datetime.datetime.fromtimestamp(now, datetime.UTC).date().isoformat()
    asked = {
        "benefits": list(BENEFITS),
        "data_groups": list(DATA_GROUPS),
        "from": "1990-01-01",
        "to": today,
    }
    known = generate.records(code, asked)
    assert known is not None
    if "KUOLINPAIVA" in basic and not life.mistaken:
        died = basic["KUOLINPAIVA"][0]["kuolinpv"]["arvo"]
        assert known["insurance"][0]["to"] == died
        assert all(each["paid_on"] <= died for each in known["payments"])
    if any(each["benefit"] == "child-benefit" for each in known["payments"]):
        assert life.children
    return len(known["payments"])


@pytest.mark.parametrize("codes", [60, pytest.param(10_000, marks=pytest.mark.drill)])
def test_no_register_contradicts_another(codes: int) -> None:
    kin = paid = dead = unknown = 0
    for life, now in drawn(codes):
        day = now // 86_400 + datetime.date(1970, 1, 1).toordinal()
        code = life.code_on(day)
        basic = basic_of(code, now)
        if basic is None:
            unknown += 1
            assert not followed(life, now).persons, code
            continue
        dead += "KUOLINPAIVA" in basic
        check_one_register(life, code, now, basic)
        kin += check_relatives(life, code, now, basic)
        paid += check_benefits(life, code, now, basic)
    assert min(kin, paid, dead, unknown) > codes // 40, "the property has something to hold for"

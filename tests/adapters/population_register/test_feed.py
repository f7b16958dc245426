"""Pages of changes and basic data as they are computed: complete, in order, readable by the
schemas, without what a reader may not see.
"""

from __future__ import annotations

import datetime
import json
import random
from typing import Any

import pytest

from exchange.adapters.population_register import feed
from exchange.schemas.json import JsonSchema
from exchange.schemas.persons import POPULATION, Life, person
from exchange.schemas.persons.life_courses import SLOTS
from exchange.schemas.persons.registration_times import key_of_day
from exchange.schemas.population.change_kinds import happenings as kinds
from exchange.schemas.population.models import Changes
from exchange.schemas.population_register.models import BasicData

TODAY = datetime.date(2024, 6, 5)
NOW = key_of_day(TODAY.toordinal() + 1) - 1
YEAR_SECONDS = 366 * 86_400
#: Values that tell where somebody lives.
PLACES = (
    "katunimi",
    "katunumero",
    "huoneistonumero",
    "postinumero",
    "kuntakoodi",
    "rakennustunnus",
    "asuinpaikantunnus",
)


def codes(count: int, seed: int = 1) -> list[str]:
    rng = random.Random(seed)
    return [person(rng, TODAY).personal_identity_code for _ in range(count)]


def of_course(wanted: str, count: int) -> list[Life]:
    """Living people whose disclosure is restricted, or whose code was corrected this year."""
    found: list[Life] = []
    years = 50 if wanted == "restricted" else 2
    for birth in range(TODAY.toordinal() - 365 * years, TODAY.toordinal()):
        for slot in range(SLOTS):
            life = POPULATION.at(birth, slot)
            if life is None or not life.is_alive(TODAY.toordinal()):
                continue
            times = life.restricted
            is_restricted = times is not None and times[0] + 30 < TODAY.toordinal() < times[1]
            is_corrected = 10 < TODAY.toordinal() - (life.corrected or 0) < 300
            if is_restricted if wanted == "restricted" else is_corrected:
                found.append(life)
                if len(found) == count:
                    return found
    raise AssertionError("nobody")


def read_all(asked: list[str], after: int, sees: bool = True) -> list[dict[str, Any]]:
    """Every change, page after page."""
    told = []
    while True:
        page = feed.changes(asked, after, NOW, sees).document
        assert page["viimeisinKirjausavain"] > after or page["ajanTasalla"], "the key advances"
        told += page["muutokset"]
        after = page["viimeisinKirjausavain"]
        if page["ajanTasalla"]:
            return told


@pytest.mark.parametrize("size", [1, 7, 100, 10_000])
def test_pages_of_any_size_hold_every_change_once(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # (The same persons twice, one of them by both her codes.)
    asked = codes(300)
    (corrected,) = of_course("corrected", 1)
    asked += [corrected.code, corrected.earlier_code, asked[0]]
    whole = feed.changes(asked, NOW - YEAR_SECONDS, NOW, True).document["muutokset"]
    monkeypatch.setattr(feed, "PAGE_CHANGES", size)
    told = read_all(asked, NOW - YEAR_SECONDS)
    assert told == whole
    assert len(told) > 50
    keys = [each["muutospv"] for each in told]
    assert keys == sorted(keys)
    assert len({json.dumps(each) for each in told}) == len(told)


def test_changes_of_one_second_stay_on_one_page(monkeypatch: pytest.MonkeyPatch) -> None:
    found = feed.changes(codes(3), 0, NOW, True)
    assert len(found.document["muutokset"]) > 2
    life = POPULATION.find(codes(1)[0])
    assert life is not None
    same = [(5, str(number), each, life) for number, each in enumerate(_happenings(life, 3))]
    monkeypatch.setattr(feed, "PAGE_CHANGES", 2)
    page = feed._page(same, 0, True).document
    assert (len(page["muutokset"]), page["viimeisinKirjausavain"], page["ajanTasalla"]) == (
        3,
        5,
        True,
    )


def _happenings(life: Life, count: int) -> list[Any]:
    return list(feed.happenings(life, 0, NOW))[:count]


def test_everything_told_is_by_the_schemas() -> None:
    asked = [each.code for each in of_course("restricted", 20)]
    asked += [each.earlier_code for each in of_course("corrected", 5)] + codes(400, 2)
    for sees in (True, False):
        changes = feed.changes(asked, 0, NOW, sees).document
        assert JsonSchema(Changes).check(changes) == []
        basic = feed.basic_data(asked, None, NOW, sees).document
        assert JsonSchema(BasicData).check(basic) == []
        assert len(basic["perustiedot"]) == len(set(asked))


def test_who_has_no_right_is_told_no_address_of_who_is_restricted() -> None:
    lives = of_course("restricted", 120)
    asked = [each.code for each in lives]
    for sees in (True, False):
        basic = feed.basic_data(asked, None, NOW, sees).document["perustiedot"]
        groups = [group for each in basic for group in each["tietoryhmat"]]
        assert sum(group["tietoryhma"] == "TURVAKIELTO" for group in groups) == len(lives)
        addresses = [each for each in groups if each["tietoryhma"].endswith("KOTIMAINEN_OSOITE")]
        assert len(addresses) == len(lives)
        assert all(("turvakiellonAlaisetKentat" in each) != sees for each in addresses)
        shown = [name for group in groups for name in PLACES if name in group]
        assert bool(set(shown) - {"kuntakoodi"}) == sees
    by_code = {life.code: life for life in lives}
    held_back = 0
    for each in read_all(asked, NOW - 2 * YEAR_SECONDS, sees=False):
        day = datetime.date.fromisoformat(each["muutospv"][:10]).toordinal()
        for group in each["tietoryhmat"]:
            if by_code[each["henkilotunnus"]].is_restricted(day):
                held_back += "turvakiellonAlaisetKentat" in group
                assert not set(PLACES) & set(group)
    assert held_back, "somebody moved meanwhile"


def test_a_corrected_code_is_told_to_who_has_the_earlier_one() -> None:
    (life,) = of_course("corrected", 1)
    for asked in (life.earlier_code, life.code):
        (told,) = [
            each
            for each in read_all([asked], 0)
            if each["tietoryhmat"][0]["tietoryhma"] == "HENKILOTUNNUS_KORJAUS"
        ]
        group = told["tietoryhmat"][0]
        assert told["henkilotunnus"] == life.earlier_code
        assert group["muutettuHenkilotunnus"] == group["aktiivinenHenkilotunnus"] == life.code
        assert group["edellisetHenkilotunnukset"] == [life.earlier_code]
    (basic,) = feed.basic_data([life.earlier_code], None, NOW, True).document["perustiedot"]
    assert [
        group["voimassaolo"]
        for group in basic["tietoryhmat"]
        if group["tietoryhma"] == "HENKILOTUNNUS_KORJAUS"
    ] == ["PASSIIVI"]


def test_what_is_told_reads_as_what_it_is() -> None:
    """The rules by which Kela counts changes find each birth with the mother, each death and each
    registration once.
    """
    born = datetime.date(2024, 3, 4).toordinal()
    child = next(
        life
        for life in POPULATION.born(born)
        if life.mother is not None and life.father is not None
    )
    assert child.mother is not None
    assert child.father is not None
    since = key_of_day(born)

    def of(life: Life) -> dict[str, int]:
        changes = feed.changes([life.code], since, NOW, True).document
        return {kind: count for kind, count in kinds(changes).items() if "birth" in kind}

    assert of(child.mother).get("birth") == 1
    assert of(child.father).get("birth-other-parent") == 1
    assert kinds(feed.changes([child.code], since, NOW, True).document).get("registration", 0) == 0


def test_nothing_is_told_before_it_happened() -> None:
    for code in codes(300, 5):
        life = POPULATION.find(code)
        assert life is not None
        for each in feed.changes([code], 0, NOW, True).document["muutokset"]:
            assert each["muutospv"][:10] >= life.birth_date.isoformat()
            for group in each["tietoryhmat"]:
                for name in ("alkupv", "kuolinpv", "kuntaanMuuttopv"):
                    if name in group:
                        assert group[name]["arvo"] <= each["muutospv"][:10]


class Named(list[str]):
    """Names of groups that are gone through at most once."""

    def __contains__(self, name: object) -> bool:
        raise AssertionError("a list of any length would be gone through for each group")


def test_groups_without_number_are_gone_through_once_for_all_persons() -> None:
    wanted = Named(["KOTIKUNTA", *(f"GROUP_{number}" for number in range(1_000))])
    told = feed.basic_data(codes(3), wanted, NOW, sees_restricted=True).document["perustiedot"]
    names = [[group["tietoryhma"] for group in each["tietoryhmat"]] for each in told]
    assert names == [["KOTIKUNTA"]] * 3

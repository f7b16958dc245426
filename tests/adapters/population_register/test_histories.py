"""What a reader keeps who applies each change as Oppijanumerorekisteri does, municipalities with
their days and guardians, is what basic data say.

Source: MuutostietoMapper and PerustietoMapper of Oppijanumerorekisteri.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterator
from typing import Any

import pytest

from exchange.adapters.population_register import feed
from exchange.schemas.persons import POPULATION, Life, lives_by_day
from exchange.schemas.persons.homes import municipality_of
from exchange.schemas.persons.life_courses import SLOTS
from exchange.schemas.persons.registration_times import key_of_day, written_at

TODAY = datetime.date(2024, 6, 5).toordinal()
NOW = key_of_day(TODAY + 1) - 1
#: Nobody looked at was born before: no key is older than 1970.
FIRST = datetime.date(1971, 1, 1).toordinal()
#: Code of the municipality, first day, last day.
Town = tuple[str, str, str]


def day(group: dict[str, Any], field: str) -> str:
    return str(group.get(field, {}).get("arvo", ""))


def town(group: dict[str, Any]) -> Town:
    return group["kuntakoodi"], day(group, "kuntaanMuuttopv"), day(group, "kunnastaPoisMuuttopv")


class Kept:
    """Municipalities and guardians of one person."""

    def __init__(self) -> None:
        self.towns: set[Town] = set()
        self.guardians: dict[str, str] = {}

    def change(self, group: dict[str, Any]) -> None:
        """A group of a change."""
        match group["tietoryhma"], group["muutosattribuutti"]:
            case "KOTIKUNTA", "LISATTY":
                self.towns.add(town(group))
            case "EDELLINEN_KOTIKUNTA", "MUUTETTU":
                (ended,) = [each for each in self.towns if each == (*town(group)[:2], "")]
                self.towns.remove(ended)
                self.towns.add(town(group))
            case "EDELLINEN_KOTIKUNTA", other:
                raise AssertionError(f"the reader takes no {other}")
            case "HUOLTAJA", "LISATTY":
                self.guardians[group["huoltaja"]["henkilotunnus"]] = day(
                    group, "huoltosuhteenLoppupv"
                )
            case "HUOLTAJA", "POISTETTU":
                del self.guardians[group["huoltaja"]["henkilotunnus"]]

    def basic(self, group: dict[str, Any]) -> None:
        """A group of basic data."""
        match group["tietoryhma"]:
            case "KOTIKUNTA" | "EDELLINEN_KOTIKUNTA":
                self.towns.add(town(group))
            case "HUOLTAJA":
                self.guardians[group["huoltaja"]["henkilotunnus"]] = day(
                    group, "huoltosuhteenLoppupv"
                )

    def now(self) -> dict[str, str]:
        """The guardians of today."""
        today = datetime.date.fromordinal(TODAY).isoformat()
        return {code: until for code, until in self.guardians.items() if until > today}


def lives(count: int) -> Iterator[Life]:
    """People alive: every third with a parent who died, or was taken for dead, and every third that
    moved within a municipality and then out of it.
    """
    rng, found = random.Random(4), 0
    while found < count:
        life = POPULATION.at(rng.randint(FIRST, TODAY - 60), rng.randrange(SLOTS))
        if life is None or not life.is_alive(TODAY) or not life.is_alive(TODAY - 20):
            continue
        kin = [each for each in (life.mother, life.father) if each is not None]
        if any(each.course.corrected for each in (life, *kin)):
            continue
        is_bereaved = any(
            life.birth <= moment < TODAY - 20
            for each in kin
            for moment in (each.death, *(each.mistaken or ()))
        )
        if found % 3 == 0 and not (is_bereaved and life.birth > TODAY - 6_500):
            continue
        towns = [municipality_of(number) for _, number in life.stays]
        if found % 3 == 1 and not any(
            a == b != c for a, b, c in zip(towns, towns[1:], towns[2:], strict=False)
        ):
            continue
        found += 1
        yield life


@pytest.mark.parametrize("persons", [60, pytest.param(5_000, marks=pytest.mark.drill)])
def test_a_reader_of_changes_keeps_what_basic_data_say(persons: int) -> None:
    moved = left = 0
    for life in lives(persons):
        followed, known = Kept(), Kept()
        after, is_all = 0, False
        while not is_all:
            page = feed.changes([life.code], after, NOW, sees_restricted=True).document
            after, is_all = page["viimeisinKirjausavain"], page["ajanTasalla"]
            for change in page["muutokset"]:
                for group in change["tietoryhmat"]:
                    left += (group["tietoryhma"], group["muutosattribuutti"]) == (
                        "HUOLTAJA",
                        "POISTETTU",
                    )
                    followed.change(group)
        (basic,) = feed.basic_data([life.code], None, NOW, True).document["perustiedot"]
        for group in basic["tietoryhmat"]:
            known.basic(group)
        moved += len(known.towns) > 1
        assert (followed.towns, followed.now()) == (known.towns, known.now()), life.code
    assert min(moved, left) > persons // 10, "the property has something to hold for"


def test_a_municipality_is_told_of_its_children_whose_parent_died_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng, found = random.Random(5), 0
    while found < 5:
        child = POPULATION.at(rng.randint(TODAY - 6_000, TODAY - 60), rng.randrange(SLOTS))
        father = child.father if child is not None else None
        if child is None or father is None or not child.birth < father.death < TODAY - 30:
            continue
        home, his = child.home(father.death), father.home(father.death)
        if home is None or his is None or home.municipality == his.municipality:
            continue
        found += 1
        # (Of all who are touched on the day he is one; to find them takes a table of everybody.)
        monkeypatch.setattr(lives_by_day, "touched", lambda *_, one=father: iter((one,)))
        residents = lives_by_day.touched_residents.__wrapped__(
            POPULATION, home.municipality, father.death
        )
        assert child in residents


def test_what_is_put_off_to_a_monday_keeps_its_order() -> None:
    """A reader that is told of the second of two moves first has the wrong address for good."""
    for life in lives(12):
        for moment in range(TODAY - 30, TODAY):
            assert written_at(life, moment, "move") < written_at(life, moment + 1, "move")

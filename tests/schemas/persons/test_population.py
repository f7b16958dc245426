"""One population: lives, families and homes that agree from every side, whoever asks when."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from exchange.schemas.identifiers import parse_personal_identity_code
from exchange.schemas.persons import (
    POPULATION,
    Life,
    Population,
    died,
    lives_by_day,
    moved,
    newborn,
    person,
    registered,
    renamed,
)
from exchange.schemas.persons.life_courses import SLOTS
from exchange.schemas.persons.population import FIRST_BIRTH, LAST_BIRTH, code_of

DRAWN = 10_000
FIRST, LAST = datetime.date(2023, 3, 1), datetime.date(2023, 3, 14)
CHILDHOOD_DAYS = 18 * 365


def drawn(count: int, seed: int) -> Iterator[tuple[Life, int]]:
    """Lives and days, of people of all times, born or not by then."""
    rng, found = random.Random(seed), 0
    while found < count:
        life = POPULATION.at(rng.randint(FIRST_BIRTH, LAST_BIRTH), rng.randrange(SLOTS))
        if life is not None:
            found += 1
            yield life, life.birth + rng.randrange(-10_000, 45_000)


def test_families_agree_from_every_side() -> None:
    with_mother = with_spouse = 0
    for life, day in drawn(DRAWN, 1):
        for parent, sex in ((life.mother, "female"), (life.father, "male")):
            if parent is not None:
                with_mother += sex == "female"
                assert life in parent.children
                assert parent.sex == sex
                assert 15 * 365 < life.birth - parent.birth < 60 * 365
        for child in life.children:
            assert life in (child.mother, child.father)
        if (other := life.spouse(day)) is not None:
            with_spouse += 1
            assert other.spouse(day) == life
            assert other.sex != life.sex
            assert life.home(day) == other.home(day)
            assert min(day - life.birth, day - other.birth) > 18 * 365
    assert with_mother > DRAWN // 2, "families were drawn at all"
    assert with_spouse > DRAWN // 50


def test_a_marriage_and_a_restriction_hold_from_their_first_day_to_their_last() -> None:
    married = restricted = 0
    for life, _ in drawn(3_000, 7):
        if (wed := life.marriage) is not None:
            first, last, other = wed
            for day in (first, last):
                married += 1
                assert life.spouse(day) == other
                assert life.home(day) == other.home(day)
                number = [number for since, number in life.stays if since <= day][-1]
                assert number == life.home_number(day)
            assert life.spouse(first - 1) is life.spouse(last + 1) is None
        if (times := life.restricted) is not None:
            restricted += 1
            since, until = times
            holds = [life.is_restricted(day) for day in (since - 1, since, until - 1, until)]
            assert holds == [False, True, True, False]
    assert married > 100
    assert restricted > 5


@pytest.mark.parametrize(
    ("when", "happened"),
    [
        (lives_by_day.DEATH, lambda life: [life.death]),
        (lives_by_day.MOVE, lambda life: [life.birth + after for after in life.course.moves]),
        (lives_by_day.REGISTRATION, lambda life: [life.registered] * bool(life.course.registered)),
    ],
    ids=["death", "move", "registration"],
)
def test_who_is_found_by_a_day_meets_it_on_that_day(
    when: lives_by_day.When, happened: Callable[[Life], list[int]]
) -> None:
    rng, day = random.Random(8), FIRST.toordinal()
    lives = [lives_by_day.somebody(POPULATION, rng, when, day) for _ in range(60)]
    assert any(lives)
    assert all(day in happened(life) for life in lives if life is not None)


def test_nobody_lives_anywhere_before_being_registered_or_after_death() -> None:
    living = 0
    for life, day in drawn(DRAWN, 2):
        assert (life.home(day) is not None) == life.is_alive(day)
        assert life.birth <= life.registered <= life.death
        days = [since for since, _ in life.stays]
        assert days == sorted(set(days))
        if life.is_alive(day):
            lives = [number for since, number in life.stays if since <= day]
            assert life.home_number(day) == lives[-1]
        assert days[0] == life.registered
        assert days[-1] <= life.death
        assert all(one[1] != other[1] for one, other in pairwise(life.stays))
        if life.spouse(day) is not None or life.is_restricted(day):
            assert life.registered <= day
        if day < life.registered:
            assert POPULATION.known(life.code, day) is None
        living += life.is_alive(day)
    assert living > DRAWN // 4


def test_nobody_has_a_child_after_death() -> None:
    for life, _ in drawn(DRAWN, 7):
        for child in life.children:
            assert life.registered <= child.birth <= life.death + 280
            assert life.sex == "male" or child.birth <= life.death


def test_a_child_lives_with_its_mother() -> None:
    together = 0
    for life, _ in drawn(2_000, 3):
        day = life.birth + CHILDHOOD_DAYS // 2
        if life.mother is not None and life.is_alive(day) and life.mother.is_alive(day):
            together += 1
            assert life.home(day) == life.mother.home(day)
    assert together > 500


def test_a_code_is_one_persons_at_a_time() -> None:
    corrected = 0
    for life, day in drawn(DRAWN, 4):
        read = parse_personal_identity_code(life.code)
        assert read is not None
        assert (read.birth_date, read.sex) == (life.birth_date, life.sex)
        assert POPULATION.find(life.code) == life
        if life.is_alive(day):
            assert POPULATION.known(life.code_on(day), day) == life
        if (moment := life.corrected) and moment <= life.death:
            corrected += 1
            assert life.code_on(moment - 1) == life.earlier_code != life.code_on(moment)
            assert POPULATION.find(life.earlier_code) == life
            assert POPULATION.known(life.code, moment - 1) is None, "not given yet"
            assert POPULATION.known(life.earlier_code, moment) == life, "passive, but still hers"
    assert corrected > 10


def test_some_codes_are_nobodys() -> None:
    day = datetime.date(1990, 5, 1).toordinal()
    nobodys = [slot for slot in range(SLOTS) if POPULATION.find(code_of(day, slot)) is None]
    assert 0 < len(nobodys) < SLOTS // 20
    for code in ("010190+999T", "131052-308T", "no code", ""):
        assert POPULATION.find(code) is None, "of another century, a living person's or no code"


def test_a_seed_is_a_population() -> None:
    lives = [life for life, _ in drawn(200, 5)]
    for life in lives:
        again = Population().find(life.code)
        assert again is not None
        assert (again.first_name, again.birth_name, again.death, again.stays) == (
            life.first_name,
            life.birth_name,
            life.death,
            life.stays,
        )
    other = [Population(7).at(life.birth, life.slot) for life in lives]
    deaths = [each.death if each else 0 for each in other]
    assert deaths != [life.death for life in lives]


def test_who_is_drawn_lives_or_has_met_what_was_asked_for() -> None:
    rng, first, last = random.Random(6), FIRST.toordinal(), LAST.toordinal()
    for _ in range(200):
        assert person(rng, LAST).life.is_alive(last)
        assert first <= died(rng, FIRST, LAST).death <= last
        child = newborn(rng, FIRST, LAST)
        assert first <= child.birth <= last
        assert child.mother is not None
        life, day = moved(rng, FIRST, LAST)
        assert first <= day <= last
        assert life.home(day) != life.home(day - 1)
        stranger = registered(rng, FIRST, LAST)
        assert first <= stranger.registered <= last
        assert stranger.birth < stranger.registered
        bride = renamed(rng, FIRST, LAST)
        assert bride.last_name(first - 1) != bride.last_name(last)
    with pytest.raises(ValueError, match="nobody"):
        person(rng, LAST, born_after=LAST + datetime.timedelta(days=1))

"""Those to whom something happens on a day, found by the courses that bring it there instead of by
trying everybody.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache

from exchange.schemas.persons.homes import municipality_of
from exchange.schemas.persons.life_courses import RESIDUES, SLOTS, Course, course_of
from exchange.schemas.persons.population import Life, Population

When = Callable[[Course], Iterable[int]]

_AFTER_BITS = 16
#: Days of residents that are kept: a reader goes from one to the next.
_DAYS_KEPT_MAX = 32


def _any(course: Course) -> Iterable[int]:
    return {
        course.registered,
        course.lifetime,
        course.registered + course.corrected,
        course.wedding,
        course.divorce,
        *course.restricted,
        *course.mistaken,
        course.registered + course.misspelt,
        *course.moves,
    }


#: When a course brings something, in days after birth (0: never).
ANYTHING: When = _any
MOVE: When = lambda course: course.moves  # noqa: E731 - one word a kind
DEATH: When = lambda course: (course.lifetime,)  # noqa: E731
REGISTRATION: When = lambda course: (course.registered,) * (course.registered > 0)  # noqa: E731


@lru_cache(maxsize=8)
def _table(seed: int, when: When) -> Sequence[Sequence[int]]:
    """By the residue of the day on which something happens: slot and days after birth, in one
    number.
    """
    table = [array("I") for _ in range(RESIDUES)]
    for slot in range(SLOTS):
        for residue in range(RESIDUES):
            course = course_of(seed, slot, residue)
            for after in when(course) if course.given else ():
                table[(residue + after) % RESIDUES].append(slot << _AFTER_BITS | after)
    return table


def touched(population: Population, day: int) -> Iterator[Life]:
    """Those whose own course brings something on a day (an ordinal); their families may be touched
    by it as well.
    """
    for entry in _table(population.seed, ANYTHING)[day % RESIDUES]:
        life = _of(population, day, entry)
        if life is not None:
            yield life


def somebody(population: Population, rng: random.Random, when: When, day: int) -> Life | None:
    """Somebody by chance whose course brings that on a day (an ordinal); None when who was drawn
    did not live to see it.
    """
    entries = _table(population.seed, when)[day % RESIDUES]
    return _of(population, day, entries[int(rng.random() * len(entries))])


def _of(population: Population, day: int, entry: int) -> Life | None:
    after = entry & ((1 << _AFTER_BITS) - 1)
    life = population.at(day - after, entry >> _AFTER_BITS)
    return life if life is not None and life.is_alive(day) else None


@lru_cache(maxsize=_DAYS_KEPT_MAX)
def touched_residents(population: Population, municipality: str, day: int) -> Sequence[Life]:
    """Those whose record may change on a day, themselves or with their family, and who live in a
    municipality on that day or did the day before.
    """
    found: dict[Life, None] = {}
    for life in touched(population, day):
        family: list[Life | None] = [life]
        if wed := life.marriage:
            family.append(wed[2])
        if life.birth == day:
            family += [life.mother, life.father]
        elif life.death == day or day in (life.mistaken or ()):
            # (Their children's record tells it, wherever they live.)
            family += life.children
        elif _is_resident(life, municipality, day):
            # (Children live with their mother, so that only here can they be residents, too.)
            family += life.children
        for each in family:
            if each is not None and _is_resident(each, municipality, day):
                found[each] = None
    return tuple(found)


def _is_resident(life: Life, municipality: str, day: int) -> bool:
    return any(
        life.is_alive(each) and municipality_of(life.home_number(each)) == municipality
        for each in (day, day - 1)
    )

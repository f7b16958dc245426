"""Those to whom something happens on a day, found by the courses that bring it there instead of by
trying everybody.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from functools import lru_cache

from exchange.schemas.persons.homes import municipality_of
from exchange.schemas.persons.life_courses import RESIDUES, SLOTS, course_of
from exchange.schemas.persons.population import Life, Population

_AFTER_BITS = 16
#: Days of residents that are kept: a reader goes from one to the next.
_DAYS_KEPT_MAX = 32


@lru_cache(maxsize=2)
def _table(seed: int) -> Sequence[Sequence[int]]:
    """By the residue of the day on which something happens: slot and days after birth, in one
    number.
    """
    table = [array("I") for _ in range(RESIDUES)]
    for slot in range(SLOTS):
        for residue in range(RESIDUES):
            course = course_of(seed, slot, residue)
            if not course.given:
                continue
            for after in {
                course.registered,
                course.lifetime,
                course.registered + course.corrected,
                course.wedding,
                course.divorce,
                *course.restricted,
                *course.moves,
            }:
                table[(residue + after) % RESIDUES].append(slot << _AFTER_BITS | after)
    return table


def touched(population: Population, day: int) -> Iterator[Life]:
    """Those whose own course brings something on a day (an ordinal); their families may be touched
    by it as well.
    """
    mask = (1 << _AFTER_BITS) - 1
    for entry in _table(population.seed)[day % RESIDUES]:
        life = population.at(day - (entry & mask), entry >> _AFTER_BITS)
        if life is not None and life.is_alive(day):
            yield life


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

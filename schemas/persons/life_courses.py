"""The course of an artificial life: what happens in it and how long after birth, as a function of a
seed and of the identity code; knows nobody else's life.

A course belongs to a slot (separator and individual number) and to the day of birth modulo
`RESIDUES`. So each of some 36,600 courses is shared by persons who were born at other times, and
whoever looks for somebody to whom something happens on a given day need not try everybody: the
course says which day of birth that takes. All rates are *modelled*.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

YEAR_DAYS = 365.2425
#: Six separators of a century, hundred artificial individual numbers each.
SEPARATORS, NUMBERS = 6, 100
SLOTS = SEPARATORS * NUMBERS
#: A prime, so that weekdays and months fall otherwise for each person of a course.
RESIDUES = 61
#: Of how many courses one has no person: codes that nobody was given.
NOT_GIVEN = 200
#: Gompertz's law of mortality: half the lives end at about 85 years.
_AGEING, _MODE_YEARS = 0.1, 87.0
#: Countries of birth of those who moved to Finland (Statistics Finland's country codes).
_COUNTRIES = ("233", "643", "752", "368", "804", "356", "156", "276", "608", "706")
#: Children of two women in a row of six couples; two on average, so that each child has a mother.
_CHILDREN = (0, 1, 2, 2, 3, 4)


def days(years: float) -> int:
    """So many years, in whole days."""
    return int(years * YEAR_DAYS)


@dataclass(frozen=True, slots=True)
class Course:
    """A course of life; every time is in days after birth, 0 where it never comes.

    `given`: whether anybody has the code for good. `corrected`: when the code was put in the place
    of a wrong one, which is two individual numbers below. `registered`: when somebody born abroad
    came into the register. `moves`: first the move out of the parents' home. `wedding` and
    `divorce` are a woman's. `restricted` bounds a time of restricted disclosure. `name` and `home`
    are numbers that names and dwellings follow from. `mistaken` is when a death was written down
    that was none, and when that was put right; `misspelt` is how many days after registration a
    misspelt given name was put right.
    """

    given: bool
    corrected: int
    lifetime: int
    registered: int
    citizenship: str
    moves: tuple[int, ...]
    wedding: int
    divorce: int
    takes_name: bool
    restricted: tuple[int, int]
    name: int
    home: int
    mistaken: tuple[int, int]
    misspelt: int


@lru_cache(maxsize=SLOTS * RESIDUES)
def course_of(seed: int, slot: int, residue: int) -> Course:
    """The course of a slot (0 to `SLOTS` - 1) and a day of birth modulo `RESIDUES`."""
    separator, number = divmod(slot, NUMBERS)
    pair = f"{seed}/{separator}/{number // 4}/{number % 2}/{residue}/correction"
    corrected = blake2b(pair.encode(), digest_size=1).digest()[0] == 0
    is_wrong_code = corrected and number % 4 < 2
    rng = random.Random(f"{seed}/{slot}/{residue}")
    chance = rng.random
    lifetime = math.log1p(-math.log(1.0 - chance()) / math.exp(-_AGEING * _MODE_YEARS)) / _AGEING
    is_immigrant = chance() < 0.08
    registered = days(19 + chance() * 30) if is_immigrant else 0
    moves, age = [], 18 + 2 * chance()
    while age < 90:
        moves.append(days(age))
        age += (0.5 + 2 * chance()) * (1 + max(0.0, age - 20) / 8)
    wedding = days(21 + 20 * chance()) if chance() < 0.7 else 0
    divorce = wedding + days(2 + 20 * chance()) if chance() < 0.35 else 0
    restricted_from = days(20 + 40 * chance()) if chance() < 1 / 300 else 0
    return Course(
        given=not is_wrong_code and chance() >= 1 / NOT_GIVEN,
        corrected=rng.randrange(30, 400) if corrected and not is_wrong_code else 0,
        lifetime=1 + days(lifetime),
        registered=registered,
        citizenship=rng.choice(_COUNTRIES) if is_immigrant else "246",
        moves=tuple(moves),
        wedding=wedding,
        divorce=divorce if wedding else 0,
        takes_name=chance() < 0.6,
        restricted=(restricted_from, restricted_from + days(2)) if restricted_from else (0, 0),
        name=rng.getrandbits(24),
        home=rng.getrandbits(32),
        mistaken=_mistaken(rng),
        misspelt=rng.randrange(10, 200) if is_immigrant and chance() < 0.1 else 0,
    )


def _mistaken(rng: random.Random) -> tuple[int, int]:
    """When a death is written down by mistake, and when it is put right; 0: never."""
    if rng.random() >= 1 / 2_000:
        return 0, 0
    first = days(30 + 50 * rng.random())
    return first, first + rng.randrange(3, 30)


@dataclass(frozen=True, slots=True)
class Families:
    """Who belongs to whom, as slots and days; both ways, so that both sides tell the same.

    A couple (numbered by its woman) has a man, born `older_days` before her. `children` holds for
    each couple the slots of its children and the woman's age in days at each birth; `parents` holds
    for each slot its couple and that age.
    """

    older_days: tuple[int, ...]
    children: tuple[tuple[tuple[int, int], ...], ...]
    parents: tuple[tuple[int, int], ...]


@lru_cache(maxsize=8)
def families(seed: int) -> Families:
    """The families of a seed."""
    rng = random.Random(f"{seed}/families")
    couples = SLOTS // 2
    slots = rng.sample(range(SLOTS), SLOTS)
    counts = [_CHILDREN[number % len(_CHILDREN)] for number in range(couples)]
    rng.shuffle(counts)
    children: list[tuple[tuple[int, int], ...]] = []
    parents = [(0, 0)] * SLOTS
    for couple, count in enumerate(counts):
        age, own = days(20.5 + 11 * rng.random()), []
        for _ in range(count):
            slot = slots.pop()
            own.append((slot, age))
            parents[slot] = (couple, age)
            age += days(1.2 + 3 * rng.random())
        children.append(tuple(own))
    older = tuple(rng.randrange(days(-2.5), days(8)) for _ in range(couples))
    return Families(older, tuple(children), tuple(parents))


def couple_of(slot: int) -> int:
    """The couple that a slot belongs to: women have even numbers, their men the next ones."""
    return slot // 2


def woman_of(couple: int) -> int:
    """The slot of a couple's woman."""
    return couple * 2

"""Somebody of the population by chance, for whoever writes a message: who lives on a day, or to
whom something happens in a span of days.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable

from exchange.schemas.identifiers import Sex
from exchange.schemas.persons.homes import Home
from exchange.schemas.persons.life_courses import RESIDUES, SLOTS, Course, course_of
from exchange.schemas.persons.population import POPULATION, Life
from exchange.schemas.value import value

_FIRST_BIRTH = datetime.date(1930, 1, 1).toordinal()
#: How many are drawn until nobody of that kind is believed to live.
_DRAWN_MAX = 20_000


@value
class Person:
    """An artificial person as the register has her on a day (an ordinal). What follows is computed
    when it is asked for: most messages need little of it.
    """

    life: Life
    day: int

    @property
    def personal_identity_code(self) -> str:
        """The code that she has on the day."""
        return self.life.code_on(self.day)

    @property
    def first_name(self) -> str:
        """Her given name."""
        return self.life.first_name

    @property
    def last_name(self) -> str:
        """Her family name on the day."""
        return self.life.last_name(self.day)

    @property
    def birth_date(self) -> datetime.date:
        """Her day of birth."""
        return self.life.birth_date

    @property
    def sex(self) -> Sex:
        """Her sex."""
        return self.life.sex

    @property
    def home(self) -> Home:
        """Where she lives on the day, or lived last."""
        home = self.life.home(max(self.life.registered, min(self.day, self.life.death)))
        assert home is not None, "who is in the register has or had a home"
        return home


def person(
    rng: random.Random,
    on: datetime.date,
    born_after: datetime.date | None = None,
    born_before: datetime.date | None = None,
) -> Person:
    """Somebody who lives on the day `on`; the same source of chance gives the same persons.

    `born_after` and `born_before` bound the date of birth, both included (default: 1930-01-01 and
    `on`).

    Raises:
        ValueError: when nobody of that age lives on that day.
    """
    chance, day = rng.random, on.toordinal()
    first = born_after.toordinal() if born_after else _FIRST_BIRTH
    last = min(born_before.toordinal(), day) if born_before else day
    for _ in range(_DRAWN_MAX if first <= last else 0):
        birth = first + int(chance() * (last - first + 1))
        found = POPULATION.at(birth, int(chance() * SLOTS))
        if found is not None and found.is_alive(day) and not found.course.corrected:
            return Person(found, day)
    raise ValueError(f"nobody born from {first} to {last} (ordinal days) lives on {on}")


def newborn(rng: random.Random, first: datetime.date, last: datetime.date) -> Life:
    """A child that was born in these days to a mother in the register."""
    since, until = first.toordinal(), last.toordinal()
    for _ in range(_DRAWN_MAX):
        child = POPULATION.at(rng.randint(since, until), rng.randrange(SLOTS))
        if child is not None and child.mother is not None and not child.course.corrected:
            return child
    raise ValueError(f"nobody was born from {first} to {last}")


def died(rng: random.Random, first: datetime.date, last: datetime.date) -> Life:
    """Somebody who died in these days."""
    return _met(rng, first, last, lambda course: course.lifetime, lambda life, day: True)


def moved(rng: random.Random, first: datetime.date, last: datetime.date) -> tuple[Life, int]:
    """Somebody who moved within Finland in these days, and the day (an ordinal)."""
    index, day_of_move = rng.random(), 0

    def one_of(course: Course) -> int:
        return course.moves[int(index * len(course.moves))]

    def has_moved(life: Life, day: int) -> bool:
        nonlocal day_of_move
        day_of_move = day
        return any(since == day for since, _ in life.stays[1:])

    return _met(rng, first, last, one_of, has_moved), day_of_move


def registered(rng: random.Random, first: datetime.date, last: datetime.date) -> Life:
    """Somebody born abroad who came into the register in these days."""
    return _met(rng, first, last, lambda course: course.registered, lambda life, day: True)


def renamed(rng: random.Random, first: datetime.date, last: datetime.date) -> Life:
    """A woman who took another family name at her wedding in these days."""
    return _met(
        rng, first, last, lambda course: course.wedding, lambda life, day: bool(life.married_name)
    )


def _met(
    rng: random.Random,
    first: datetime.date,
    last: datetime.date,
    after_of: Callable[[Course], int],
    holds: Callable[[Life, int], bool],
) -> Life:
    """Somebody whose course brings something in these days, so many days after birth (0: never).

    A course is drawn, and it says which days of birth bring that into the span; one of them in
    `RESIDUES` is of the course.

    Raises:
        ValueError: when nobody is found.
    """
    since, until = first.toordinal(), last.toordinal()
    for _ in range(_DRAWN_MAX):
        slot, residue = rng.randrange(SLOTS), rng.randrange(RESIDUES)
        after = after_of(course_of(POPULATION.seed, slot, residue))
        birth = since - after + (residue - since + after) % RESIDUES
        if not after or birth + after > until:
            continue
        life = POPULATION.at(birth, slot)
        day = birth + after
        if life is None or life.course.corrected or not life.is_alive(day) or not holds(life, day):
            continue
        return life
    raise ValueError(f"nobody to whom that happened from {first} to {last}")

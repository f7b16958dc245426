"""Draws persons of whom the population register writes down one change in a span of days and no
other that counts: whom the queries of its followers name.
"""

from __future__ import annotations

import datetime
import random
from collections import Counter
from collections.abc import Iterator, Mapping

from exchange.schemas.persons import lives_by_day as days
from exchange.schemas.persons.life_courses import SLOTS
from exchange.schemas.persons.lives_by_day import When, somebody
from exchange.schemas.persons.population import POPULATION, Life
from exchange.schemas.persons.registration_times import WRITTEN_WITHIN_DAYS, written_on

BIRTH, DEATH, ADDRESS, REGISTRATION = "birth", "death", "address-change", "registration"
#: What a change that brings each of them is counted as: who comes from abroad gets an address.
COUNTS: Mapping[str, Mapping[str, int]] = {
    BIRTH: {BIRTH: 1},
    DEATH: {DEATH: 1},
    ADDRESS: {ADDRESS: 1},
    REGISTRATION: {REGISTRATION: 1, ADDRESS: 1},
}
_WHEN: Mapping[str, When] = {
    DEATH: days.DEATH,
    ADDRESS: days.MOVE,
    REGISTRATION: days.REGISTRATION,
}
_DRAWN_MAX = 20_000


def followed(rng: random.Random, kind: str, first: datetime.date, last: datetime.date) -> Life:
    """Somebody of whom the register writes down, from `first` to before `last`, one thing of that
    kind: the mother for a birth. On `last` nothing is written down of her.

    Raises:
        ValueError: when nobody is found.
    """
    since, until = first.toordinal(), last.toordinal()
    for _ in range(_DRAWN_MAX):
        day = rng.randrange(since - WRITTEN_WITHIN_DAYS, until)
        if kind == BIRTH:
            child = POPULATION.at(day, rng.randrange(SLOTS))
            life = child.mother if child is not None else None
        else:
            life = somebody(POPULATION, rng, _WHEN[kind], day)
        # (What is cheap to ask comes first.)
        if life is None or life.course.corrected or not since <= written_on(life, day) < until:
            continue
        if counted(life, since, until) == COUNTS[kind]:
            return life
    raise ValueError(f"nobody of whom a {kind} was written down from {first} to before {last}")


def counted(life: Life, since: int, until: int) -> Counter[str]:
    """What the register writes down of somebody from one day to another (ordinals, both included),
    by what it counts as.
    """
    return Counter(
        kind
        for kind, day, at_once in _happenings(life)
        if since - WRITTEN_WITHIN_DAYS <= day <= until
        and since <= written_on(life, day, at_once) <= until
    )


def _happenings(life: Life) -> Iterator[tuple[str, int, bool]]:
    """(kind, day, whether it is written down at once) of everything that counts."""
    yield DEATH, life.death, False
    yield ADDRESS, life.registered, False
    if life.course.registered:
        yield REGISTRATION, life.registered, False
    for day, _ in life.stays[1:]:
        yield ADDRESS, day, False
    for child in life.children:
        if child.mother == life:
            yield BIRTH, child.birth, False
    for day in life.restricted or ():
        yield ADDRESS, day, True
    if life.mistaken:
        yield DEATH, life.mistaken[0], False
        yield DEATH, life.mistaken[1], True

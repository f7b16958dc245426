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
#: Draws in a row of somebody who is in another list that end a search: nearly all are in one.
_MET_MAX = 60


class Lists:
    """What stands in a list already, so that no two lists share a change."""

    #: Changes that are kept; the oldest is forgotten first.
    CHANGES_MAX = 100_000

    def __init__(self) -> None:
        self._changes: dict[tuple[str, int, int, int], None] = {}

    def take(self, kind: str, life: Life, day: int) -> bool:
        """Put what happened to somebody on a day (an ordinal) into a list; False when it is in
        one.
        """
        change = (kind, life.birth, life.slot, day)
        if change in self._changes:
            return False
        if len(self._changes) >= self.CHANGES_MAX:
            del self._changes[next(iter(self._changes))]
        self._changes[change] = None
        return True


def followed(
    rng: random.Random, kind: str, first: datetime.date, last: datetime.date, lists: Lists
) -> Life:
    """Somebody in no list of whom the register writes down, from `first` to before `last`, one
    thing of that kind: the mother for a birth. On `last` nothing is written down of her.

    Raises:
        LookupError: when nobody is found.
    """
    since, until = first.toordinal(), last.toordinal()
    met = 0
    for _ in range(_DRAWN_MAX):
        day = rng.randrange(since - WRITTEN_WITHIN_DAYS, until)
        if kind == BIRTH:
            child = POPULATION.at(day, rng.randrange(SLOTS))
            life = child.mother if child is not None else None
        else:
            life = somebody(POPULATION, rng, _WHEN[kind], day)
        if life is None or not tells_one(life, kind, day, since, until):
            continue
        if lists.take(kind, life, day):
            return life
        met += 1
        if met == _MET_MAX:
            break
    raise LookupError(f"nobody of whom a {kind} was written down from {first} to before {last}")


def tells_one(life: Life, kind: str, day: int, since: int, until: int) -> bool:
    """Whether the register writes down, from one day to before another (ordinals), that this
    happened to somebody on that day, and nothing else that counts until the other day's end.
    """
    # (What is cheap to ask comes first. Not every move of a course is one of the life.)
    return (
        not life.course.corrected
        and since <= written_on(life, day) < until
        and any(happened[:2] == (kind, day) for happened in _happenings(life))
        and counted(life, since, until) == COUNTS[kind]
    )


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

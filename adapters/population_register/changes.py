"""What the register tells of a life as changes, each with the time at which it was written down;
pages of them stand in `feed`.

When something is written down is *modelled*: some days after it happened (as many for everything of
one person, so that order holds), on a weekday, at a time of the day that follows from the code.
That time in seconds since 1970 is the change's key.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import blake2b
from typing import Any, NamedTuple

from exchange.adapters.population_register import groups
from exchange.adapters.population_register.groups import Group
from exchange.schemas.persons import Life
from exchange.schemas.persons.homes import home_of

_EPOCH = datetime.date(1970, 1, 1).toordinal()
DAY_SECONDS = 86_400
#: Days from what happened to its being written down: at most this many, and the weekend after.
_LATER_DAYS_MAX = 5
#: The weekend included.
WRITTEN_WITHIN_DAYS = _LATER_DAYS_MAX + 2
#: Nothing is written down before this hour of a day (UTC), nor from `_UNTIL_HOUR` on.
_FROM_HOUR, _UNTIL_HOUR = 4, 16
_FRIDAY = 4


class Happening(NamedTuple):
    """A change: its key, the day on which it happened, and what makes its groups."""

    key: int
    day: int
    make: Callable[[], list[Group]]


def key_of_day(day: int) -> int:
    """The key from which on a day's changes are read: none has one that is smaller, and that day's
    are greater. `day` is an ordinal.
    """
    return (day - _EPOCH) * DAY_SECONDS


def day_of_key(key: int) -> int:
    """The day (an ordinal) of a key."""
    return key // DAY_SECONDS + _EPOCH


def happenings(life: Life, after: int, until: int) -> Iterator[Happening]:
    """Every change of a life with a key greater than `after` and up to `until`, in no order."""
    first, last = day_of_key(after) - WRITTEN_WITHIN_DAYS, day_of_key(until)
    for day, kind, make, *rest in _happened(life, first, last):
        if first <= day <= last:
            key = written_down(life, day, kind)
            if after < key <= until:
                yield Happening(key, day, partial(make, life, *rest))


def _happened(life: Life, first: int, last: int) -> Iterator[tuple[Any, ...]]:
    """(day, kind, what makes its groups of the life and of what follows, ...), those of the days
    from `first` to `last` among them.
    """
    yield life.registered, "registered", _registered
    yield life.death, "death", _died
    if life.may_move(first, last):
        for index in range(1, len(life.stays)):
            yield life.stays[index][0], "move", _moved, index
    if wed := life.marriage:
        yield wed[0], "wedding", _wed, wed[0]
        if wed[1] < life.death:
            yield wed[1] + 1, "alone", _alone, wed[1] + 1
    if any(first <= born <= last for born in life.births()):
        for child in life.children:
            yield child.birth, f"child/{child.code}", _born, child
    if times := life.restricted:
        yield times[0], "restricted", _restricted
        if times[1] <= life.death:
            yield times[1], "unrestricted", _unrestricted, times[1]
    if life.corrected:
        yield life.corrected, "corrected", _corrected


_ADDED, _CHANGED = {"muutosattribuutti": "LISATTY"}, {"muutosattribuutti": "MUUTETTU"}


def written_down(life: Life, day: int, kind: str) -> int:
    """The time, in seconds since 1970, of what happened on a day (an ordinal). `kind` tells apart
    what happens on one.
    """
    drawn = blake2b(f"{life.code}/{day}/{kind}".encode(), digest_size=4).digest()
    own_days = (life.course.home + life.birth) % (_LATER_DAYS_MAX + 1)
    later = day + (0 if kind in _AT_ONCE else own_days)
    weekday = (later - 1) % 7
    if weekday > _FRIDAY:
        later += 7 - weekday
    seconds = (_UNTIL_HOUR - _FROM_HOUR) * 3_600
    return key_of_day(later) + _FROM_HOUR * 3_600 + int.from_bytes(drawn) % seconds


#: What the register itself decides is written down on its day.
_AT_ONCE = frozenset(("restricted", "unrestricted", "corrected"))


def _registered(life: Life) -> list[Group]:
    """A birth, or a first registration of somebody born abroad, as the person's own record has it;
    of a newborn the register tells the day of birth, so that it reads as no registration.
    """
    day = life.registered
    home = home_of(life.stays[0][1])
    found = [
        groups.group("SUKUPUOLI", sukupuoli=groups.SEX[life.sex]),
        groups.group("SYNTYMAPAIVA", syntymapv=groups.day_of(life.birth)),
        groups.name(life, day),
        groups.group(
            "KANSALAISUUS", henkilonKansalaisuudet=[{"kansalaisuuskoodi": life.course.citizenship}]
        ),
        groups.municipality(home, day),
        groups.address(home, day),
        groups.dwelling(home, day),
        *(groups.guardians(life, day) if not life.course.registered else ()),
    ]
    if life.course.registered:
        # (A day of birth would say that somebody was born.)
        found = [each for each in found if each["tietoryhma"] != "SYNTYMAPAIVA"]
    return [{**each, **_ADDED} for each in found]


def _died(life: Life) -> list[Group]:
    return [{**groups.death(life), **_ADDED}]


def _alone(life: Life, day: int) -> list[Group]:
    return [{**groups.marital_status(groups.alone_again(life)), **_CHANGED}]


def _born(life: Life, child: Life) -> list[Group]:
    return [{**groups.child(child, life), **_ADDED}]


def _restricted(life: Life) -> list[Group]:
    return [{**groups.group("TURVAKIELTO", turvakieltoAktiivinen=True), **_ADDED}]


def _corrected(life: Life) -> list[Group]:
    return [{**groups.correction(life), **_ADDED}]


def _moved(life: Life, index: int) -> list[Group]:
    (before, old_number), (since, number) = life.stays[index - 1 : index + 1]
    old, new = home_of(old_number), home_of(number)
    found = [
        {**groups.address(new, since), **_ADDED},
        {**groups.address(old, before, since - 1), **_CHANGED},
        {**groups.dwelling(new, since), **_ADDED},
        {**groups.dwelling(old, before, since - 1), **_CHANGED},
    ]
    if new.municipality != old.municipality:
        found += [
            {**groups.municipality(new, since), **_ADDED},
            {**groups.earlier_municipality(old, before, since - 1), **_ADDED},
        ]
    return found


def _wed(life: Life, day: int) -> list[Group]:
    found = [{**groups.marital_status("AVIOLIITOSSA"), **_CHANGED}]
    if (married := life.married_name) is not None:
        new = groups.group(
            "NIMENMUUTOS", nimilaji="NYKYINEN_SUKUNIMI", nimi=married[1], alkupv=groups.day_of(day)
        )
        found += [
            {**groups.name(life, day), **_CHANGED},
            {**new, **_ADDED},
            {**groups.earlier_name(life, day), **_CHANGED},
        ]
    return found


def _unrestricted(life: Life, day: int) -> list[Group]:
    """The end of a restricted disclosure, with where she lives: readers without the right never got
    it.
    """
    ended = groups.group(
        "TURVAKIELTO", turvakieltoAktiivinen=False, turvaLoppuPv=groups.day_of(day)
    )
    since, number = [stay for stay in life.stays if stay[0] <= day][-1]
    context = {"muutosattribuutti": "LISATIETO"}
    home = home_of(number)
    return [
        {**ended, **_CHANGED},
        {**groups.address(home, since), **context},
        {**groups.municipality(home, since), **context},
    ]

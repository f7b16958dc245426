"""Pages of changes after a key, and basic data, computed from the population when somebody asks;
reads no request and judges nothing.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from exchange.adapters.population_register import groups
from exchange.adapters.population_register.basic_data import basic_data as of_person
from exchange.adapters.population_register.changes import Happening, happenings
from exchange.adapters.population_register.groups import Group
from exchange.schemas.persons import POPULATION, Life
from exchange.schemas.persons.lives_by_day import touched_residents
from exchange.schemas.persons.register import is_restricted, look_up
from exchange.schemas.persons.registration_times import WRITTEN_WITHIN_DAYS, day_of_key, key_of_day

#: Changes on a page, unless several at its end have one key (*modelled*).
PAGE_CHANGES = 500


class Told(NamedTuple):
    """An answer as JSON data, and of whom it tells."""

    document: dict[str, Any]
    persons: Sequence[str]


def changes(codes: Iterable[str], after: int, now: int, sees_restricted: bool) -> Told:
    """The first changes with a key greater than `after` and up to `now`, of persons with these
    codes; `now` is in seconds since 1970, as the keys are.

    The key of the page is that of its last change, and `after` where there is none, so that it
    advances or the reader is up to date. Who is listed twice, or by an earlier code as well, is
    told of once.
    """
    lives = {life: None for code in codes if (life := POPULATION.find(code)) is not None}
    return _page(_found(lives, after, now), after, None if sees_restricted else now)


def changes_of_residents(municipality: str, after: int, now: int, sees_restricted: bool) -> Told:
    """The same of those who live in a municipality when something happens, or did the day before.
    Days are gone through until a page is full.
    """
    found: list[_Found] = []
    day, last = day_of_key(after), day_of_key(now)
    while day <= last and len(found) <= PAGE_CHANGES:
        since, until = max(after, key_of_day(day) - 1), min(now, key_of_day(day + 1) - 1)
        lives = {
            life: None
            for happened in range(day - WRITTEN_WITHIN_DAYS, day + 1)
            for life in touched_residents(POPULATION, municipality, happened)
        }
        found += _found(lives, since, until)
        day += 1
    return _page(found, after, None if sees_restricted else now, day > last)


#: Key and code, by which changes are told in order, the change and whose it is.
_Found = tuple[int, str, Happening, Life]


def _found(lives: Iterable[Life], after: int, now: int) -> list[_Found]:
    today = day_of_key(now)
    return sorted(
        (
            (each.key, life.code, each, life)
            for life in lives
            if life.registered <= today
            for each in happenings(life, after, now)
        ),
        key=lambda each: each[:2],
    )


def _page(
    found: Sequence[_Found], after: int, withheld_at: int | None, is_all: bool = True
) -> Told:
    size = PAGE_CHANGES
    while size < len(found) and found[size][0] == found[size - 1][0]:
        size += 1
    page = found[:size]
    told = [_change(life, each, withheld_at) for _, _, each, life in page]
    document = {
        "viimeisinKirjausavain": page[-1][0] if page else after,
        "muutokset": told,
        "ajanTasalla": is_all and size >= len(found),
    }
    return Told(document, [each["henkilotunnus"] for each in told])


def _change(life: Life, happening: Happening, withheld_at: int | None) -> Group:
    """A change as it is told at `withheld_at`, None to who sees restricted data. Whose disclosure
    is restricted by then has an earlier change withheld too: it may tell where they still live
    (*modelled*).
    """
    day = day_of_key(happening.key)
    moment = datetime.datetime.fromtimestamp(happening.key, datetime.UTC)
    told = happening.make()
    if withheld_at is not None and (
        is_restricted(life, happening.key) or is_restricted(life, withheld_at)
    ):
        told = [groups.withheld(each) for each in told]
    # A corrected code is told to who has the earlier one.
    is_corrected = told[0]["tietoryhma"] == "HENKILOTUNNUS_KORJAUS"
    return {
        "henkilotunnus": life.earlier_code if is_corrected else life.code_on(day),
        "muutospv": f"{moment:%Y-%m-%dT%H:%M:%S}.000Z",
        "tietoryhmat": told,
    }


def basic_data(
    codes: Iterable[str], wanted: Sequence[str] | None, now: int, sees_restricted: bool
) -> Told:
    """What the register has of persons now, of the groups wanted (None: of all); who is unknown is
    left out, and who is listed twice is told of once.
    """
    told: list[Group] = []
    # (A question may name any number of groups.)
    chosen = None if wanted is None else frozenset(wanted)
    for code in dict.fromkeys(codes):
        life = look_up(code, now).life
        if life is None:
            continue
        found = of_person(life, code, now)
        if not sees_restricted and is_restricted(life, now):
            found = [groups.withheld(each) for each in found]
        if chosen is not None:
            found = [each for each in found if each["tietoryhma"] in chosen]
        told.append({"henkilotunnus": code, "tietoryhmat": found})
    document = {"ajanTasalla": True, "perustiedot": told}
    return Told(document, [each["henkilotunnus"] for each in told])

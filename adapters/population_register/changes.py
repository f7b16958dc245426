"""What the register tells of a life as changes, each with the time at which it was written down;
pages of them stand in `feed`.

That time in seconds since 1970 is the change's key (`schemas.persons.registration_times`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple

from exchange.adapters.population_register import groups
from exchange.adapters.population_register.groups import Group
from exchange.schemas.persons import Life
from exchange.schemas.persons.homes import home_of, municipality_of
from exchange.schemas.persons.registration_times import WRITTEN_WITHIN_DAYS, day_of_key, written_at


class Happening(NamedTuple):
    """A change: its key, the day on which it happened, and what makes its groups."""

    key: int
    day: int
    make: Callable[[], list[Group]]


def happenings(life: Life, after: int, until: int) -> Iterator[Happening]:
    """Every change of a life with a key greater than `after` and up to `until`, in no order."""
    first, last = day_of_key(after) - WRITTEN_WITHIN_DAYS, day_of_key(until)
    own = (
        Happening(written_at(life, day, kind), day, partial(make, life, *rest))
        for day, kind, make, *rest in _happened(life, first, last)
        if first <= day <= last
    )
    for each in (*own, *_to_guardians(life, first, last)):
        if after < each.key <= until:
            yield each


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
    if mistaken := life.mistaken:
        yield mistaken[0], "mistaken", _mistaken
        yield mistaken[1], "cancelled", _cancelled
    if life.misspelt_until:
        yield life.misspelt_until, "misspelt", _spelt


def _to_guardians(life: Life, first: int, last: int) -> Iterator[Happening]:
    """What happens to those who have the custody of somebody under age in the days from `first` to
    `last`: written down with it, and after she herself was.
    """
    of_age = groups.of_age(life)
    if not (first < of_age and life.registered <= last):
        return
    in_register = written_at(life, life.registered, "registered")
    for parent in (life.mother, life.father):
        if parent is None:
            continue
        happened = [(parent.death, "death", _guardian_left)]
        if (mistaken := parent.mistaken) is not None:
            happened.append((mistaken[0], "mistaken", _guardian_left))
            happened.append((mistaken[1], "cancelled", _guardian_back))
        for day, kind, make in happened:
            if max(first, life.registered) <= day <= min(last, of_age - 1, life.death):
                key = max(written_at(parent, day, kind), in_register + 1)
                yield Happening(key, day, partial(make, life, parent, day))


_ADDED, _CHANGED = {"muutosattribuutti": "LISATTY"}, {"muutosattribuutti": "MUUTETTU"}


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
        *_guardians(life, day, _living_parents(life, day)),
    ]
    if life.course.registered:
        # (A day of birth would say that somebody was born.)
        found = [each for each in found if each["tietoryhma"] != "SYNTYMAPAIVA"]
    return [{**each, **_ADDED} for each in found]


def _living_parents(life: Life, day: int) -> list[groups.Named]:
    parents = (life.mother, life.father)
    return [(each, day) for each in parents if each is not None and each.is_alive(day)]


def _guardians(life: Life, day: int, living: Sequence[groups.Named]) -> list[Group]:
    """As one reader takes guardians, and as another does."""
    return [
        each for is_brief in (True, False) for each in groups.guardians(life, day, living, is_brief)
    ]


def _guardian_left(life: Life, parent: Life, day: int) -> list[Group]:
    """The custody of a parent who died, with those of who is left."""
    left = _guardians(life, day, [each for each in _living_parents(life, day) if each[0] != parent])
    return [
        {
            **each,
            "huoltosuhteenLoppupv": groups.day_of(day),
            "muutosattribuutti": "POISTETTU",
            "voimassaolevatTiedot": [
                other for other in left if other["tietoryhma"] == each["tietoryhma"]
            ],
        }
        for each in _guardians(life, day, [(parent, day)])
    ]


def _guardian_back(life: Life, parent: Life, day: int) -> list[Group]:
    """The custody of a parent whose death was none."""
    return [{**each, **_ADDED} for each in _guardians(life, day, [(parent, day)])]


def _died(life: Life) -> list[Group]:
    return [{**groups.death(life.death), **_ADDED}]


def _alone(life: Life, day: int) -> list[Group]:
    return [{**groups.marital_status(groups.alone_again(life)), **_CHANGED}]


def _born(life: Life, child: Life) -> list[Group]:
    """A birth on a parent's record, with the custody of the child."""
    told = (groups.child(child, life), groups.ward(child, life))
    return [{**each, **_ADDED} for each in told]


def _restricted(life: Life) -> list[Group]:
    """A restricted disclosure, with the box that post goes to from then on."""
    assert life.restricted is not None, "only such a life has this happening"
    restriction = groups.group("TURVAKIELTO", turvakieltoAktiivinen=True)
    post = groups.post_box(life, life.restricted[0])
    return [{**restriction, **_ADDED}, {**post, **_ADDED}]


def _corrected(life: Life) -> list[Group]:
    return [{**groups.correction(life), **_ADDED}]


def _mistaken(life: Life) -> list[Group]:
    assert life.mistaken is not None, "only such a life has this happening"
    return [{**groups.death(life.mistaken[0]), **_ADDED}]


def _cancelled(life: Life) -> list[Group]:
    """A death that was none: what was told, and at once after it what is so."""
    assert life.mistaken is not None, "only such a life has this happening"
    return [
        {**groups.death(life.mistaken[0]), "muutosattribuutti": "KORJATTAVA"},
        {**groups.group("KUOLINPAIVA", kuollut=False), "muutosattribuutti": "KORJATTU"},
    ]


def _spelt(life: Life) -> list[Group]:
    """The name as it was told, and at once after it as it is."""
    day = life.misspelt_until
    wrong, right = groups.name(life, day - 1), groups.name(life, day)
    return [
        {**wrong, "sukunimi": right["sukunimi"], "muutosattribuutti": "KORJATTAVA"},
        {**right, "muutosattribuutti": "KORJATTU"},
    ]


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
            # (A reader looks for the municipality of before among its own, and ends it there.)
            {**groups.earlier_municipality(old, _came(life, index - 1), since - 1), **_CHANGED},
        ]
    return found


def _came(life: Life, index: int) -> int:
    """The day on which she came to the municipality of a stay, by the stay's index: she may have
    moved within it since.
    """
    town = municipality_of(life.stays[index][1])
    while index and municipality_of(life.stays[index - 1][1]) == town:
        index -= 1
    return life.stays[index][0]


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
    index = bisect_right(life.stays, day, key=itemgetter(0)) - 1
    since, number = life.stays[index]
    context = {"muutosattribuutti": "LISATIETO"}
    home = home_of(number)
    assert life.restricted is not None, "only such a life has this happening"
    post = groups.post_box(life, life.restricted[0], day - 1)
    return [
        {**ended, **_CHANGED},
        {**post, "muutosattribuutti": "POISTETTU", "voimassaolevatTiedot": []},
        {**groups.address(home, since), **context},
        {**groups.municipality(home, _came(life, index)), **context},
    ]

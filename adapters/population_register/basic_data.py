"""What the register has of somebody at a time: what was written down by then, as groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from exchange.adapters.population_register import groups
from exchange.adapters.population_register.groups import Group, group
from exchange.schemas.persons import Life
from exchange.schemas.persons.homes import Home, home_of
from exchange.schemas.persons.register import death_of, is_in_register, is_restricted
from exchange.schemas.persons.registration_times import day_of_key, written_at

#: Where somebody was born abroad.
ABROAD = "200"


def named_on(life: Life, now: int) -> int:
    """A day on which she had the name that the register has at a time."""
    wed, spelt = life.marriage, life.misspelt_until
    days = [life.registered]
    if wed is not None and written_at(life, wed[0], "wedding") <= now:
        days.append(wed[0])
    if spelt and written_at(life, spelt, "misspelt") <= now:
        days.append(spelt)
    return max(days)


def known_of(relatives: Iterable[Life | None], now: int, living: bool) -> list[groups.Named]:
    """Those relatives whom the register has at a time (`living`: and takes for living), each with a
    day on which she had the name that it has.
    """
    return [
        (each, named_on(each, now))
        for each in relatives
        if each is not None
        and is_in_register(each, now)
        and not (living and death_of(each, now) is not None)
    ]


def basic_data(life: Life, code: str, now: int) -> list[Group]:
    """Everything that the register has of somebody at a time, asked for by this code."""
    stays = [
        stay
        for index, stay in enumerate(life.stays)
        if not index or written_at(life, stay[0], "move") <= now
    ]
    wed = life.marriage
    is_wed = wed is not None and written_at(life, wed[0], "wedding") <= now
    born_here = ABROAD if life.course.registered else home_of(stays[0][1]).municipality
    found = [
        group("SUKUPUOLI", sukupuoli=groups.SEX[life.sex]),
        group("SYNTYMAPAIVA", syntymapv=groups.day_of(life.birth)),
        group("SYNTYMAKOTIKUNTA", kuntakoodi=born_here),
        groups.name(life, named_on(life, now)),
        groups.given_name(life),
        groups.marital_status(_status(life, now) if is_wed else "NAIMATON"),
        group(
            "KANSALAISUUS", henkilonKansalaisuudet=[{"kansalaisuuskoodi": life.course.citizenship}]
        ),
        group(
            "AIDINKIELI",
            kielikoodi="fi",
            kielikoodiISO6392="fin",
            alkupv=groups.day_of(life.birth),
        ),
    ]
    if is_wed and life.married_name:
        found.append(groups.earlier_name(life, life.married_name[0]))
    if life.corrected and written_at(life, life.corrected, "corrected") <= now:
        passive = {"voimassaolo": "PASSIIVI"} if code != life.code else {}
        found.append(groups.correction(life) | passive)
    today = day_of_key(now)
    parents = (life.mother, life.father)
    found += groups.parents(life, today, known_of(parents, now, living=False))
    if (died := death_of(life, now)) is not None:
        return [*found, groups.death(died)]
    if today < groups.of_age(life):
        living = known_of(parents, now, living=True)
        found += groups.guardians(life, today, living, is_brief=False)
    under_age = [each for each in life.children if today < groups.of_age(each)]
    found += groups.wards(life, today, known_of(under_age, now, living=True))
    if is_restricted(life, now) and life.restricted is not None:
        found.append(group("TURVAKIELTO", turvakieltoAktiivinen=True))
        found.append(groups.post_box(life, life.restricted[0]))
    since, home = stays[-1][0], home_of(stays[-1][1])
    return [*found, groups.address(home, since), groups.dwelling(home, since), *_towns(stays)]


def _status(life: Life, now: int) -> str:
    """The marital status of somebody who was married by then."""
    wed = life.marriage
    if wed is None or wed[1] >= life.death or written_at(life, wed[1] + 1, "alone") > now:
        return "AVIOLIITOSSA"
    return groups.alone_again(life)


def _towns(stays: Sequence[tuple[int, int]]) -> Iterator[Group]:
    """The home municipality, and those of before."""
    spans: list[tuple[int, Home]] = []
    for since, number in stays:
        home = home_of(number)
        if not spans or spans[-1][1].municipality != home.municipality:
            spans.append((since, home))
    since, home = spans[-1]
    day = groups.day_of(since)
    yield groups.municipality(home, since)
    yield group("VAESTOKIRJANPITOKUNTA", kuntakoodi=home.municipality, kuntaanMuuttopv=day)
    for (first, before), (after, _) in pairwise(spans):
        yield groups.earlier_municipality(before, first, after - 1)

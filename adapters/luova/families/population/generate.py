"""Synthetic changes of the population register, whole answers of the VTJ change interface;
artificial persons only.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable
from functools import partial
from json import dumps
from typing import Any

from exchange.adapters.luova.synthetic import new_id
from exchange.schemas.call import JSON
from exchange.schemas.generated import Generated, Generator
from exchange.schemas.persons import Life, died, moved, newborn, registered, renamed
from exchange.schemas.persons.homes import Home, home_of

Group = dict[str, Any]
#: Fewest and most changes in a message (*modelled*: the register's changes of a day come in pages).
CHANGES = {
    "population.births": (1, 5),
    "population.deaths": (1, 5),
    "population.address-changes": (1, 19),
    "population.registrations": (1, 5),
    "population.changes": (0, 8),
}


def _day(date: datetime.date) -> Group:
    return {"arvo": date.isoformat(), "tarkkuus": "PAIVA"}


def _birth(rng: random.Random, date: datetime.date) -> tuple[Life, list[Group]]:
    # As the mother's record tells it: the other parent's tells no further birth.
    child = newborn(rng, date - datetime.timedelta(days=3), date)
    mother = child.mother
    assert mother is not None, "only children with a mother are drawn"
    group = {
        "tietoryhma": "LAPSI_SUPPEA",
        "muutosattribuutti": "LISATTY",
        "lapsi": {
            "henkilotunnus": child.code,
            "sukupuoli": "MIES" if child.sex == "male" else "NAINEN",
            "kansalaisuuskoodi": child.course.citizenship,
        },
        "isaAiti": "AITI",
        "lapsiVanhempiSuhdePaattynyt": False,
    }
    return mother, [group]


def _death(rng: random.Random, date: datetime.date) -> tuple[Life, list[Group]]:
    who = died(rng, date - datetime.timedelta(days=9), date)
    return who, [
        {
            "tietoryhma": "KUOLINPAIVA",
            "muutosattribuutti": "LISATTY",
            "kuollut": True,
            "kuolinpv": _day(datetime.date.fromordinal(who.death)),
        }
    ]


def _address(home: Home, since: int) -> Group:
    return {
        "tietoryhma": "VAKINAINEN_KOTIMAINEN_OSOITE",
        "muutosattribuutti": "LISATTY",
        "katunimi": {"fi": home.street_name},
        "katunumero": str(home.house_number),
        "huoneistokirjain": home.staircase,
        "huoneistonumero": f"{home.apartment:03d}",
        "postinumero": home.postal_code,
        "postitoimipaikka": {"fi": home.town.upper()},
        "rakennustunnus": home.building,
        "osoitenumero": 1,
        "kuntakoodi": home.municipality,
        "alkupv": _day(datetime.date.fromordinal(since)),
    }


def _move(rng: random.Random, date: datetime.date) -> tuple[Life, list[Group]]:
    who, day = moved(rng, date - datetime.timedelta(days=13), date)
    index = [since for since, _ in who.stays].index(day)
    (lived_since, lived), (_, lives) = who.stays[index - 1 : index + 1]
    new, old = _address(home_of(lives), day), _address(home_of(lived), lived_since)
    old["muutosattribuutti"] = "MUUTETTU"
    old["loppupv"] = _day(datetime.date.fromordinal(day - 1))
    return who, [new, old]


def _registration(rng: random.Random, date: datetime.date) -> tuple[Life, list[Group]]:
    who = registered(rng, date - datetime.timedelta(days=29), date)
    home = who.home(who.registered)
    assert home is not None, "who is registered lives somewhere"
    since = _day(datetime.date.fromordinal(who.registered))
    here = {
        "tietoryhma": "KOTIKUNTA",
        "muutosattribuutti": "LISATTY",
        "kuntakoodi": home.municipality,
        "kuntaanMuuttopv": since,
        "kuntaanMuuttoPv": since,
    }
    name = {
        "tietoryhma": "HENKILON_NIMI",
        "muutosattribuutti": "LISATIETO",
        "etunimi": who.first_name,
        "sukunimi": who.last_name(who.registered),
        "alkupv": since,
    }
    return who, [here, name]


def _name_change(rng: random.Random, date: datetime.date) -> tuple[Life, list[Group]]:
    who = renamed(rng, date - datetime.timedelta(days=29), date)
    assert who.married_name is not None, "only who takes a name is drawn"
    since, name = who.married_name
    taken, ended = (_day(datetime.date.fromordinal(day)) for day in (since, since - 1))
    new = {"nimilaji": "NYKYINEN_SUKUNIMI", "nimi": name, "alkupv": taken}
    old = {"nimilaji": "EDELLINEN_SUKUNIMI", "nimi": who.birth_name, "loppupv": ended}
    return who, [
        {"tietoryhma": "NIMENMUUTOS", "muutosattribuutti": "LISATTY", **new},
        {"tietoryhma": "NIMENMUUTOS", "muutosattribuutti": "MUUTETTU", **old},
    ]


def _whose(who: Life, groups: list[Group]) -> tuple[str, str]:
    """What happened to whom: of a birth, to the child."""
    child = groups[0].get("lapsi")
    return groups[0]["tietoryhma"], child["henkilotunnus"] if child else who.code


Happening = Callable[[random.Random, datetime.date], tuple[Life, list[Group]]]
_HAPPENINGS: dict[str, tuple[Happening, ...]] = {
    "population.births": (_birth,),
    "population.deaths": (_death,),
    "population.address-changes": (_move,),
    "population.registrations": (_registration,),
    "population.changes": (_birth, _death, _move, _move, _registration, _name_change),
}


def changes(
    message_type: str, rng: random.Random, date: datetime.date, serial: int, count: int = 0
) -> Generated:
    """A message of one of the population types with a few changes in it."""
    fewest, most = CHANGES[message_type]
    count = count or rng.randint(fewest, most)
    happenings = _HAPPENINGS[message_type]
    members = []
    told: set[tuple[str, str]] = set()
    for _ in range(count):
        happening = happenings[rng.randrange(len(happenings))]
        who, groups = happening(rng, date)
        # Few codes of artificial persons of one day exist, and one change is told once.
        while _whose(who, groups) in told:
            who, groups = happening(rng, date)
        told.add(_whose(who, groups))
        moment = f"{date}T{rng.randrange(24):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d}Z"
        members.append({"henkilotunnus": who.code, "muutospv": moment, "tietoryhmat": groups})
    key = date.toordinal() * 10**7 + serial % 10**7
    document = {
        "viimeisinKirjausavain": key,
        "muutokset": members,
        "ajanTasalla": rng.random() < 0.2,
    }
    body = dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return Generated(body, JSON, new_id("vtj", rng, date, serial), count)


GENERATORS: dict[str, Generator] = {
    message_type: partial(changes, message_type) for message_type in CHANGES
}

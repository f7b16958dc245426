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

from exchange.schemas.call import JSON
from exchange.schemas.generated import Generated, Generator
from exchange.schemas.persons import Person, person

Group = dict[str, Any]
#: Fewest and most changes in a message (*modelled*: the register's changes of a day come in pages).
CHANGES = {
    "population.births": (1, 5),
    "population.deaths": (1, 5),
    "population.address-changes": (1, 19),
    "population.registrations": (1, 5),
    "population.changes": (0, 8),
}
#: Finland's code among countries, as citizenships have it.
FINLAND = "246"
_ROOMS = "ABCD"


def _day(date: datetime.date) -> Group:
    return {"arvo": date.isoformat(), "tarkkuus": "PAIVA"}


def _birth(rng: random.Random, date: datetime.date) -> tuple[Person, list[Group]]:
    # As the mother's record tells it: the other parent's tells no further birth.
    parent = person(rng, datetime.date(1980, 1, 1), datetime.date(2004, 12, 31))
    while parent.sex == "male":
        parent = person(rng, datetime.date(1980, 1, 1), datetime.date(2004, 12, 31))
    child = person(rng, date - datetime.timedelta(days=3), date)
    group = {
        "tietoryhma": "LAPSI_SUPPEA",
        "muutosattribuutti": "LISATTY",
        "lapsi": {
            "henkilotunnus": child.personal_identity_code,
            "sukupuoli": "MIES" if child.sex == "male" else "NAINEN",
            "kansalaisuuskoodi": FINLAND,
        },
        "isaAiti": "AITI",
        "lapsiVanhempiSuhdePaattynyt": False,
    }
    return parent, [group]


def _death(rng: random.Random, date: datetime.date) -> tuple[Person, list[Group]]:
    who = person(rng, datetime.date(1930, 1, 1), datetime.date(1975, 12, 31))
    died = _day(date - datetime.timedelta(days=rng.randrange(0, 10)))
    return who, [
        {
            "tietoryhma": "KUOLINPAIVA",
            "muutosattribuutti": "LISATTY",
            "kuollut": True,
            "kuolinpv": died,
        }
    ]


def _address(who: Person, rng: random.Random, date: datetime.date) -> Group:
    street, _, number = who.street.rpartition(" ")
    return {
        "tietoryhma": "VAKINAINEN_KOTIMAINEN_OSOITE",
        "muutosattribuutti": "LISATTY",
        "katunimi": {"fi": street},
        "katunumero": number,
        "huoneistokirjain": _ROOMS[rng.randrange(4)],
        "huoneistonumero": str(rng.randrange(1, 60)),
        "postinumero": who.postal_code,
        "postitoimipaikka": {"fi": who.town.upper()},
        "rakennustunnus": f"9{rng.randrange(10**8):08d}",
        "osoitenumero": 1,
        "kuntakoodi": who.municipality,
        "alkupv": _day(date),
    }


def _move(rng: random.Random, date: datetime.date) -> tuple[Person, list[Group]]:
    who = person(rng, born_before=datetime.date(2005, 12, 31))
    before = person(rng)
    moved = date - datetime.timedelta(days=rng.randrange(0, 14))
    lived = moved - datetime.timedelta(days=rng.randrange(100, 3_000))
    new = _address(who, rng, moved)
    old = _address(before, rng, lived)
    old["muutosattribuutti"] = "MUUTETTU"
    old["loppupv"] = _day(moved - datetime.timedelta(days=1))
    return who, [new, old]


def _registration(rng: random.Random, date: datetime.date) -> tuple[Person, list[Group]]:
    who = person(rng, datetime.date(1960, 1, 1), datetime.date(2005, 12, 31))
    since = _day(date - datetime.timedelta(days=rng.randrange(0, 30)))
    home = {
        "tietoryhma": "KOTIKUNTA",
        "muutosattribuutti": "LISATTY",
        "kuntakoodi": who.municipality,
        "kuntaanMuuttopv": since,
        "kuntaanMuuttoPv": since,
    }
    name = {
        "tietoryhma": "HENKILON_NIMI",
        "muutosattribuutti": "LISATIETO",
        "etunimi": who.first_name,
        "sukunimi": who.last_name,
        "alkupv": since,
    }
    return who, [home, name]


def _name_change(rng: random.Random, date: datetime.date) -> tuple[Person, list[Group]]:
    who, other = person(rng), person(rng)
    new = {"nimilaji": "NYKYINEN_SUKUNIMI", "nimi": who.last_name, "alkupv": _day(date)}
    old = {"nimilaji": "EDELLINEN_SUKUNIMI", "nimi": other.last_name, "loppupv": _day(date)}
    return who, [
        {"tietoryhma": "NIMENMUUTOS", "muutosattribuutti": "LISATTY", **new},
        {"tietoryhma": "NIMENMUUTOS", "muutosattribuutti": "MUUTETTU", **old},
    ]


def _child(groups: list[Group]) -> str:
    """The code of the child whose birth a change tells of; empty when it tells of none."""
    return groups[0]["lapsi"]["henkilotunnus"] if "lapsi" in groups[0] else ""


Happening = Callable[[random.Random, datetime.date], tuple[Person, list[Group]]]
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
    born: set[str] = set()
    for _ in range(count):
        who, groups = happenings[rng.randrange(len(happenings))](rng, date)
        # Few codes of artificial children of one day exist, and a child is born once.
        while (child := _child(groups)) in born:
            who, groups = _birth(rng, date)
        born |= {child} - {""}
        moment = f"{date}T{rng.randrange(24):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d}Z"
        members.append(
            {"henkilotunnus": who.personal_identity_code, "muutospv": moment, "tietoryhmat": groups}
        )
    key = date.toordinal() * 10**7 + serial % 10**7
    document = {
        "viimeisinKirjausavain": key,
        "muutokset": members,
        "ajanTasalla": rng.random() < 0.2,
    }
    body = dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return Generated(body, JSON, f"vtj-{date:%Y%m%d}-{rng.getrandbits(48):012x}-{serial}", count)


GENERATORS: dict[str, Generator] = {
    message_type: partial(changes, message_type) for message_type in CHANGES
}

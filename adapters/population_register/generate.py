"""Synthetic questions to the register about persons of the population, and answers as examples."""

from __future__ import annotations

import datetime
import random
from json import dumps
from typing import Any

from exchange.schemas.call import JSON, XML
from exchange.schemas.generated import Generated, Generator
from exchange.schemas.persons import person

_EPOCH = datetime.date(1970, 1, 1)
_DAY_SECONDS = 86_400
#: Persons of a question, at most.
PERSONS_MAX = 40


def _generated(rng: random.Random, serial: int, document: Any, count: int = 1) -> Generated:
    body = dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return Generated(body, JSON, f"vtj-{serial:x}-{rng.getrandbits(32):08x}", count)


def _codes(rng: random.Random, day: datetime.date) -> list[str]:
    drawn = (person(rng, day).personal_identity_code for _ in range(rng.randint(1, PERSONS_MAX)))
    return list(dict.fromkeys(drawn))


def key_of(day: datetime.date) -> int:
    """A key of the beginning of a day."""
    return (day - _EPOCH).days * _DAY_SECONDS


def changes_query(rng: random.Random, day: datetime.date, serial: int) -> Generated:
    """What changed since some days before."""
    since = day - datetime.timedelta(days=rng.randint(1, 14))
    document = {"viimeisinKirjausavain": key_of(since), "hetulista": _codes(rng, day)}
    return _generated(rng, serial, document)


def basic_data_query(rng: random.Random, day: datetime.date, serial: int) -> Generated:
    """What the register has of some persons."""
    document: dict[str, Any] = {"hetulista": _codes(rng, day)}
    if rng.random() < 0.5:
        document["tietoryhmat"] = ["HENKILON_NIMI", "VAKINAINEN_KOTIMAINEN_OSOITE", "TURVAKIELTO"]
    return _generated(rng, serial, document)


def basic_data(rng: random.Random, day: datetime.date, serial: int) -> Generated:
    """An answer about one person's name and sex."""
    who = person(rng, day)
    told = [
        {"tietoryhma": "SUKUPUOLI", "sukupuoli": "MIES" if who.sex == "male" else "NAINEN"},
        {
            "tietoryhma": "HENKILON_NIMI",
            "etunimi": who.first_name,
            "sukunimi": who.last_name,
        },
    ]
    one = {"henkilotunnus": who.personal_identity_code, "tietoryhmat": told}
    return _generated(rng, serial, {"ajanTasalla": True, "perustiedot": [one]})


def first_key(rng: random.Random, day: datetime.date, serial: int) -> Generated:
    """The key of a day."""
    return _generated(rng, serial, {"viimeisinKirjausavain": key_of(day)})


def person_query(rng: random.Random, day: datetime.date, serial: int) -> Generated:
    """What the register has of one person, by SOAP."""
    code = person(rng, day).personal_identity_code
    product = rng.choice(("Perussanoma 3", "Huoltaja-Huollettavat", "Huollettava-Huoltajat"))
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<HenkilonTunnusKysely xmlns="http://xml.vrk.fi/ws/vtj/vtjkysely/1">\n  <request>\n'
        f"    <SoSoNimi>{product}</SoSoNimi>\n    <Loppukayttaja>official-{serial % 100}"
        f"</Loppukayttaja>\n    <Henkilotunnus>{code}</Henkilotunnus>\n"
        "  </request>\n</HenkilonTunnusKysely>\n"
    ).encode()
    return Generated(body, XML, f"vtj-{serial:x}-{rng.getrandbits(32):08x}", 1)


GENERATORS: dict[str, Generator] = {
    "population-register.changes-query": changes_query,
    "population-register.basic-data-query": basic_data_query,
    "population-register.basic-data": basic_data,
    "population-register.key": first_key,
    "population-register.person-query": person_query,
}

"""Artificial persons for every generator: synthetic names, addresses and identity codes 900-999;
never anybody real.

The names are common Finnish given and family names put together by chance; the streets are ordinary
words. Municipality codes and the towns' postal code areas are public (Statistics Finland, Posti).
"""

from __future__ import annotations

import datetime
import random

from exchange.schemas.identifiers import Sex, make_personal_identity_code
from exchange.schemas.value import value

#: Given names of men and women, and family names, for whoever makes persons of their own.
MEN = [
    "Aarne",
    "Aki",
    "Antti",
    "Arto",
    "Eero",
    "Eetu",
    "Elias",
    "Erkki",
    "Esa",
    "Hannu",
    "Harri",
    "Heikki",
    "Ilmari",
    "Jaakko",
    "Jari",
    "Jorma",
    "Juhani",
    "Jukka",
    "Kalevi",
    "Kari",
    "Lauri",
    "Leo",
    "Markus",
    "Martti",
    "Matti",
    "Mika",
    "Mikael",
    "Niilo",
    "Oiva",
    "Olavi",
    "Onni",
    "Otso",
    "Paavo",
    "Pekka",
    "Pentti",
    "Reijo",
    "Risto",
    "Sami",
    "Seppo",
    "Tapio",
    "Tauno",
    "Teemu",
    "Timo",
    "Toivo",
    "Tuomas",
    "Urho",
    "Veikko",
    "Ville",
    "Väinö",
]
WOMEN = [
    "Aino",
    "Aleksandra",
    "Anna",
    "Anneli",
    "Annika",
    "Armi",
    "Eeva",
    "Eila",
    "Elina",
    "Elli",
    "Emilia",
    "Eveliina",
    "Hanna",
    "Heidi",
    "Helmi",
    "Hilja",
    "Iida",
    "Inkeri",
    "Irma",
    "Johanna",
    "Kaarina",
    "Kaisa",
    "Katri",
    "Kerttu",
    "Kirsi",
    "Laura",
    "Leena",
    "Liisa",
    "Maija",
    "Maria",
    "Marjatta",
    "Minna",
    "Mirja",
    "Noora",
    "Oona",
    "Päivi",
    "Pirkko",
    "Raija",
    "Ritva",
    "Saara",
    "Sanna",
    "Satu",
    "Sirpa",
    "Sofia",
    "Tarja",
    "Tuula",
    "Tyyne",
    "Venla",
    "Vilma",
]
LAST_NAMES = [
    "Aalto",
    "Ahonen",
    "Anttila",
    "Eskola",
    "Haapala",
    "Hakala",
    "Heikkinen",
    "Heinonen",
    "Hiltunen",
    "Hämäläinen",
    "Jokinen",
    "Järvinen",
    "Kallio",
    "Karjalainen",
    "Kettunen",
    "Kinnunen",
    "Koivisto",
    "Korhonen",
    "Koskinen",
    "Kärkkäinen",
    "Laaksonen",
    "Lahtinen",
    "Laine",
    "Lehtonen",
    "Leppänen",
    "Lindqvist",
    "Manninen",
    "Mattila",
    "Miettinen",
    "Mikkola",
    "Mäkelä",
    "Mäkinen",
    "Nieminen",
    "Niemi",
    "Nurmi",
    "Ojala",
    "Pitkänen",
    "Rantanen",
    "Räsänen",
    "Saarinen",
    "Salminen",
    "Salo",
    "Savolainen",
    "Seppälä",
    "Suominen",
    "Toivonen",
    "Tuominen",
    "Turunen",
    "Virtanen",
    "Väisänen",
    "Ylitalo",
]
_STREETS = [
    "Ahotie",
    "Haapakuja",
    "Hakapolku",
    "Harjukatu",
    "Hiekkatie",
    "Jokikatu",
    "Kaivopolku",
    "Kallionkuja",
    "Kanervatie",
    "Kauppakatu",
    "Kiertotie",
    "Koivukuja",
    "Koulukatu",
    "Kuusitie",
    "Lehtokatu",
    "Leppäpolku",
    "Metsätie",
    "Mäkikatu",
    "Niittykuja",
    "Peltotie",
    "Pihlajatie",
    "Puistokatu",
    "Rantatie",
    "Saarnikuja",
    "Satamakatu",
    "Suokatu",
    "Tammitie",
    "Torikatu",
    "Uimarannantie",
    "Vuorikatu",
]
#: Town, its municipality code (Statistics Finland, 2024) and the first three digits of postal codes
#: there.
_TOWNS = (
    ("Helsinki", "091", "005"),
    ("Espoo", "049", "021"),
    ("Tampere", "837", "335"),
    ("Vantaa", "092", "013"),
    ("Oulu", "564", "905"),
    ("Turku", "853", "205"),
    ("Jyväskylä", "179", "401"),
    ("Kuopio", "297", "702"),
    ("Lahti", "398", "151"),
    ("Pori", "609", "281"),
    ("Kouvola", "286", "451"),
    ("Joensuu", "167", "801"),
    ("Lappeenranta", "405", "531"),
    ("Hämeenlinna", "109", "131"),
    ("Vaasa", "905", "651"),
    ("Rovaniemi", "698", "961"),
    ("Seinäjoki", "743", "601"),
    ("Mikkeli", "491", "501"),
    ("Kotka", "285", "481"),
    ("Kajaani", "205", "871"),
    ("Kokkola", "272", "671"),
    ("Sodankylä", "758", "996"),
)
_FIRST_BIRTH = datetime.date(1930, 1, 1).toordinal()
_LAST_BIRTH = datetime.date(2024, 12, 31).toordinal()
_CENTURIES = {19: "-----YXWVU", 20: "AAAAABCDEF"}


@value
class Person:
    """An artificial person. `municipality` is a three-digit code, `postal_code` has five digits."""

    personal_identity_code: str
    first_name: str
    last_name: str
    birth_date: datetime.date
    sex: Sex
    street: str
    postal_code: str
    town: str
    municipality: str


def person(
    rng: random.Random,
    born_after: datetime.date | None = None,
    born_before: datetime.date | None = None,
) -> Person:
    """An artificial person; the same source of chance gives the same persons.

    `born_after` and `born_before` bound the date of birth, both included (default: 1930-01-01 to
    2024-12-31).
    """
    chance = rng.random
    first = born_after.toordinal() if born_after else _FIRST_BIRTH
    last = born_before.toordinal() if born_before else _LAST_BIRTH
    birth_date = datetime.date.fromordinal(first + int(chance() * (last - first + 1)))
    number = 900 + int(chance() * 100)
    code = make_personal_identity_code(
        birth_date, number, _CENTURIES[birth_date.year // 100][int(chance() * 10)]
    )
    names = MEN if number % 2 else WOMEN
    town, municipality, area = _TOWNS[int(chance() * len(_TOWNS))]
    return Person(
        personal_identity_code=code,
        first_name=names[int(chance() * len(names))],
        last_name=LAST_NAMES[int(chance() * len(LAST_NAMES))],
        birth_date=birth_date,
        sex="male" if number % 2 else "female",
        street=f"{_STREETS[int(chance() * len(_STREETS))]} {1 + int(chance() * 98)}",
        postal_code=f"{area}{int(chance() * 10)}0",
        town=town,
        municipality=municipality,
    )

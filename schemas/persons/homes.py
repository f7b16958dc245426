"""Where artificial persons live: towns with their public codes, streets of ordinary words.

Source: municipality codes, Statistics Finland 2024; postal code areas, Posti.
"""

from __future__ import annotations

from exchange.schemas.value import value

_STREETS = [
    "Ahotie", "Haapakuja", "Hakapolku", "Harjukatu", "Hiekkatie", "Jokikatu", "Kaivopolku",
    "Kallionkuja", "Kanervatie", "Kauppakatu", "Kiertotie", "Koivukuja", "Koulukatu", "Kuusitie",
    "Lehtokatu", "Leppäpolku", "Metsätie", "Mäkikatu", "Niittykuja", "Peltotie", "Pihlajatie",
    "Puistokatu", "Rantatie", "Saarnikuja", "Satamakatu", "Suokatu", "Tammitie", "Torikatu",
    "Uimarannantie", "Vuorikatu",
]  # fmt: skip
#: Town, its Swedish name where it has one, its municipality code and the first three digits of
#: postal codes there.
_TOWNS = (
    ("Helsinki", "Helsingfors", "091", "005"),
    ("Espoo", "Esbo", "049", "021"),
    ("Tampere", "Tammerfors", "837", "335"),
    ("Vantaa", "Vanda", "092", "013"),
    ("Oulu", "Uleåborg", "564", "905"),
    ("Turku", "Åbo", "853", "205"),
    ("Jyväskylä", "", "179", "401"),
    ("Kuopio", "", "297", "702"),
    ("Lahti", "Lahtis", "398", "151"),
    ("Pori", "Björneborg", "609", "281"),
    ("Kouvola", "", "286", "451"),
    ("Joensuu", "", "167", "801"),
    ("Lappeenranta", "Villmanstrand", "405", "531"),
    ("Hämeenlinna", "Tavastehus", "109", "131"),
    ("Vaasa", "Vasa", "905", "651"),
    ("Rovaniemi", "", "698", "961"),
    ("Seinäjoki", "", "743", "601"),
    ("Mikkeli", "S:t Michel", "491", "501"),
    ("Kotka", "", "285", "481"),
    ("Kajaani", "Kajana", "205", "871"),
    ("Kokkola", "Karleby", "272", "671"),
    ("Sodankylä", "", "758", "996"),
)
_LETTERS = "ABCDEF"
#: The names of municipalities by code, Finnish and Swedish.
TOWN_NAMES = {code: (town, town_sv or town) for town, town_sv, code, _ in _TOWNS}


@value
class Home:
    """A dwelling. `municipality` is a three-digit code, `postal_code` has five digits, `building`
    is the building's id, nine digits and a check letter in the register, here nine digits.
    """

    street_name: str
    house_number: int
    staircase: str
    apartment: int
    postal_code: str
    town: str
    town_sv: str
    municipality: str
    building: str

    @property
    def street(self) -> str:
        """Street and house number."""
        return f"{self.street_name} {self.house_number}"


def municipality_of(number: int) -> str:
    """The municipality of the dwelling with that number."""
    return _TOWNS[number % len(_TOWNS)][2]


def home_of(number: int) -> Home:
    """The dwelling with that number (any from 0 on); the same number is the same dwelling."""
    number, place = divmod(number, len(_TOWNS))
    _, _, municipality, area = _TOWNS[place]
    town, town_sv = TOWN_NAMES[municipality]
    number, street = divmod(number, len(_STREETS))
    number, house = divmod(number, 98)
    number, staircase = divmod(number, len(_LETTERS))
    return Home(
        street_name=_STREETS[street],
        house_number=1 + house,
        staircase=_LETTERS[staircase],
        apartment=1 + number % 60,
        postal_code=f"{area}{street % 10}0",
        town=town,
        town_sv=town_sv,
        municipality=municipality,
        building=f"9{place:02d}{street:02d}{house:02d}{staircase:02d}",
    )

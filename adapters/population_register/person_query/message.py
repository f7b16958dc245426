"""The message about a person (VTJHenkiloVastaussanoma): its elements are there also when they are
empty, since readers reach into them without looking.

Source: element names and codes as two public clients read them (City of Espoo, eVaka; City of
Helsinki, yjdh). Which elements a product has, and the person groups of the products about families,
are *modelled* where those don't show them.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from exchange.adapters.population_register import groups
from exchange.adapters.population_register.basic_data import basic_data, known_of
from exchange.adapters.population_register.person_query.guardianship import GUARDIANSHIP
from exchange.schemas.persons import Life
from exchange.schemas.persons.homes import TOWN_NAMES
from exchange.schemas.persons.register import FOUND, PASSIVE, is_restricted, look_up
from exchange.schemas.persons.registration_times import day_of_key

NAMESPACE = "http://xml.vrk.fi/schema/vtjkysely"
#: Products by name in capitals, with the relatives that each tells of.
PRODUCTS = {
    "PERUSSANOMA 3": "",
    "HUOLTAJA-HUOLLETTAVAT": "Huollettava",
    "HUOLLETTAVA-HUOLTAJAT": "Huoltaja",
    "VANHEMPI -LAPSET JA HUOLLETTAVAT": "Lapsi",
}
#: Return codes of a message that holds a person, in words.
_TEXTS = {FOUND: "Haku onnistui", PASSIVE: "Henkilötunnus on passiivinen"}
_SEX = {"MIES": ("1", "Mies", "Man"), "NAINEN": ("2", "Nainen", "Kvinna")}
#: Names of the countries (ISO 3166-1, three digits) whose citizens there are, Finnish and Swedish.
COUNTRIES = {
    "156": ("Kiina", "Kina"),
    "233": ("Viro", "Estland"),
    "246": ("Suomi", "Finland"),
    "276": ("Saksa", "Tyskland"),
    "356": ("Intia", "Indien"),
    "368": ("Irak", "Irak"),
    "608": ("Filippiinit", "Filippinerna"),
    "643": ("Venäjä", "Ryssland"),
    "706": ("Somalia", "Somalia"),
    "752": ("Ruotsi", "Sverige"),
    "804": ("Ukraina", "Ukraina"),
}
_FOREIGN = (
    "UlkomainenLahiosoite",
    "UlkomainenPaikkakuntaJaValtioS",
    "UlkomainenPaikkakuntaJaValtioR",
    "UlkomainenPaikkakuntaJaValtioSelvakielinen",
    "Valtiokoodi3",
    "AsuminenAlkupvm",
    "AsuminenLoppupvm",
)
_DOMESTIC = (
    "LahiosoiteS",
    "LahiosoiteR",
    "Postinumero",
    "PostitoimipaikkaS",
    "PostitoimipaikkaR",
    "AsuminenAlkupvm",
    "AsuminenLoppupvm",
)
_POST = (
    "PostiosoiteS",
    "PostiosoiteR",
    "Postinumero",
    "PostitoimipaikkaS",
    "PostitoimipaikkaR",
    "PostiosoiteAlkupvm",
    "PostiosoiteLoppupvm",
)
_FOREIGN_POST = (
    "UlkomainenLahiosoite",
    "UlkomainenPaikkakunta",
    "Valtiokoodi3",
    "ValtioS",
    "ValtioR",
    "ValtioSelvakielinen",
    "PostiosoiteAlkupvm",
    "PostiosoiteLoppupvm",
)

#: A name and what stands in it: a text, or further elements.
Tree = tuple[str, "str | Sequence[Tree]"]
Groups = Mapping[str, Mapping[str, Any]]


def message(life: Life, code: str, product: str, now: int, sees_restricted: bool) -> str:
    """The message about somebody who is in the register at a time (seconds since 1970), asked for
    by this code, as a product of `PRODUCTS` has it.
    """
    written = basic_data(life, code, now)
    if not sees_restricted and is_restricted(life, now):
        written = [groups.withheld(each) for each in written]
    found = {each["tietoryhma"]: each for each in written}
    returned, active = look_up(code, now).return_code, life.code_on(day_of_key(now))
    moment = datetime.datetime.fromtimestamp(now, datetime.UTC)
    infos = [(f"Info{language}", f"{moment:%d.%m.%Y %H:%M}") for language in "SRE"]
    texts = 'hakuperusteTekstiE="Found" hakuperusteTekstiR="Hittades" hakuperusteTekstiS="Löytyi"'
    person = [*_person(found), *_relatives(life, PRODUCTS[product], now)]
    guardianship = "" if PRODUCTS[product] else GUARDIANSHIP
    return (
        f'<VTJHenkiloVastaussanoma xmlns="{NAMESPACE}" sanomatunnus="{product}" '
        f'tietojenPoimintaaika="{moment:%Y%m%d%H%M%S}" versio="1.0">'
        f"{_xml(('Asiakasinfo', infos))}"
        f'<Paluukoodi koodi="{returned}">{_TEXTS[returned]}</Paluukoodi>'
        f'<Hakuperusteet><Henkilotunnus hakuperustePaluukoodi="1" {texts}>{code}</Henkilotunnus>'
        "</Hakuperusteet>"
        f'<Henkilo><Henkilotunnus voimassaolokoodi="1">{active}</Henkilotunnus>'
        f"{''.join(_xml(each) for each in person)}{guardianship}</Henkilo>"
        "</VTJHenkiloVastaussanoma>"
    )


def _person(found: Groups) -> Iterator[Tree]:
    name = found["HENKILON_NIMI"]
    earlier = found.get("NIMENMUUTOS", {})
    yield from _names(name["sukunimi"], name["etunimi"])
    yield (
        "EntinenNimi",
        [
            ("Nimi", earlier.get("nimi", "")),
            ("Nimilajikoodi", ""),
            ("Alkupvm", ""),
            ("Loppupvm", _day(earlier.get("loppupv"))),
            ("Info8S", ""),
            ("Info8R", ""),
        ],
    )
    yield "VakinainenKotimainenLahiosoite", _address(found.get("VAKINAINEN_KOTIMAINEN_OSOITE", {}))
    dwelling = found.get("VAKINAINEN_KOTIMAINEN_ASUINPAIKKATUNNUS", {})
    yield (
        "VakinainenAsuinpaikka",
        [("Asuinpaikantunnus", dwelling.get("asuinpaikantunnus", ""))],
    )
    yield "VakinainenUlkomainenLahiosoite", [(each, "") for each in _FOREIGN]
    yield "TilapainenKotimainenLahiosoite", [(each, "") for each in _DOMESTIC]
    yield "TilapainenUlkomainenLahiosoite", [(each, "") for each in _FOREIGN]
    yield "KotimainenPostiosoite", _post(found.get("KOTIMAINEN_POSTIOSOITE", {}))
    yield "UlkomainenPostiosoite", [(each, "") for each in _FOREIGN_POST]
    yield "Kotikunta", _municipality(found.get("KOTIKUNTA", {}))
    death = found.get("KUOLINPAIVA", {})
    yield (
        "Kuolintiedot",
        [("Kuollut", "1" if death else ""), ("Kuolinpvm", _day(death.get("kuolinpv")))],
    )
    yield "Kuolleeksijulistamistiedot", [("Kuolleeksijulistamispvm", "")]
    language = found["AIDINKIELI"]["kielikoodi"]
    names = [("KieliS", "suomi"), ("KieliR", "finska"), ("KieliSelvakielinen", "")]
    yield "Aidinkieli", [("Kielikoodi", language), *names]
    restricted = "1" if "TURVAKIELTO" in found else "0"
    yield "Turvakielto", [("TurvakieltoTieto", restricted), ("TurvakieltoPaattymispvm", "")]
    sex = zip(
        ("Sukupuolikoodi", "SukupuoliS", "SukupuoliR"),
        _SEX[found["SUKUPUOLI"]["sukupuoli"]],
        strict=True,
    )
    yield "Sukupuoli", list(sex)
    (citizenship,) = found["KANSALAISUUS"]["henkilonKansalaisuudet"]
    yield "Kansalaisuus", _citizenship(citizenship["kansalaisuuskoodi"])


def _citizenship(code: str) -> list[Tree]:
    """A citizenship with its country's names: a reader takes the Finnish one without looking
    whether it is there.
    """
    finnish, swedish = COUNTRIES[code]
    return [
        ("Kansalaisuuskoodi3", code),
        ("KansalaisuusS", finnish),
        ("KansalaisuusR", swedish),
        ("KansalaisuusSelvakielinen", ""),
        ("Saamispvm", ""),
    ]


def _names(last: str, first: str) -> Iterator[Tree]:
    yield "NykyinenSukunimi", [("Sukunimi", last)]
    yield "NykyisetEtunimet", [("Etunimet", first)]


def _address(group: Mapping[str, Any]) -> list[Tree]:
    street = group.get("katunimi", {}).get("fi", "")
    if street:
        number = group["huoneistonumero"].lstrip("0")
        street += f" {group['katunumero']} {group['huoneistokirjain']} {number}"
    return _placed(_DOMESTIC, street, group)


def _post(group: Mapping[str, Any]) -> list[Tree]:
    return _placed(_POST, group.get("postiosoite", {}).get("fi", ""), group)


def _placed(names: Sequence[str], line: str, group: Mapping[str, Any]) -> list[Tree]:
    """The line of an address in Finnish (there is none in Swedish), its place, and since when."""
    place = group.get("postitoimipaikka", {})
    texts = (
        line,
        "",
        group.get("postinumero", ""),
        place.get("fi", ""),
        place.get("sv", ""),
        _day(group.get("alkupv")),
        "",
    )
    return list(zip(names, texts, strict=True))


def _municipality(group: Mapping[str, Any]) -> list[Tree]:
    code = group.get("kuntakoodi", "")
    finnish, swedish = TOWN_NAMES.get(code, ("", ""))
    return [
        ("Kuntanumero", code),
        ("KuntaS", finnish),
        ("KuntaR", swedish),
        ("KuntasuhdeAlkupvm", _day(group.get("kuntaanMuuttopv"))),
    ]


def _relatives(life: Life, element: str, now: int) -> Iterator[Tree]:
    """The relatives of a product, as the register has each at a time; one empty where there is
    nobody.
    """
    if not element:
        return
    today = day_of_key(now)
    if element == "Huoltaja":
        found = [life.mother, life.father] if today < groups.of_age(life) else []
    elif element == "Huollettava":
        found = [each for each in life.children if today < groups.of_age(each)]
    else:
        found = [*life.children]
    living = known_of(found, now, living=True)
    for each, named in living:
        names = _names(each.last_name(named), each.first_name)
        yield element, [("Henkilotunnus", each.code_on(today)), ("Syntymaaika", ""), *names]
    if not living:
        yield element, [("Henkilotunnus", ""), ("Syntymaaika", ""), *_names("", "")]


def _day(date: Mapping[str, str] | None) -> str:
    return date["arvo"].replace("-", "") if date else ""


def _xml(tree: Tree) -> str:
    name, inside = tree
    if isinstance(inside, str):
        return f"<{name}>{escape(inside)}</{name}>" if inside else f"<{name}/>"
    return f"<{name}>{''.join(_xml(each) for each in inside)}</{name}>"

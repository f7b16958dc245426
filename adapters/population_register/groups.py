"""The groups of data (tietoryhmät) that tell of a life, with or without what is restricted; when
they are told stands in `changes`.

Source: field names and values as two public clients of the interface read them (eVaka,
Oppijanumerorekisteri); who sees restricted data: Act 661/2009, section 36.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from exchange.schemas.persons import Life
from exchange.schemas.persons.homes import Home, home_of

Group = dict[str, Any]
#: What is held back of who has a restricted disclosure, from a reader without the right to it.
RESTRICTED = {
    "VAKINAINEN_KOTIMAINEN_OSOITE": (
        "katunimi",
        "katunumero",
        "huoneistokirjain",
        "huoneistonumero",
        "postinumero",
        "postitoimipaikka",
        "rakennustunnus",
        "osoitenumero",
        "kuntakoodi",
        "alkupv",
        "loppupv",
    ),
    "VAKINAINEN_KOTIMAINEN_ASUINPAIKKATUNNUS": (
        "rakennustunnus",
        "osoitenumero",
        "huoneistokirjain",
        "huoneistonumero",
        "kuntakoodi",
        "alkupv",
        "loppupv",
        "asuinpaikantunnus",
    ),
    "KOTIMAINEN_POSTIOSOITE": (
        "postiosoite",
        "postinumero",
        "postitoimipaikka",
        "alkupv",
        "loppupv",
    ),
    "KOTIKUNTA": ("kuntakoodi", "kuntaanMuuttopv", "kuntaanMuuttoPv"),
    "EDELLINEN_KOTIKUNTA": ("kuntakoodi", "kuntaanMuuttopv", "kunnastaPoisMuuttopv"),
    "VAESTOKIRJANPITOKUNTA": ("kuntakoodi", "kuntaanMuuttopv"),
}
SEX = {"male": "MIES", "female": "NAINEN"}
_OF_AGE_YEARS = 18


def day_of(ordinal: int) -> Group:
    """A date with its precision; readers stop at any other than a full day."""
    return {"arvo": datetime.date.fromordinal(ordinal).isoformat(), "tarkkuus": "PAIVA"}


def of_age(life: Life) -> int:
    """The day (an ordinal) on which somebody becomes of age."""
    born = life.birth_date
    leap = born.month == 2 and born.day == 29
    day = born.replace(year=born.year + _OF_AGE_YEARS, day=28 if leap else born.day)
    return day.toordinal()


def group(name: str, **fields: Any) -> Group:
    """A group with its fields."""
    return {"tietoryhma": name, **fields}


def address(home: Home, since: int, until: int = 0) -> Group:
    """A permanent address."""
    ends = {"loppupv": day_of(until)} if until else {}
    return group(
        "VAKINAINEN_KOTIMAINEN_OSOITE",
        katunimi={"fi": home.street_name},
        katunumero=str(home.house_number),
        huoneistokirjain=home.staircase,
        huoneistonumero=f"{home.apartment:03d}",
        postinumero=home.postal_code,
        postitoimipaikka={"fi": home.town.upper(), "sv": home.town_sv.upper()},
        rakennustunnus=home.building,
        osoitenumero=1,
        kuntakoodi=home.municipality,
        alkupv=day_of(since),
        **ends,
    )


def dwelling(home: Home, since: int, until: int = 0) -> Group:
    """The dwelling's id: building, number of the address, staircase, apartment."""
    ends = {"loppupv": day_of(until)} if until else {}
    return group(
        "VAKINAINEN_KOTIMAINEN_ASUINPAIKKATUNNUS",
        rakennustunnus=home.building,
        osoitenumero=1,
        huoneistokirjain=home.staircase,
        huoneistonumero=f"{home.apartment:03d}",
        kuntakoodi=home.municipality,
        asuinpaikantunnus=f"{home.building}1{home.staircase}{home.apartment:03d} ",
        alkupv=day_of(since),
        **ends,
    )


def post_box(life: Life, since: int, until: int = 0) -> Group:
    """The box that post goes to of who has a restricted disclosure (*modelled*: that each has
    one).
    """
    home = home_of(life.home_number(since))
    ends = {"loppupv": day_of(until)} if until else {}
    return group(
        "KOTIMAINEN_POSTIOSOITE",
        postiosoite={"fi": f"PL {1 + life.course.home % 900}"},
        postinumero=home.postal_code,
        postitoimipaikka={"fi": home.town.upper(), "sv": home.town_sv.upper()},
        alkupv=day_of(since),
        **ends,
    )


def municipality(home: Home, since: int) -> Group:
    """The home municipality. The day is published under two spellings, and both are sent."""
    day = day_of(since)
    return group(
        "KOTIKUNTA", kuntakoodi=home.municipality, kuntaanMuuttopv=day, kuntaanMuuttoPv=day
    )


def earlier_municipality(home: Home, since: int, until: int) -> Group:
    """A home municipality of before."""
    return group(
        "EDELLINEN_KOTIKUNTA",
        kuntakoodi=home.municipality,
        kuntaanMuuttopv=day_of(since),
        kunnastaPoisMuuttopv=day_of(until),
    )


def name(life: Life, day: int) -> Group:
    """The whole name on a day, misspelt until the register puts it right."""
    married = life.married_name
    since = married[0] if married and married[0] <= day else life.registered
    return group(
        "HENKILON_NIMI",
        etunimi=life.first_name + life.first_name[-1] * (day < life.misspelt_until),
        sukunimi=life.last_name(day),
        alkupv=day_of(since),
    )


def marital_status(status: str) -> Group:
    """A marital status: NAIMATON, AVIOLIITOSSA, ERONNUT, LESKI."""
    return group("SIVIILISAATY", siviilisaaty=status)


def alone_again(life: Life) -> str:
    """What somebody is whose marriage has ended."""
    wed = life.marriage
    return "LESKI" if wed is not None and wed[1] == wed[2].death else "ERONNUT"


def earlier_name(life: Life, since: int) -> Group:
    """The family name until the day on which another was taken."""
    ended = day_of(since - 1)
    return group("NIMENMUUTOS", nimilaji="EDELLINEN_SUKUNIMI", nimi=life.birth_name, loppupv=ended)


def child(life: Life, told_by: Life) -> Group:
    """A birth, seen from a parent."""
    return group(
        "LAPSI_SUPPEA",
        lapsi={
            "henkilotunnus": life.code_on(life.birth),
            "sukupuoli": SEX[life.sex],
            "kansalaisuuskoodi": life.course.citizenship,
        },
        isaAiti="AITI" if told_by.sex == "female" else "ISA",
        lapsiVanhempiSuhdePaattynyt=False,
    )


def _custody(child: Life, parent: Life) -> Group:
    return {
        "huoltajanLaji": "LAKISAATEINEN_HUOLTAJA",
        "huoltajanRooli": "AITI" if parent.sex == "female" else "ISA",
        "huoltosuhteenAlkupv": day_of(child.birth),
        "huoltosuhteenLoppupv": day_of(of_age(child)),
        "oikeudet": [],
    }


def ward(child: Life, told_by: Life) -> Group:
    """The custody of a child, seen from a parent."""
    held = {"henkilotunnus": child.code_on(child.birth)}
    return group("HUOLLETTAVA_SUPPEA", huollettava=held, **_custody(child, told_by))


#: Somebody, and a day on which she has the name that the register knows.
Named = tuple[Life, int]


def parents(life: Life, day: int, known: Iterable[Named]) -> Iterator[Group]:
    """Her parents, as far as the register knows them."""
    for parent, named_on in known:
        yield group(
            "VANHEMPI",
            vanhempi=_relative(parent, day, named_on),
            isaAiti="AITI" if parent.sex == "female" else "ISA",
            alkupv=day_of(life.birth),
        )


def given_name(life: Life) -> Group:
    """The name that she is called by."""
    return group("KUTSUMANIMI", nimilaji="NYKYINEN_KUTSUMANIMI", nimi=life.first_name)


def guardians(life: Life, day: int, living: Iterable[Named], is_brief: bool) -> Iterator[Group]:
    """Who has the custody of somebody under age: those of her parents who live. `is_brief`: as
    HUOLTAJA_SUPPEA, which a reader of changes takes; HUOLTAJA is read in changes and basic data.
    """
    for parent, named_on in living:
        yield group(
            "HUOLTAJA_SUPPEA" if is_brief else "HUOLTAJA",
            huoltaja=_relative(parent, day, named_on, is_brief),
            **_custody(life, parent),
        )


def wards(life: Life, day: int, known: Iterable[Named]) -> Iterator[Group]:
    """The children in somebody's custody."""
    for child, named_on in known:
        held = _relative(child, day, named_on)
        yield group("HUOLLETTAVA", huollettava=held, **_custody(child, life))


def _relative(other: Life, day: int, named_on: int, is_brief: bool = False) -> Group:
    """Another person in a group, by her code on a day and the name that the register knows."""
    brief = {
        "henkilotunnus": other.code_on(day),
        "etunimet": other.first_name,
        "sukunimi": other.last_name(named_on),
    }
    if is_brief:
        return brief
    return {**brief, "sukupuoli": SEX[other.sex], "syntymapv": day_of(other.birth)}


def correction(life: Life) -> Group:
    """A code that was corrected; its reader has the earlier one."""
    return group(
        "HENKILOTUNNUS_KORJAUS",
        voimassaolo="AKTIIVI",
        muutettuHenkilotunnus=life.code,
        aktiivinenHenkilotunnus=life.code,
        edellisetHenkilotunnukset=[life.earlier_code],
    )


def death(day: int) -> Group:
    """A death on a day (an ordinal)."""
    return group("KUOLINPAIVA", kuollut=True, kuolinpv=day_of(day))


def withheld(told: Mapping[str, Any]) -> Group:
    """The group without what a reader must not see of who has a restricted disclosure; what is in
    force in the place of something removed likewise.
    """
    fields = RESTRICTED.get(told["tietoryhma"], ())
    if not fields:
        return dict(told)
    kept = {key: value for key, value in told.items() if key not in fields}
    kept.pop("voimassaolevatTiedot", None)
    return kept | {"turvakiellonAlaisetKentat": [key for key in fields if key in told]}

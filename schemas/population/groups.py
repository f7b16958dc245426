"""The groups of data (tietoryhmät) inside a change of the population register, with their fields;
not the message around them.

Source: Digital and Population Data Services Agency, VTJ change interface (VTJmutpa), public
examples of its groups. Field names are as published. Only fields that identify a group are
required, since a restricted group (`turvakiellonAlaisetKentat`) leaves values out; further fields
and further groups are tolerated, as the interface asks of its consumers.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from exchange.schemas.fields import IsoDate, MunicipalityCode, PersonalIdentityCode, Text

ChangeAttribute = Literal["LISATTY", "MUUTETTU", "POISTETTU", "KORJATTAVA", "KORJATTU", "LISATIETO"]
Sex = Literal["MIES", "NAINEN", "PUUTTUU"]
PostalCode = Annotated[str, Field(pattern=r"^[0-9]{5}$")]


class Lenient(BaseModel):
    """A part whose known fields are checked and whose other fields are let be."""

    model_config = ConfigDict(strict=True, extra="ignore")


class Day(Lenient):
    """A date with its precision; `PAIVA` is the only one that the public examples show."""

    arvo: IsoDate
    tarkkuus: Text


class Bilingual(Lenient):
    """A name in Finnish, in Swedish or in both."""

    fi: str | None = None
    sv: str | None = None


class Group(Lenient):
    """What every group has. `voimassaolevatTiedot` are the data in force after a removal, groups of
    the same kind.
    """

    tietoryhma: Text
    muutosattribuutti: ChangeAttribute | None = None
    turvakiellonAlaisetKentat: list[Text] | None = None
    voimassaolevatTiedot: list[dict[str, Any]] | None = None


class Period(Group):
    """A group that holds from a day to a day."""

    alkupv: Day | None = None
    loppupv: Day | None = None


class Death(Group):
    """KUOLINPAIVA. A cancelled death comes as KORJATTAVA with `kuollut` true and KORJATTU with
    `kuollut` false.
    """

    kuollut: bool
    kuolinpv: Day | None = None


class Restriction(Group):
    """TURVAKIELTO: a non-disclosure for personal safety."""

    turvakieltoAktiivinen: bool
    turvaLoppuPv: Day | None = None


class IdentityCodeCorrection(Group):
    """HENKILOTUNNUS_KORJAUS: the person has another identity code now."""

    voimassaolo: Literal["AKTIIVI", "PASSIIVI"]
    muutettuHenkilotunnus: PersonalIdentityCode
    aktiivinenHenkilotunnus: PersonalIdentityCode | None = None
    edellisetHenkilotunnukset: list[PersonalIdentityCode]


class RelatedPerson(Lenient):
    """Another person in a group; a foreigner has no identity code."""

    henkilotunnus: PersonalIdentityCode | None = None
    etunimet: str | None = None
    sukunimi: str | None = None
    sukupuoli: Sex | None = None
    syntymapv: Day | None = None


class Guardian(Group):
    """HUOLTAJA: who has the custody of a child."""

    huoltaja: RelatedPerson | None = None
    huoltajanLaji: Text | None = None
    huoltajanRooli: Text | None = None
    huoltosuhteenAlkupv: Day | None = None
    huoltosuhteenLoppupv: Day | None = None
    asumisenAlkupv: Day | None = None
    asumisenLoppupv: Day | None = None


class BriefGuardian(Guardian):
    """HUOLTAJA_SUPPEA, of which readers need person, kind and role."""

    huoltaja: RelatedPerson
    huoltajanLaji: Text
    huoltajanRooli: Text


class Ward(Group):
    """HUOLLETTAVA and HUOLLETTAVA_SUPPEA: a child in somebody's custody."""

    huollettava: RelatedPerson | None = None
    huoltajanLaji: Text | None = None
    huoltosuhteenAlkupv: Day | None = None
    huoltosuhteenLoppupv: Day | None = None


class Parent(Group):
    """VANHEMPI."""

    vanhempi: RelatedPerson | None = None
    isaAiti: Text | None = None
    alkupv: Day | None = None


class MaritalStatus(Group):
    """SIVIILISAATY."""

    siviilisaaty: Text


class BirthMunicipality(Group):
    """SYNTYMAKOTIKUNTA."""

    kuntakoodi: MunicipalityCode | None = None


class DwellingId(Period):
    """VAKINAINEN_KOTIMAINEN_ASUINPAIKKATUNNUS."""

    rakennustunnus: str | None = None
    osoitenumero: int | None = None
    huoneistokirjain: str | None = None
    huoneistonumero: str | None = None
    jakokirjain: str | None = None
    kuntakoodi: MunicipalityCode | None = None
    asuinpaikantunnus: str | None = None


class FullName(Period):
    """HENKILON_NIMI."""

    etunimi: str | None = None
    sukunimi: str | None = None


class NameChange(Period):
    """NIMENMUUTOS, NIMENMUUTOS_LAAJA (with the way of the change) and KUTSUMANIMI."""

    nimilaji: Text
    nimi: Text
    nimenmuutostapa: Text | None = None


class BirthDate(Group):
    """SYNTYMAPAIVA."""

    syntymapv: Day


class SexGroup(Group):
    """SUKUPUOLI."""

    sukupuoli: Sex


class Child(Lenient):
    """The child of LAPSI_SUPPEA."""

    henkilotunnus: PersonalIdentityCode
    sukupuoli: Sex | None = None
    kansalaisuuskoodi: str | None = None


class ParentOf(Group):
    """LAPSI_SUPPEA: a birth, seen from the parent."""

    lapsi: Child
    isaAiti: str | None = None
    lapsiVanhempiSuhdePaattynyt: bool | None = None


class PermanentAddress(Period):
    """VAKINAINEN_KOTIMAINEN_OSOITE: a permanent address in Finland."""

    katunimi: Bilingual | None = None
    katunumero: str | None = None
    huoneistokirjain: str | None = None
    huoneistonumero: str | None = None
    jakokirjain: str | None = None
    postinumero: PostalCode | None = None
    postitoimipaikka: Bilingual | None = None
    rakennustunnus: str | None = None
    osoitenumero: int | None = None
    kuntakoodi: MunicipalityCode | None = None


class PostalAddress(Period):
    """KOTIMAINEN_POSTIOSOITE: where post goes."""

    postiosoite: Bilingual | None = None
    postinumero: PostalCode | None = None
    postitoimipaikka: Bilingual | None = None


class HomeMunicipality(Group):
    """KOTIKUNTA and EDELLINEN_KOTIKUNTA. The day of moving in is published under two spellings;
    both are sent.
    """

    kuntakoodi: MunicipalityCode | None = None
    kuntaanMuuttopv: Day | None = None
    kuntaanMuuttoPv: Day | None = None
    kunnastaPoisMuuttopv: Day | None = None


class Citizenship(Lenient):
    """One citizenship, a country's three digits."""

    kansalaisuuskoodi: Annotated[str, Field(pattern=r"^[0-9]{3}$")]


class Citizenships(Group):
    """KANSALAISUUS."""

    henkilonKansalaisuudet: list[Citizenship]


class MotherTongue(Period):
    """AIDINKIELI."""

    kielikoodi: Text
    kielikoodiISO6392: Text | None = None


#: Groups whose fields we know, by their `tietoryhma`.
KNOWN: dict[str, type[Group]] = {
    "KUOLINPAIVA": Death,
    "TURVAKIELTO": Restriction,
    "HENKILOTUNNUS_KORJAUS": IdentityCodeCorrection,
    "HENKILON_NIMI": FullName,
    "NIMENMUUTOS": NameChange,
    "NIMENMUUTOS_LAAJA": NameChange,
    "KUTSUMANIMI": NameChange,
    "SYNTYMAPAIVA": BirthDate,
    "SUKUPUOLI": SexGroup,
    "LAPSI_SUPPEA": ParentOf,
    "VAKINAINEN_KOTIMAINEN_OSOITE": PermanentAddress,
    "KOTIMAINEN_POSTIOSOITE": PostalAddress,
    "KOTIKUNTA": HomeMunicipality,
    "EDELLINEN_KOTIKUNTA": HomeMunicipality,
    "KANSALAISUUS": Citizenships,
    "AIDINKIELI": MotherTongue,
    "HUOLTAJA": Guardian,
    "HUOLTAJA_SUPPEA": BriefGuardian,
    "HUOLLETTAVA": Ward,
    "HUOLLETTAVA_SUPPEA": Ward,
    "VANHEMPI": Parent,
    "SIVIILISAATY": MaritalStatus,
    "SYNTYMAKOTIKUNTA": BirthMunicipality,
    "TILAPAINEN_KOTIMAINEN_OSOITE": PermanentAddress,
    "VAESTOKIRJANPITOKUNTA": HomeMunicipality,
    "VAKINAINEN_KOTIMAINEN_ASUINPAIKKATUNNUS": DwellingId,
}
OTHER = "other"


def _tag(value: Any) -> str:
    """The tag of a group: its `tietoryhma` when we know it; anything else is checked as a group
    without known fields.
    """
    name = value.get("tietoryhma") if isinstance(value, dict) else None
    return name if isinstance(name, str) and name in KNOWN else OTHER


def _union(known: dict[str, type[Group]]) -> Any:
    members: Any = Annotated[Group, Tag(OTHER)]
    for name, model in known.items():
        members = members | Annotated[model, Tag(name)]
    return members


_members: Any = _union(KNOWN)
#: In basic data a corrected code may be a group without any field.
_members_of_basic_data: Any = _union(KNOWN | {"HENKILOTUNNUS_KORJAUS": Group})

#: Any group of a change: a known one with its fields checked, an unknown one as it is.
AnyGroup = Annotated[_members, Discriminator(_tag)]
#: Any group of basic data.
AnyGroupOfBasicData = Annotated[_members_of_basic_data, Discriminator(_tag)]

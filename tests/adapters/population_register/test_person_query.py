"""VTJkysely over X-Road: a SOAP client made from the served description, and what each question is
answered.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest
import pytest_asyncio
import zeep
from lxml import etree
from zeep.transports import Transport

from exchange.adapters.population_register.person_query.message import COUNTRIES
from exchange.schemas.persons import POPULATION, Life, person
from exchange.schemas.persons.life_courses import SLOTS
from tests.journeys.running import Running, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

VTJ = "http://xml.vrk.fi/ws/vtj/vtjkysely/1"
ANSWER = "{http://xml.vrk.fi/schema/vtjkysely}"
SERVICE = {
    "xRoadInstance": "FI-TEST",
    "memberClass": "GOV",
    "memberCode": "0245437-2",
    "subsystemCode": "VTJkysely",
    "serviceCode": "HenkilonTunnusKysely",
    "serviceVersion": "v1",
    "objectType": "SERVICE",
}
#: A municipality does not see where somebody with a restricted disclosure lives; Kela does.
TOWN, KELA = "municipality.espoo", "kela.core-data"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """One exchange for all."""
    folder = tmp_path_factory.mktemp("vtjkysely")
    async with running(folder, x_road={"wsdl_address": True}) as started:
        yield started


class Reader:
    """A partner's program: zeep on the description that the security server hands out."""

    def __init__(self, exchange: Running, partner: str) -> None:
        found = exchange.exchange.directory.get(partner)
        assert found is not None
        transport = Transport(timeout=20)
        transport.session.headers["X-API-Key"] = found.key
        query = "&".join(f"{name}={text}" for name, text in SERVICE.items() if name[0] in "xms")
        client = zeep.Client(f"{exchange.url}/x-road/wsdl?{query}", transport=transport)
        binding = f"{{{VTJ}}}HenkilonTunnusKyselyBinding"
        self.service = client.create_service(binding, f"{exchange.url}/x-road/")
        kind = "GOV" if found.sector == "kela" else "MUN"
        parts = {"memberClass": kind, "memberCode": found.business_id, "subsystemCode": partner}
        self.client = {"xRoadInstance": "FI-TEST", "objectType": "SUBSYSTEM", **parts}

    async def ask(self, **fields: str) -> Any:
        """The answer to a question."""
        header = {
            "client": self.client,
            "service": SERVICE,
            "id": "koe-1",
            "userId": "kasittelija-1",
            "issue": "",
            "protocolVersion": "4.0",
        }
        asked = {"SoSoNimi": "Perussanoma 3", "Loppukayttaja": "kasittelija-1", **fields}
        answered = await asyncio.to_thread(
            self.service.HenkilonTunnusKysely, request=asked, _soapheaders=header
        )
        return answered.body.response

    async def person(self, code: str, product: str = "Perussanoma 3") -> etree._Element:
        """The message about somebody."""
        response = await self.ask(Henkilotunnus=code, SoSoNimi=product)
        assert response.VTJHenkiloVastaussanoma, response
        found = response.VTJHenkiloVastaussanoma[0].getparent()
        assert found.tag == f"{ANSWER}VTJHenkiloVastaussanoma"
        return found


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def town(exchange: Running) -> Reader:
    return await asyncio.to_thread(Reader, exchange, TOWN)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def kela(exchange: Running) -> Reader:
    return await asyncio.to_thread(Reader, exchange, KELA)


def found_where(wanted: Any, youngest: int = 0, oldest: int = 60) -> Life:
    """Somebody living of these ages for whom something holds."""
    today = date.today().toordinal()
    for birth in range(today - 365 * youngest - 1, today - 365 * oldest, -1):
        for slot in range(SLOTS):
            life = POPULATION.at(birth, slot)
            if life is not None and life.registered + 30 < today < life.death and wanted(life):
                return life
    raise AssertionError("nobody")


def text(found: etree._Element, path: str) -> str:
    """The text at a path of local names."""
    return found.findtext("/".join(f"{ANSWER}{step}" for step in path.split("/")), "missing")


async def test_a_client_from_the_served_description_gets_a_person(town: Reader) -> None:
    who = person(random.Random(3), date.today())
    found = await town.person(who.personal_identity_code)
    assert found.find(f"{ANSWER}Paluukoodi").get("koodi") == "0000"
    assert text(found, "Henkilo/Henkilotunnus") == who.personal_identity_code
    assert text(found, "Henkilo/NykyinenSukunimi/Sukunimi") == who.last_name
    assert text(found, "Henkilo/NykyisetEtunimet/Etunimet").startswith(who.first_name)
    # Readers reach into these without looking whether they are there.
    for path in (
        "TilapainenKotimainenLahiosoite/LahiosoiteS",
        "Kuolintiedot/Kuolinpvm",
        "Aidinkieli/Kielikoodi",
        "Turvakielto/TurvakieltoTieto",
        "VakinainenKotimainenLahiosoite/Postinumero",
    ):
        assert text(found, f"Henkilo/{path}") != "missing"


@pytest.mark.parametrize("product", ["Perussanoma 3", "Huoltaja-Huollettavat"])
async def test_a_reader_that_takes_names_unseen_finds_them(town: Reader, product: str) -> None:
    """eVaka asks the Finnish name of each citizenship whether it is blank, so that it must be
    there; it keeps the names of the municipality.
    """
    abroad = found_where(lambda each: each.course.citizenship != "246", youngest=20)
    for life in (abroad, found_where(lambda each: each.course.citizenship == "246", youngest=20)):
        found = await town.person(life.code_on(date.today().toordinal()), product)
        nationality = text(found, "Henkilo/Kansalaisuus/KansalaisuusS")
        assert text(found, "Henkilo/Kansalaisuus/Kansalaisuuskoodi3") == life.course.citizenship
        assert (nationality == "Suomi") == (life.course.citizenship == "246")
        assert nationality not in ("", "missing")
        home = life.home(date.today().toordinal())
        assert home is not None
        assert text(found, "Henkilo/Kotikunta/KuntaS") == home.town
        assert text(found, "Henkilo/Kotikunta/KuntaR") == home.town_sv
    inside = "Henkilo/Edunvalvonta/HenkiloEdunvalvoja/NykyinenSukunimi/Sukunimi"
    assert text(found, inside) == ("" if product == "Perussanoma 3" else "missing")


async def test_every_citizenship_has_its_names() -> None:
    citizenships = {
        life.course.citizenship
        for birth in range(700_000, 700_400)
        for slot in range(0, SLOTS, 3)
        if (life := POPULATION.at(birth, slot)) is not None
    }
    assert citizenships == set(COUNTRIES)


async def test_nobody_is_told_by_0001_and_no_message(town: Reader) -> None:
    response = await town.ask(Henkilotunnus="311299A999E")
    assert (response.faultCode, response.faultString) == (None, "0001")
    assert response.VTJHenkiloVastaussanoma is None


@pytest.mark.parametrize(
    ("fields", "code", "rule"),
    [
        ({"SoSoNimi": "Sanoma 99"}, "-1900", "population-register.product"),
        ({"Loppukayttaja": ""}, "-1904", "population-register.end-user"),
        ({"Henkilotunnus": "010594Y9033"}, "-1805", "population-register.identity-code"),
        ({"Henkilotunnus": "x" * 300}, "-1805", "xsd."),
    ],
)
async def test_a_wrong_question_gets_its_code_and_what_is_wrong_where(
    town: Reader, fields: dict[str, str], code: str, rule: str
) -> None:
    asked = {"Henkilotunnus": "010594Y9032", **fields}
    response = await town.ask(**asked)
    assert response.faultCode == code
    assert rule in response.faultString
    assert re.search(r"line \d+, column \d+", response.faultString)


async def test_a_living_persons_code_is_refused_and_not_repeated(
    town: Reader, exchange: Running
) -> None:
    response = await town.ask(Henkilotunnus="131052-308T")
    assert response.faultCode == "-1805"
    assert "131052-308T" not in response.faultString


async def test_a_passive_code_is_answered_with_the_active_one(kela: Reader) -> None:
    life = found_where(lambda each: each.corrected and each.corrected < date.today().toordinal())
    found = await kela.person(life.earlier_code)
    assert found.find(f"{ANSWER}Paluukoodi").get("koodi") == "0002"
    assert text(found, "Henkilo/Henkilotunnus") == life.code


async def test_where_somebody_with_a_restriction_lives_is_told_to_kela_only(
    kela: Reader, town: Reader
) -> None:
    today = date.today().toordinal()
    life = found_where(
        lambda each: each.restricted and each.restricted[0] + 30 < today < each.restricted[1] - 30,
        youngest=20,
    )
    by_right, without = await kela.person(life.code), await town.person(life.code)
    for found in (by_right, without):
        assert text(found, "Henkilo/Turvakielto/TurvakieltoTieto") == "1"
    place = "Henkilo/VakinainenKotimainenLahiosoite/LahiosoiteS"
    assert text(by_right, place)
    home = life.home(today)
    assert home is not None
    told = etree.tostring(without, encoding="unicode")
    assert text(without, place) == ""
    assert text(without, "Henkilo/Kotikunta/Kuntanumero") == ""
    assert home.street_name not in told
    assert home.building not in told


async def test_the_products_about_families_agree_from_both_sides(town: Reader) -> None:
    child = found_where(lambda each: each.mother is not None, youngest=1, oldest=10)
    assert child.mother is not None
    told = await town.person(child.code, "Huollettava-Huoltajat")
    guardians = [each.findtext(f"{ANSWER}Henkilotunnus") for each in told.iter(f"{ANSWER}Huoltaja")]
    assert child.mother.code_on(date.today().toordinal()) in guardians
    told = await town.person(child.mother.code, "Huoltaja-Huollettavat")
    wards = [each.findtext(f"{ANSWER}Henkilotunnus") for each in told.iter(f"{ANSWER}Huollettava")]
    assert child.code_on(date.today().toordinal()) in wards


async def test_a_password_is_not_kept(town: Reader, exchange: Running) -> None:
    await town.ask(Henkilotunnus="010594Y9032", Kayttajatunnus="koe", Salasana="salainen-sana")
    ledger = exchange.exchange.ledger
    found = await ledger.stored(
        "population-register", ["population-register.person-query"], 0, 1 << 62, 100
    )
    assert found
    assert not [body for _, body in found if b"salainen-sana" in body]


async def test_a_caller_without_the_key_of_the_client_is_refused(
    exchange: Running, town: Reader
) -> None:
    other = await asyncio.to_thread(Reader, exchange, KELA)
    other.client = town.client
    with pytest.raises(zeep.exceptions.Fault) as refused:
        await other.ask(Henkilotunnus="010594Y9032")
    assert refused.value.code == "server.clientproxy.ssl_authentication_failed"

"""The change interface over sockets: credentials, keys, rights, bad input, and what is recorded."""

from __future__ import annotations

import base64
import datetime
import io
import json
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from exchange.schemas.persons import person
from tests.journeys.running import Running, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

BASE = "/population-register/api/v1"
TOWN = "municipality.espoo"
WEEK_SECONDS = 7 * 86_400
JSON = "application/json"
#: A code that a living person could have.
REAL = "131052-308T"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """One exchange for all."""
    async with running(tmp_path_factory.mktemp("register")) as started:
        yield started


def codes(count: int, seed: int = 1) -> list[str]:
    rng, today = random.Random(seed), datetime.date.today()
    return [person(rng, today).personal_identity_code for _ in range(count)]


def week_ago() -> int:
    """A key."""
    return int(datetime.datetime.now(datetime.UTC).timestamp()) - WEEK_SECONDS


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


async def ask(
    exchange: Running, document: Any, path: str = "muutokset", partner: str = TOWN, **headers: str
) -> tuple[int, Any]:
    """Status and answer of a question."""
    body = document if isinstance(document, bytes) else json.dumps(document)
    headers = {"Content_Type": JSON} | headers
    status, _, answer = await exchange.post(f"{BASE}/{path}", body, partner, **headers)
    return status, json.loads(answer)


@pytest.mark.parametrize(
    ("user", "header", "status"),
    [
        (TOWN, "Authorization", 200),
        (TOWN, "x-authorization", 200),
        ("municipality.oulu", "Authorization", 401),
        ("", "Authorization", 200),
        (TOWN, "Proxy-Authorization", 401),
    ],
)
async def test_who_asks_says_so_by_user_and_password(
    exchange: Running, user: str, header: str, status: int
) -> None:
    found = exchange.exchange.directory.get(TOWN)
    assert found is not None
    headers = {header: basic(user, found.key)}
    if header == "x-authorization":
        headers["Authorization"] = "AWS4-HMAC-SHA256 Credential=koe"
    url = f"{exchange.url}{BASE}/kirjausavain/2026-03-02"
    async with exchange.session.get(url, headers=headers) as response:
        assert response.status == status
        assert ("WWW-Authenticate" in response.headers) == (status == 401)


@pytest.mark.parametrize("given", ["Basic", "Basic %%%", "Basic Og==", "Bearer x"])
async def test_credentials_that_are_none_are_refused_in_words(
    exchange: Running, given: str
) -> None:
    status, _, body = await exchange.post(f"{BASE}/muutokset", "{}", Authorization=given)
    assert (status, json.loads(body)["reason"]) == (401, "unauthorized")


async def test_a_days_key_is_a_number_and_its_changes_come_after_it(exchange: Running) -> None:
    today = datetime.date.today()
    asked = codes(3_000)
    for days in (0, 1, 13, 400):
        day = today - datetime.timedelta(days=days)
        _, _, body = await exchange.get(f"{BASE}/kirjausavain/{day}", TOWN)
        key = json.loads(body)["viimeisinKirjausavain"]
        assert isinstance(key, int)
        status, page = await ask(exchange, {"viimeisinKirjausavain": key, "hetulista": asked})
        assert status == 200
        assert all(each["muutospv"][:10] >= day.isoformat() for each in page["muutokset"])
        assert page["viimeisinKirjausavain"] >= key
    for text in ("2026-02-30", "20260302", "today", "9999-12-31", "2026-W09-1", "２０２６-03-02"):
        status, _, _ = await exchange.get(f"{BASE}/kirjausavain/{text}", TOWN)
        assert status == 400, text


async def test_whom_an_answer_tells_of_is_recorded_with_the_question(exchange: Running) -> None:
    asked = codes(5, seed=4)
    status, answer = await ask(exchange, {"hetulista": asked}, "perustiedot")
    assert status == 200
    assert [each["henkilotunnus"] for each in answer["perustiedot"]] == asked
    path = "/api/v1/messages?channel=population-register&type=population-register.basic-data-query"
    _, _, body = await exchange.get(path)
    newest = json.loads(body)["messages"][0]
    _, _, body = await exchange.get(f"/api/v1/messages/{newest['id']}")
    assert json.loads(body)["detail"]["answered"]["persons"] == asked


async def test_who_is_unknown_or_not_born_yet_is_left_out(exchange: Running) -> None:
    (known,) = codes(1)
    status, answer = await ask(exchange, {"hetulista": ["010126-998X", known]}, "perustiedot")
    assert status in (200, 400)
    unborn = "010199A9004"
    for hetulista in ([], [unborn], [known, known]):
        status, answer = await ask(exchange, {"hetulista": hetulista}, "perustiedot")
        if status == 200:
            told = [each["henkilotunnus"] for each in answer["perustiedot"]]
            assert told == ([known] if known in hetulista else [])


async def test_groups_may_be_chosen(exchange: Running) -> None:
    asked = {"hetulista": codes(3), "tietoryhmat": ["HENKILON_NIMI", "NIMI_JOTA_EI_OLE"]}
    status, answer = await ask(exchange, asked, "perustiedot")
    assert status == 200
    for each in answer["perustiedot"]:
        assert [group["tietoryhma"] for group in each["tietoryhmat"]] == ["HENKILON_NIMI"]


async def test_a_municipality_without_a_list_is_told_of_its_own_people(exchange: Running) -> None:
    key = week_ago()
    status, page = await ask(exchange, {"viimeisinKirjausavain": key})
    assert status == 200
    towns = {
        group["kuntakoodi"]
        for each in page["muutokset"]
        for group in each["tietoryhmat"]
        if group["tietoryhma"] == "VAKINAINEN_KOTIMAINEN_OSOITE" and "kuntakoodi" in group
    }
    assert page["muutokset"]
    assert "049" in towns
    status, refused = await ask(
        exchange, {"viimeisinKirjausavain": key}, partner="employment-services"
    )
    assert (status, refused["violations"][0]["rule"]) == (400, "population-register.persons")


@pytest.mark.parametrize(
    ("document", "status", "path"),
    [
        ({"viimeisinKirjausavain": 99_999_999_999, "hetulista": []}, 400, "/viimeisinKirjausavain"),
        ({"viimeisinKirjausavain": 2**63, "hetulista": []}, 400, "/viimeisinKirjausavain"),
        ({"viimeisinKirjausavain": -1, "hetulista": []}, 400, "/viimeisinKirjausavain"),
        ({"viimeisinKirjausavain": "7", "hetulista": []}, 400, "/viimeisinKirjausavain"),
        ({"viimeisinKirjausavain": True, "hetulista": []}, 400, "/viimeisinKirjausavain"),
        ({"viimeisinKirjausavain": 7, "hetulista": ["nimenmuutos"]}, 400, "/hetulista/0"),
        ({"viimeisinKirjausavain": 7, "hetulista": {}}, 400, "/hetulista"),
        ({"hetulista": []}, 400, "/viimeisinKirjausavain"),
        ([], 400, ""),
        (b"{", 400, ""),
        (b"", 400, ""),
        ({"viimeisinKirjausavain": 7, "hetulista": [REAL]}, 403, "/hetulista/0"),
    ],
)
async def test_a_question_that_is_none_is_told_why_and_counted(
    exchange: Running, document: Any, status: int, path: str
) -> None:
    before = (await exchange.counts("population-register")).get("rejected", 0)
    found, answer = await ask(exchange, document)
    assert found == status
    assert path in [each["path"] for each in answer["violations"]] or not path
    assert REAL not in json.dumps(answer)
    assert (await exchange.counts("population-register"))["rejected"] == before + 1


async def test_too_many_persons_of_basic_data_are_refused(exchange: Running) -> None:
    status, answer = await ask(exchange, {"hetulista": codes(1_001, 7)}, "perustiedot")
    assert (status, answer["violations"][0]["path"]) == (400, "/hetulista")


async def test_a_town_asks_about_all_its_people_at_once(exchange: Running) -> None:
    some = codes(2_000, 8)
    asked = {"viimeisinKirjausavain": week_ago(), "hetulista": some * 50}
    body = io.BytesIO(json.dumps(asked).encode())
    headers = exchange.key(TOWN) | {"Content-Type": JSON}
    url = f"{exchange.url}{BASE}/muutokset"
    async with exchange.session.post(url, data=body, headers=headers) as response:
        assert response.status == 200
        page = json.loads(await response.read())
    of_some = {"viimeisinKirjausavain": asked["viimeisinKirjausavain"], "hetulista": some}
    assert page == (await ask(exchange, of_some))[1], "each change is told once"


async def test_who_has_no_permit_and_what_is_no_json_is_refused(exchange: Running) -> None:
    question = {"viimeisinKirjausavain": 7, "hetulista": []}
    for path in ("muutokset", "perustiedot"):
        status, answer = await ask(exchange, question, path, partner="employer.demo-oy")
        assert (status, answer["violations"][0]["rule"]) == (403, "population-register.permit")
    status, _, _ = await exchange.get(f"{BASE}/kirjausavain/2026-03-02", "employer.demo-oy")
    assert status == 403
    status, answer = await ask(exchange, question, Content_Type="text/plain")
    assert (status, answer["reason"]) == (415, "unsupported")


async def test_the_ledger_bears_out_every_count(exchange: Running) -> None:
    await exchange.settled()
    assert not [check for check in exchange.verify().checks if check.broken]

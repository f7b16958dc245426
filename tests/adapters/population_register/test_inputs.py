"""Questions of our own making to the register, each judged beforehand: by the interface where its
public clients show it, else by what is said in the channel's description.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from exchange.schemas.persons import POPULATION, Life
from exchange.schemas.persons.life_courses import SLOTS
from exchange.testing.clock import HandClock
from tests.journeys.running import Running, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

BASE = "/population-register/api/v1"
TOWN = "municipality.espoo"
JSON = "application/json"
CODE, REAL = "010594Y9032", "131052-308T"
KEY = 1_700_000_000


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """One exchange for all."""
    async with running(tmp_path_factory.mktemp("register")) as started:
        yield started


async def ask(exchange: Running, path: str, body: str | bytes, **headers: str) -> tuple[int, Any]:
    headers = {"Content_Type": JSON} | headers
    status, _, answer = await exchange.post(f"{BASE}/{path}", body, TOWN, **headers)
    return status, json.loads(answer)


def changes(key: str = str(KEY), codes: str = "[]", more: str = "") -> str:
    return f'{{"viimeisinKirjausavain":{key},"hetulista":{codes}{more}}}'


#: Questions about changes as they stand, and the status.
CHANGES: dict[str, tuple[str | bytes, int]] = {
    "nobody": (changes(), 200),
    "a key of 0": (changes("0", f'["{CODE}"]'), 200),
    "evaka's byte order": (f'{{"viimeisinKirjausavain":{KEY},"hetulista":["{CODE}"]}}', 200),
    "members in another order": (f'{{"hetulista":[],"viimeisinKirjausavain":{KEY}}}', 200),
    "a member of the old interface": (changes(more=',"tuotekoodi":"mutpT1"'), 200),
    "a key as text": (changes('"1"'), 400),
    "a key with a point": (changes("1.0"), 400),
    "a key with an exponent": (changes("1e3"), 400),
    "a key below nothing": (changes("-1"), 400),
    "minus nothing": (changes("-0"), 200),
    "a key of nothing": (changes("null"), 400),
    "a key of 63 bits": (changes(str(2**63 - 1)), 400),
    "a key of 64 bits": (changes(str(2**63)), 400),
    "a key beyond 64 bits": (changes(str(2**64)), 400),
    "a key of 5,000 digits": (changes("9" * 5_000), 400),
    "a key in a list": (changes(f"[{KEY}]"), 400),
    "no number": (changes("NaN"), 400),
    "a key of tomorrow": (changes(str(KEY + 10**9)), 400),
    "a code twice": (changes(codes=f'["{CODE}","{CODE}"]'), 200),
    "a code of nobody": (changes(codes='["311299A999E"]'), 200),
    "a code in lower case": (changes(codes='["010594y9032"]'), 400),
    "a code with a space": (changes(codes='["010594Y9032 "]'), 400),
    "a code with a wrong check": (changes(codes='["010594Y9033"]'), 400),
    "a code of letters wide": (changes(codes='["０１０５９４Y9032"]'), 400),
    "a number for a code": (changes(codes="[1]"), 400),
    "nothing for a code": (changes(codes="[null]"), 400),
    "a list in the list": (changes(codes=f'[["{CODE}"]]'), 400),
    "a text for the list": (changes(codes=f'"{CODE}"'), 400),
    "a living person's code": (changes(codes=f'["{REAL}"]'), 403),
    "a living person's code in another member": (changes(more=f',"x":"{REAL}"'), 403),
    "a living person's code, escaped": (changes(codes='["\\u0031\\u00331052-308T"]'), 403),
    "a mark of order before it": (b"\xef\xbb\xbf" + changes().encode(), 400),
    "UTF-16": (changes().encode("utf-16"), 400),
    "half a character": (changes(codes='["\\ud800"]'), 400),
    "two documents": (changes() * 2, 400),
    "a comma too many": (changes()[:-1] + ",}", 400),
    "a list": ("[]", 400),
    "a text": ('"a"', 400),
}
#: Questions about basic data.
BASIC: dict[str, tuple[str, int]] = {
    "nobody": ('{"hetulista":[]}', 200),
    "groups of none": (f'{{"hetulista":["{CODE}"],"tietoryhmat":null}}', 200),
    "a group of nobody's": (f'{{"hetulista":["{CODE}"],"tietoryhmat":["X"]}}', 200),
    "a group that is a number": (f'{{"hetulista":["{CODE}"],"tietoryhmat":[1]}}', 400),
    "no list": ('{"tietoryhmat":["KOTIKUNTA"]}', 400),
    "a list of nothing": ('{"hetulista":null}', 400),
    "as many as may be": (json.dumps({"hetulista": [CODE] * 1_000}), 200),
    "one more": (json.dumps({"hetulista": [CODE] * 1_001}), 400),
}
#: Days and the status.
DAYS = {
    "2026-03-02": 200,
    "1969-12-31": 200,
    "1800-01-01": 200,
    "0001-01-01": 200,
    "0000-01-01": 400,
    "2026-3-2": 400,
    "2026-03-02T00:00:00": 400,
    "+2026-03-02": 400,
    "2026-03-02%20": 400,
    "2026%2D03%2D02": 200,
    "2025-02-29": 400,
    "2026-061": 400,
    "02.03.2026": 400,
    "9999-12-31": 400,
    "2026-03-02/": 404,
    "": 404,
}


async def test_every_question_about_changes_gets_what_its_kind_gets(exchange: Running) -> None:
    wrong = []
    for name, (body, status) in CHANGES.items():
        before = await exchange.counts("population-register")
        found, answer = await ask(exchange, "muutokset", body)
        after = await exchange.counts("population-register")
        kind = "accepted" if status == 200 else "rejected"
        counted = after.get(kind, 0) - before.get(kind, 0)
        is_told = status == 200 or bool(answer["violations"])
        if (found, counted, is_told) != (status, 1, True) or REAL in json.dumps(answer):
            wrong.append((name, found, counted, answer))
        elif status == 200:
            key = json.loads(bytes(body, "utf-8") if isinstance(body, str) else body)
            assert answer["viimeisinKirjausavain"] >= key["viimeisinKirjausavain"], name
            assert answer["ajanTasalla"] is True
    assert wrong == []


async def test_every_question_about_basic_data_gets_what_its_kind_gets(exchange: Running) -> None:
    found = {
        name: (await ask(exchange, "perustiedot", body))[0] for name, (body, _) in BASIC.items()
    }
    assert found == {name: status for name, (_, status) in BASIC.items()}


async def test_every_day_has_its_key_or_none(exchange: Running) -> None:
    found = {}
    for day in DAYS:
        found[day], _, body = await exchange.get(f"{BASE}/kirjausavain/{day}", TOWN)
        if found[day] == 200:
            assert json.loads(body)["viimeisinKirjausavain"] >= 0
    assert found == DAYS


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content_Type": "application/json; charset=utf-8"}, 200),
        ({"Content_Type": "Application/JSON"}, 200),
        ({"Content_Type": "application/problem+json"}, 415),
        ({"Content_Type": "text/xml"}, 415),
        ({"Content_Encoding": "gzip"}, 415),
        ({"Accept": "application/xml"}, 200),
        ({"Accept_Encoding": "gzip"}, 200),
        ({"X_Road_Client": "FI-TEST/MUN/7654321-2/tuntematon"}, 200),
    ],
)
async def test_what_headers_say_of_a_body_is_heeded(
    exchange: Running, headers: dict[str, str], status: int
) -> None:
    found, answer = await ask(exchange, "muutokset", changes(), **headers)
    assert found == status, answer


async def test_a_day_begins_by_the_clock_of_finland(tmp_path: Path) -> None:
    """One reader asks with the date of its own clock, another with that of Helsinki."""
    clock = HandClock()
    now = datetime.datetime.fromtimestamp(clock.seconds(), datetime.UTC)
    night = now.replace(hour=22, minute=30) + datetime.timedelta(days=now.hour >= 22)
    clock.advance(seconds=(night - now).total_seconds())
    following, next_one = (night.date() + datetime.timedelta(days=days) for days in (1, 2))
    async with running(tmp_path, clock=clock) as started:
        for day, status in ((following, 200), (next_one, 400)):
            found, _, body = await started.get(f"{BASE}/kirjausavain/{day}", TOWN)
            assert found == status, body
            if status == 200:
                key = json.loads(body)["viimeisinKirjausavain"]
                found, page = await ask(started, "muutokset", changes(str(key)))
                assert (found, page["ajanTasalla"]) == (200, True), "the key works at once"


def corrected() -> Life:
    today = datetime.date.today().toordinal()
    for birth in range(today - 700, today - 30):
        for slot in range(SLOTS):
            life = POPULATION.at(birth, slot)
            if life is not None and 0 < life.corrected < today - 10 < life.death:
                return life
    raise AssertionError("nobody")


async def test_a_passive_code_is_answered_as_it_was_asked(exchange: Running) -> None:
    life = corrected()
    asked = {"hetulista": [life.earlier_code, life.code, life.earlier_code]}
    _, answer = await ask(exchange, "perustiedot", json.dumps(asked))
    told = [each["henkilotunnus"] for each in answer["perustiedot"]]
    assert told == [life.earlier_code, life.code], "each code once, as it was asked for"
    forms = [
        group["voimassaolo"]
        for each in answer["perustiedot"]
        for group in each["tietoryhmat"]
        if group["tietoryhma"] == "HENKILOTUNNUS_KORJAUS"
    ]
    assert forms == ["PASSIIVI", "AKTIIVI"]

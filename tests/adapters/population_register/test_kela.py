"""Kela follows the register: what it is told is counted by kind, and once; what the register takes
back is taken back.
"""

from __future__ import annotations

import asyncio
import datetime
import itertools
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio

from exchange.adapters.kelmu.generate.records import records
from exchange.adapters.population_register import feed
from exchange.adapters.population_register.partner import STUB
from exchange.partners.stub import Flow, Situation
from exchange.schemas.persons import POPULATION, Life, person, single_changes
from exchange.schemas.persons.life_courses import SLOTS
from exchange.schemas.persons.registration_times import key_of_day
from exchange.schemas.persons.reported_deaths import TOLD
from exchange.schemas.population.change_kinds import deaths, happenings
from tests.journeys.running import Running, running

TODAY = datetime.date(2024, 6, 5)
NOW = key_of_day(TODAY.toordinal() + 1) - 1
QUERY = "population-register.changes-query"
#: Each kind, with what its persons' changes count as besides.
KINDS = (
    single_changes.BIRTH,
    single_changes.DEATH,
    single_changes.ADDRESS,
    single_changes.REGISTRATION,
)


@pytest_asyncio.fixture
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running(tmp_path_factory.mktemp("kela")) as started:
        yield started


def kelas(exchange: Running) -> dict[str, Flow]:
    """Kela's flows by what they are told of."""
    flows = STUB.flows(exchange.exchange.directory)
    return {
        flow.name.split()[0].partition(".")[2]: flow
        for flow in flows
        if flow.partner == "kela.core-data"
    }


async def told(exchange: Running) -> Counter[str]:
    """What was counted as told to Kela, by kind: over Luova, and by pages that it asked for."""
    rows = await exchange.exchange.ledger.totals(("sender", "receiver", "kind"))
    found: Counter[str] = Counter()
    for (sender, receiver, kind), _, items, _ in rows:
        if {sender, receiver} == {"kela.core-data", "dvv"} and kind.startswith("delivered:"):
            found[kind.partition(":")[2]] += items
    return found


async def test_what_kela_is_told_is_counted_by_kind_and_once(exchange: Running) -> None:
    expected: dict[str, int] = {}
    serials = itertools.count(1)
    asked = []
    for kind, flow in kelas(exchange).items():
        situation = Situation(
            rng=random.Random(kind),
            now=exchange.exchange.clock.now(),
            serial=next(serials),
            directory=exchange.exchange.directory,
            wanted={QUERY: 4}.get,
        )
        sending = flow.make(situation)
        assert sending.items == 4
        asked.append(sending.call)
        for name, count in single_changes.COUNTS[kind].items():
            expected[name] = expected.get(name, 0) + 4 * count
    assert len(asked) == len(KINDS)
    for _ in range(2):
        # Asked again, as after an answer that was lost, nothing is told for the first time.
        for call in asked:
            status, body = await exchange.send(call)
            assert status == 200, body
            assert json.loads(body)["ajanTasalla"]
        assert await told(exchange) == expected
    assert exchange.verify().clean


async def test_the_same_question_many_times_at_once_counts_once(exchange: Running) -> None:
    now = exchange.exchange.clock.now() // 1000
    rng, today = random.Random(6), datetime.date.today()
    codes = [person(rng, today).personal_identity_code for _ in range(100)]
    asked = json.dumps({"viimeisinKirjausavain": now - 300 * 86_400, "hetulista": codes})
    path = "/population-register/api/v1/muutokset"
    answers = await asyncio.gather(
        *(
            exchange.post(path, asked, "kela.core-data", Content_Type="application/json")
            for _ in range(12)
        )
    )
    assert {status for status, _, _ in answers} == {200}
    page = json.loads(answers[0][2])
    assert await told(exchange) == happenings(page)
    assert happenings(page)
    assert exchange.verify().clean


async def test_a_list_in_another_order_is_the_same_list_and_what_is_new_counts(
    exchange: Running,
) -> None:
    now = exchange.exchange.clock.now() // 1000
    rng, today = random.Random(5), datetime.date.today()
    codes = [person(rng, today).personal_identity_code for _ in range(200)]
    every = feed.changes(codes, now - 300 * 86_400, now, True).document["muutokset"]
    assert len(every) > 20
    asked = {"viimeisinKirjausavain": now - 300 * 86_400, "hetulista": codes}
    counts = []
    for order in (codes, codes[::-1], [*codes, codes[0]]):
        body = json.dumps(asked | {"hetulista": order})
        path = "/population-register/api/v1/muutokset"
        status, _, answer = await exchange.post(
            path, body, "kela.core-data", Content_Type="application/json"
        )
        assert (status, len(json.loads(answer)["muutokset"])) == (200, len(every))
        counts.append(await told(exchange))
    assert counts[0]
    assert counts == counts[:1] * 3
    # A municipality is told the same, and that counts as nothing that Kela got.
    await exchange.post(path, body, "municipality.espoo", Content_Type="application/json")
    assert await told(exchange) == counts[0]


#: Ways in which Kela is told changes of the same persons.
WAYS = ("page", "other list", "message", "later message")


async def test_a_change_counts_once_however_it_is_told(exchange: Running) -> None:
    today = datetime.date.today()
    since, now = today - datetime.timedelta(days=30), exchange.exchange.clock.now() // 1000
    rng, lists, expected = random.Random(9), single_changes.Lists(), Counter[str]()
    for number, ways in enumerate([*itertools.permutations(WAYS, 2), WAYS]):
        codes = []
        for kind in KINDS:
            codes.append(single_changes.followed(rng, kind, since, today, lists).code)
            expected.update(single_changes.COUNTS[kind])
        question = {"viimeisinKirjausavain": key_of_day(since.toordinal()), "hetulista": codes}
        page = feed.changes(codes, question["viimeisinKirjausavain"], now, True).document
        # (Of others something may be written down in the course of this day.)
        others = (person(rng, today, today, today).life for _ in itertools.count())
        days = since.toordinal(), today.toordinal()
        nobody = next(each.code for each in others if not single_changes.counted(each, *days))
        for way in ways:
            if way in ("page", "other list"):
                body = question | ({} if way == "page" else {"hetulista": [nobody, *codes[::-1]]})
                path, who = "/population-register/api/v1/muutokset", "kela.core-data"
                headers = {}
            else:
                body = {**page, "muutokset": _told_at(page, way == "later message")}
                path, who = "/luova/v1/messages", "dvv"
                headers = {"X_Message_Id": f"{number}-{way.replace(' ', '-')}"}
                headers |= {"X_Message_Type": "population.changes"}
            status, _, answer = await exchange.post(
                path, json.dumps(body), who, Content_Type="application/json", **headers
            )
            assert status in (200, 202), answer
            await exchange.settled()
            counted = await told(exchange)
            assert {kind: counted[kind] for kind in KINDS} == expected, (ways, way)
    assert exchange.verify().clean


def _told_at(page: dict[str, Any], is_later: bool) -> list[dict[str, Any]]:
    """The changes of a page, told on the day or today."""
    today = f"{datetime.date.today()}T00:00:00Z"
    return [each | ({"muutospv": today} if is_later else {}) for each in page["muutokset"]]


def test_no_two_lists_share_a_change_and_a_day_with_too_few_takes_earlier_ones() -> None:
    rng, lists = random.Random(7), single_changes.Lists()
    first = TODAY - datetime.timedelta(days=1)
    drawn: list[Life] = []

    def draw_all(since: datetime.date) -> None:
        for _ in range(2_000):
            drawn.append(
                single_changes.followed(rng, single_changes.REGISTRATION, since, TODAY, lists)
            )

    with pytest.raises(LookupError):
        draw_all(first)
    of_a_day = len(drawn)
    assert of_a_day > 10
    with pytest.raises(LookupError):
        draw_all(first - datetime.timedelta(days=7))
    assert len(set(drawn)) == len(drawn) > 3 * of_a_day


def test_who_is_in_a_list_is_told_of_before_the_day_on_which_it_is_asked_for() -> None:
    # By her course she moves on the 14th, in her life on the 15th, which is written on the Monday.
    life = POPULATION.find("041294-987B")
    assert life is not None
    friday, monday = (datetime.date(2024, 4, day).toordinal() for day in (19, 22))
    assert (
        single_changes.counted(life, friday, monday)
        == single_changes.COUNTS[single_changes.ADDRESS]
    )
    assert single_changes.counted(life, friday, monday - 1) == {}
    assert not any(
        single_changes.tells_one(life, single_changes.ADDRESS, day, friday, monday)
        for day in range(friday - 7, monday)
    )


def lives(wanted: Callable[[Life], bool], youngest: int, oldest: int) -> Iterator[Life]:
    """Those of these ages for whom something holds."""
    today = TODAY.toordinal()
    for birth in range(today - 365 * youngest, today - 365 * oldest, -1):
        for slot in range(SLOTS):
            life = POPULATION.at(birth, slot)
            if life is not None and wanted(life):
                yield life


def changes(life: Life, after: int = 0, now: int = NOW) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = feed.changes([life.code], after, now, True).document["muutokset"]
    return found


def told_of(groups: list[dict[str, Any]], name: str) -> list[tuple[Any, ...]]:
    return [
        (each["muutosattribuutti"], each.get("kuollut"), "kuolinpv" in each)
        for each in groups
        if each["tietoryhma"] == name
    ]


def test_a_death_that_was_none_is_told_and_taken_back() -> None:
    today = TODAY.toordinal()
    life = next(lives(lambda each: bool(each.mistaken and each.mistaken[1] < today - 9), 40, 70))
    groups = [group for each in changes(life) for group in each["tietoryhmat"]]
    assert told_of(groups, "KUOLINPAIVA")[:3] == [
        ("LISATTY", True, True),
        ("KORJATTAVA", True, True),
        ("KORJATTU", False, False),
    ]
    assert life.mistaken is not None
    between = key_of_day(life.mistaken[1]) - 1
    documents = [
        feed.basic_data([life.code], None, moment, True).document["perustiedot"][0]["tietoryhmat"]
        for moment in (between, NOW)
    ]
    names = [{each["tietoryhma"] for each in document} for document in documents]
    was_written = list(deaths({"muutokset": changes(life, now=between)}))
    assert ("KUOLINPAIVA" in names[0]) == bool(was_written)
    assert "KUOLINPAIVA" not in names[1]
    assert [day is None for _, day in deaths({"muutokset": changes(life)})][:2] == [False, True]


def test_a_misspelt_name_is_put_right_with_the_right_one_at_once_behind() -> None:
    life = next(lives(lambda each: 0 < each.misspelt_until < TODAY.toordinal() - 9, 25, 60))
    (groups,) = [
        each["tietoryhmat"]
        for each in changes(life)
        if each["tietoryhmat"][0]["muutosattribuutti"] == "KORJATTAVA"
        and each["tietoryhmat"][0]["tietoryhma"] == "HENKILON_NIMI"
    ]
    wrong, right = groups
    assert right["muutosattribuutti"] == "KORJATTU"
    assert (right["etunimi"], wrong["etunimi"]) == (
        life.first_name,
        life.first_name + life.first_name[-1],
    )


def test_a_told_death_stops_payments_and_changes_nothing_before() -> None:
    query = {
        "from": "2012-01-01",
        "to": "2026-12-31",
        "data_groups": ["payments"],
        "benefits": ["pensions", "general-housing-allowance", "basic-social-assistance"],
    }
    today = TODAY.toordinal()

    def paid(life: Life) -> list[str]:
        found = records(life.code, query)
        assert found is not None
        return [each["paid_on"] for each in found["payments"]]

    life = next(lives(lambda each: each.death > today + 900 and len(paid(each)) > 40, 60, 75))
    before = paid(life)
    died = datetime.date.fromisoformat(before[len(before) // 2])
    try:
        TOLD.tell(life.code, died.toordinal())
        assert paid(life) == [day for day in before if day[:7] < died.isoformat()[:7]]
        TOLD.tell(life.code, None)
        assert paid(life) == before
    finally:
        TOLD.tell(life.code, None)


async def test_kela_keeps_the_deaths_that_a_page_or_a_message_tells_of(exchange: Running) -> None:
    who = person(random.Random(8), datetime.date.today(), datetime.date(1990, 1, 1)).life
    day = datetime.date.today() - datetime.timedelta(days=4)
    group = {
        "tietoryhma": "KUOLINPAIVA",
        "muutosattribuutti": "LISATTY",
        "kuollut": True,
        "kuolinpv": {"arvo": day.isoformat(), "tarkkuus": "PAIVA"},
    }
    taken_back = [
        {**group, "muutosattribuutti": "KORJATTAVA"},
        {"tietoryhma": "KUOLINPAIVA", "muutosattribuutti": "KORJATTU", "kuollut": False},
    ]
    moment = f"{datetime.date.today()}T00:00:00Z"
    for number, groups in enumerate(([group], taken_back)):
        change = {"henkilotunnus": who.code, "muutospv": moment, "tietoryhmat": groups}
        body = json.dumps({"viimeisinKirjausavain": 5, "muutokset": [change], "ajanTasalla": True})
        status, _, answer = await exchange.post(
            "/luova/v1/messages",
            body,
            "dvv",
            Content_Type="application/json",
            X_Message_Type="population.changes",
            X_Message_Id=f"death-{number}",
        )
        assert status in (200, 202), answer
        await exchange.settled()
        assert (TOLD.death(who) == day.toordinal()) == (number == 0)

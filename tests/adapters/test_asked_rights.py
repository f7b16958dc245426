"""Whoever asks about persons is told nothing that is not the asker's to see, by every face that
returns persons: Kelmu's queries, the register's basic data and changes, VTJkysely.
"""

from __future__ import annotations

import datetime
import json
import random
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exchange.adapters import kelmu
from exchange.adapters.kelmu import generate
from exchange.adapters.kelmu.answer import answered
from exchange.adapters.population_register import feed
from exchange.adapters.population_register.identify import sees_restricted
from exchange.adapters.population_register.person_query.message import PRODUCTS, message
from exchange.schemas.directory import load
from exchange.schemas.envelope import Envelope
from exchange.schemas.kelmu.codes import BENEFITS, DATA_GROUPS
from exchange.schemas.persons import POPULATION, Life
from exchange.schemas.persons.life_courses import SLOTS
from exchange.schemas.persons.register import is_restricted
from exchange.schemas.persons.registration_times import key_of_day

TODAY = datetime.date(2026, 3, 2)
NOW = int(datetime.datetime(2026, 3, 2, 12, tzinfo=datetime.UTC).timestamp() * 1000)
#: The register's time of the middle of that day.
NOON = key_of_day(TODAY.toordinal()) + 43_200
RIGHTS = tomllib.loads((Path(kelmu.__file__).parent / "rights.toml").read_text(encoding="utf-8"))
EVERYTHING = {
    "benefits": list(BENEFITS),
    "data_groups": list(DATA_GROUPS),
    "from": "1990-01-01",
    "to": "2030-12-31",
}
#: What tells where somebody lives, in the register's answers.
PLACES = re.compile(r'"(?:katunimi|katunumero|postinumero|kuntakoodi|rakennustunnus)":')
ADDRESS = re.compile(r"<(?:Lahiosoite[SR]|Postinumero|Postiosoite[SR]|Kuntanumero)>[^<]")


def lives(count: int) -> Iterator[Life]:
    """People who live, every third of them with a restricted disclosure that the register has."""
    rng, found = random.Random(5), 0
    first, today = TODAY.toordinal() - 25_000, TODAY.toordinal()
    while found < count:
        life = POPULATION.at(first + rng.randrange(25_000), rng.randrange(SLOTS))
        if life is None or not life.is_alive(today):
            continue
        if found % 3 == 0 and not is_restricted(life, NOON):
            continue
        found += 1
        yield life


def tells_places(told: list[dict[str, Any]]) -> bool:
    """Whether groups tell where somebody lives, or lived; where one was born is not restricted."""
    return any(
        PLACES.search(json.dumps(group))
        for each in told
        for group in each["tietoryhmat"]
        if group["tietoryhma"] != "SYNTYMAKOTIKUNTA"
    )


def right_of(partner: Any) -> dict[str, Any] | None:
    """The asker's right as its file says."""
    own = RIGHTS["partner"].get(partner.id) or RIGHTS["sector"].get(partner.sector)
    return RIGHTS["sector"][own["as_sector"]] if own and "as_sector" in own else own


def first_day(months_back: int) -> str:
    months = TODAY.year * 12 + TODAY.month - 1 - months_back
    return f"{months // 12:04}-{months % 12 + 1:02}-{TODAY.day:02}"


@pytest.mark.parametrize("persons", [60, pytest.param(3_000, marks=pytest.mark.drill)])
def test_of_what_a_register_tells_too_much_an_authority_sees_its_own_part(persons: int) -> None:
    rng, askers, seen = random.Random(1), [each for each in load() if right_of(each)], 0
    for life in lives(persons):
        whole = json.dumps({"results": [generate.records(life.code, EVERYTHING)]}).encode()
        asker = rng.choice(askers)
        right = right_of(asker)
        assert right is not None
        groups = rng.sample(list(DATA_GROUPS), 4)
        asked = {**EVERYTHING, "person": life.code, "data_groups": groups, "to": "2026-03-02"}
        envelope = Envelope(
            id=1,
            channel="kelmu",
            message_type="kelmu.benefit-query",
            sender=asker.id,
            sender_message_id="q",
            received_at=NOW,
            content_type="application/json",
        )
        reply = answered(envelope, asker, json.dumps(asked).encode(), whole)
        (told,) = json.loads(reply.body)["results"]
        assert set(told) - {"person"} == set(groups) & set(right["data_groups"])
        since = first_day(right["months_back"])
        for name in set(told) - {"person", "medicine-cost-ceiling"}:
            for record in told[name]:
                seen += 1
                assert record.get("benefit", right["benefits"][0]) in right["benefits"]
                days = [text for key, text in record.items() if key in ("to", "received_on")]
                assert all(day >= since for day in days), (asker.id, record)
    assert seen > persons, "the property has something to hold for"


@pytest.mark.parametrize("persons", [60, pytest.param(3_000, marks=pytest.mark.drill)])
def test_who_has_no_right_learns_from_no_answer_where_the_restricted_live(persons: int) -> None:
    now = NOON
    restricted = shown = 0
    askers = {sees_restricted(each): each for each in load()}
    assert set(askers) == {True, False}
    for life in lives(persons):
        code = life.code_on(TODAY.toordinal())
        for sees in askers:
            basic = feed.basic_data([code], None, now, sees).document["perustiedot"]
            of_query = "".join(message(life, code, name, now, sees) for name in PRODUCTS)
            tells = tells_places(basic), bool(ADDRESS.search(of_query))
            if is_restricted(life, now) and not sees:
                restricted += 1
                assert tells == (False, False), code
            else:
                shown += any(tells)
        if is_restricted(life, now):
            page = feed.changes([code], 0, now, False).document
            assert not tells_places(page["muutokset"]), code
    assert restricted >= persons // 3
    assert shown > persons, "who has the right is told"

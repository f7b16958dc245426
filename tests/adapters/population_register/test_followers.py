"""Followers that behave as public clients do: killed at any page, they end in the state that the
register has.
"""

from __future__ import annotations

import datetime
import json
import random
from pathlib import Path
from typing import Any

import pytest

from exchange.adapters.population_register import feed
from exchange.schemas.persons import POPULATION, person
from tests.adapters.population_register.followers import Evaka, Killed, Oph, State, handle
from tests.journeys.running import Running, running

BASE = "/population-register/api/v1"
TOWN, AUTHORITY = "municipality.espoo", "employment-services"
#: Before this day nobody asked for was in the register.
BEGIN = "1975-01-01"
FOLLOWED = 150


def followed(count: int = FOLLOWED) -> list[str]:
    """Codes of people of all ages up to fifty, some with a restricted disclosure, some dead."""
    rng, today = random.Random(1), datetime.date.today()
    codes = [
        person(rng, today, datetime.date(1976, 1, 1)).personal_identity_code for _ in range(count)
    ]
    first = datetime.date(1976, 1, 1).toordinal()
    dead = restricted = 0
    for birth in range(first, first + 4_000):
        for slot in range(0, 600, 7):
            life = POPULATION.at(birth, slot)
            if life is None or life.course.corrected:
                continue
            if dead < 10 and life.death < today.toordinal() - 20:
                dead += 1
                codes.append(life.code)
            if restricted < 5 and life.is_restricted(today.toordinal()):
                restricted += 1
                codes.append(life.code)
    assert (dead, restricted) == (10, 5), "the property has something to hold for"
    return codes


async def of_register(exchange: Running, codes: list[str], partner: str) -> dict[str, Any]:
    """What the register has of each now, as the followers keep it."""
    _, _, body = await exchange.post(
        f"{BASE}/perustiedot",
        json.dumps({"hetulista": codes}),
        partner,
        Content_Type="application/json",
    )
    state: dict[str, Any] = {}
    for one in json.loads(body)["perustiedot"]:
        kept = state.setdefault(one["henkilotunnus"], {})
        for group in one["tietoryhmat"]:
            handle(kept, group, blanks=False)
    return state


def settled(state: State) -> dict[str, Any]:
    """A follower's persons but for what is not in force of a dead one."""
    living = ("address", "municipality", "restricted")
    return {
        code: {name: value for name, value in kept.items() if not (dead(kept) and name in living)}
        for code, kept in state.persons.items()
    }


def dead(kept: dict[str, Any]) -> bool:
    return kept.get("dead") is not None


@pytest.fixture
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "PAGE_CHANGES", 40)


@pytest.mark.usefixtures("_small_pages")
async def test_a_municipality_ends_in_the_state_of_the_register_however_often_it_is_killed(
    tmp_path: Path,
) -> None:
    codes, rng = followed(), random.Random(2)
    async with running(tmp_path) as exchange:
        found = exchange.exchange.directory.get(TOWN)
        assert found is not None
        evaka = Evaka(exchange.session, exchange.url + BASE, TOWN, found.key)
        await evaka.begin(BEGIN)
        for _ in range(3):
            with pytest.raises(Killed):
                await evaka.run(codes, lambda page: rng.random() < 0.3)
            assert not evaka.state.handled, "nothing is handled before the last page"
        await evaka.run(codes)
        pages, handled, key = evaka.pages, evaka.state.handled, evaka.key
        assert handled > 10 * 40, "there were pages"
        expected = await of_register(exchange, codes, TOWN)
        assert settled(evaka.state) == expected
        assert sum("restricted" in kept for kept in expected.values()) >= 4
        assert not any("address" in kept for kept in expected.values() if "restricted" in kept)
        await evaka.run(codes)
        assert (evaka.pages, evaka.state.handled, evaka.key) == (pages + 1, handled, key)
        assert not [check for check in exchange.verify().checks if check.broken]


@pytest.mark.usefixtures("_small_pages")
async def test_an_authority_with_buckets_repeats_only_pages_whose_key_was_not_kept(
    tmp_path: Path,
) -> None:
    codes, rng = followed(60), random.Random(3)
    buckets = [codes[::2], [], codes[1::2]]
    async with running(tmp_path) as exchange:
        found = exchange.exchange.directory.get(AUTHORITY)
        assert found is not None
        follower = Oph(exchange.session, exchange.url + BASE, AUTHORITY, found.key)
        killed = 0
        while True:
            try:
                await follower.run(buckets, BEGIN, lambda page: rng.random() < 0.3)
                break
            except Killed:
                killed += 1
        assert killed > 2
        expected = await of_register(exchange, codes, AUTHORITY)
        assert settled(follower.state) == expected
        assert any("address" in kept for kept in expected.values() if "restricted" in kept), (
            "an authority sees where who is restricted lives"
        )
        undisturbed = Oph(exchange.session, exchange.url + BASE, AUTHORITY, found.key)
        await undisturbed.run(buckets, BEGIN)
        repeated = follower.state.handled - undisturbed.state.handled
        assert 0 < repeated <= killed * 40

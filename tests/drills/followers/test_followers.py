"""Two followers of the population register, written as its public clients, follow the days of a
year over X-Road, one in a thousand of the population; each is killed at any moment, and both end in
the state that the register has. X-Road's operational records of their calls are pairs.
"""

from __future__ import annotations

import datetime
import json
import multiprocessing
import os
import pickle
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from exchange.adapters.population_register import feed
from exchange.schemas.persons import person
from exchange.testing.embedded import Embedded
from tests.adapters.population_register.followers import State, handle
from tests.adapters.population_register.test_followers import settled
from tests.drills.followers import process
from tests.exchange.web.x_road.test_monitoring import OWNER, corrected, told_of

pytestmark = pytest.mark.drill

FULL = "DRILLS" in os.environ
#: Days that are followed, and persons: of five million one in a thousand.
DAYS, PERSONS = (366, 5_000) if FULL else (2, 30)
BASE = "/population-register/api/v1"
OVER_X_ROAD = "/r1/FI-TEST/GOV/0245437-2/VTJmutpa/VTJmutpa/api/v1"
#: A municipality, which does not see where the restricted live, and an authority, which does.
WHO = {"evaka": "municipality.espoo", "oph": "employment-services"}
X_ROAD = {
    "clients": {
        "FI-TEST/MUN/1234567-1/koe": WHO["evaka"],
        "FI-TEST/GOV/2769790-1/vtj-koe-client": WHO["oph"],
        OWNER: "dvv",
    },
    "clients_without_key": [OWNER],
}
BEGIN = "1975-01-01"
#: Each run is a process of its own, forked from one that has imported everything already: that takes
#: longer than most days.
RUNS = multiprocessing.get_context("forkserver")
RUNS.set_forkserver_preload([process.__name__])
#: On one day in so many a follower is killed, so often at most; then it is let go through.
KILLED_EVERY, KILLS_A_DAY = 3 if FULL else 1, 3
#: How long a run may take, of which the first reads fifty years.
RUN_SECONDS_MAX = 3_600
#: Days whose operational records are looked at in the end: they are kept for seven.
RECORDED_DAYS = 6


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    with Embedded(tmp_path_factory.mktemp("followers"), x_road=X_ROAD) as running:
        yield running


def town(served: Embedded) -> list[str]:
    """Codes of people in the register at the beginning, born since 1976: some die in the quarter,
    some are restricted.
    """
    today = datetime.datetime.fromtimestamp(served.clock.seconds(), datetime.UTC).date()
    rng, born_after = random.Random(3), datetime.date(1976, 1, 1)
    codes = {person(rng, today, born_after).personal_identity_code for _ in range(PERSONS)}
    return sorted(codes)


def of_register(served: Embedded, codes: list[str], partner: str) -> dict[str, Any]:
    """What the register has of each now, as the followers keep it."""
    state: dict[str, Any] = {}
    headers = {"Content-Type": "application/json", "X-API-Key": served.key_of(partner)}
    for start in range(0, len(codes), 100):
        body = json.dumps({"hetulista": codes[start : start + 100]}).encode()
        asked = Request(f"{served.address}{BASE}/perustiedot", body, headers)
        with urlopen(asked) as answered:
            for one in json.loads(answered.read())["perustiedot"]:
                kept = state.setdefault(one["henkilotunnus"], {})
                for group in one["tietoryhmat"]:
                    handle(kept, group, blanks=False)
    return state


def follow(
    arguments: tuple[str, ...], rng: random.Random, seconds: float, kills: int
) -> tuple[int, float]:
    """One day of a follower: killed some times (at most `kills`) at any moment, then it goes
    through. How often it was killed, and how long it took at last.
    """
    killed = 0
    while True:
        started = time.monotonic()
        running = RUNS.Process(target=process.follow, args=arguments)
        running.start()
        if killed < rng.randint(0, kills):
            running.join(rng.uniform(0, seconds))
            if running.exitcode is None:
                running.kill()
                killed += 1
                running.join()
                continue
        running.join(RUN_SECONDS_MAX)
        assert running.exitcode == 0
        return killed, time.monotonic() - started


@pytest.mark.parametrize("kind", WHO)
def test_a_follower_that_is_killed_at_any_moment_misses_nothing(
    served: Embedded, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = 2_000 if FULL else 20
    monkeypatch.setattr(feed, "PAGE_CHANGES", page)
    rng, codes, partner = random.Random(7), town(served), WHO[kind]
    listed, state_file = tmp_path / "codes.json", tmp_path / "state"
    listed.write_text(json.dumps(codes))
    arguments = (
        *(kind, f"{served.address}{OVER_X_ROAD}", partner, served.key_of(partner)),
        *(str(state_file), str(listed), BEGIN),
    )
    kills, seconds = 0, 0.05
    for day in range(DAYS):
        most = 0 if day % KILLED_EVERY else KILLS_A_DAY
        killed, seconds = follow(arguments, rng, seconds, most)
        kills += killed
        served.clock.advance(days=1)
    kills += follow(arguments, rng, seconds, KILLS_A_DAY)[0]
    state: State = pickle.loads(state_file.read_bytes())["state"]
    expected = of_register(served, codes, partner)
    assert settled(state) == expected
    again = sum(state.told.values()) - len(state.told)
    assert kills
    if kind == "evaka":
        assert not again, "changes are handled with the key that is kept"
        assert not any("address" in kept for kept in expected.values() if "restricted" in kept)
    assert again <= kills * 2 * page, "of a page whose key was not kept"
    served.clock.advance(seconds=70)
    since = int(served.clock.seconds()) - min(DAYS, RECORDED_DAYS) * 86_400
    kinds = corrected(told_of(served, OWNER, since)[0])
    assert set(kinds) == {"regular_pair"}
    assert kinds["regular_pair"] >= min(DAYS, RECORDED_DAYS)

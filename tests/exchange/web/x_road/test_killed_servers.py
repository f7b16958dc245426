"""The client's security server and the provider's as two processes, each killed while calls go
through both: X-Road Metrics' rule finds regular pairs, and orphans where one side was killed.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.drills.drill import FULL
from tests.drills.server import Server
from tests.exchange.web.x_road.test_monitoring import CLIENT, DVV, OWNER, corrected, told_of
from tests.exchange.web.x_road.test_two_servers import OPEN, TOWN

pytestmark = pytest.mark.drill

CALLERS, CALLS, ROUNDS = 8, 100, 5 if FULL else 1
PATH = f"/r1/{DVV}/api/v1/kirjausavain/2026-03-02"
#: How long a record may wait before it is committed, and some more.
COMMIT_SECONDS = 2.5
AHEAD_SECONDS = 70


@dataclass
class Callers:
    """Those who call the client's server, each one call after another; what became of each, and
    when it ended (seconds of the wall).
    """

    url: str
    session: aiohttp.ClientSession
    outcomes: dict[str, tuple[str, float]] = field(default_factory=dict)
    numbers: Any = field(default_factory=itertools.count)

    async def call(self) -> None:
        """Call until it is cancelled."""
        while True:
            message_id = f"drill-{next(self.numbers)}"
            headers = {"X-Road-Client": CLIENT, "X-Road-Id": message_id}
            try:
                async with self.session.get(self.url + PATH, headers=headers) as response:
                    await response.read()
                    said = response.headers.get("X-Road-Error", str(response.status))
            except aiohttp.ClientError:
                said = "no answer"
                await asyncio.sleep(0.05)
            self.outcomes[message_id] = said, time.time()

    async def until(self, more: int) -> None:
        """Wait until so many more calls were answered well."""
        wanted = self.answered + more
        async with asyncio.timeout(60):
            while self.answered < wanted:
                await asyncio.sleep(0.01)

    @property
    def answered(self) -> int:
        return Counter(said for said, _ in self.outcomes.values())["200"]


@dataclass
class Asked:
    """A server that is asked for its records; the clock of both was put forward."""

    address: str

    @property
    def clock(self) -> Asked:
        """Its time."""
        return self

    def seconds(self) -> float:
        """Seconds since 1970 UTC."""
        return time.time() + AHEAD_SECONDS


def server(folder: Path, clock: Path, **settings: Any) -> Server:
    """A security server as a process; `settings` are those of `x_road`."""
    folder.mkdir()
    environment = {
        f"EXCHANGE_X_ROAD__{name.upper()}": each if isinstance(each, str) else json.dumps(each)
        for name, each in {**OPEN, **settings}.items()
    }
    return Server(
        folder,
        "http://127.0.0.1:1",
        module="tests.drills.launch",
        environment={**environment, "DRILL_CLOCK": str(clock)},
    )


async def test_a_killed_side_leaves_orphans_of_the_other(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    provider = server(tmp_path / "provider", clock, side="provider")
    own = {"server": "MUN/1234567-1/palvelin-2", "provider_address": provider.url}
    client = server(tmp_path / "client", clock, side="client", **own)
    first, killed = int(time.time()), list[float]()
    async with aiohttp.ClientSession() as session:
        callers = Callers(client.url, session)
        try:
            for each in (provider, client):
                await each.start(session)
            tasks = [asyncio.create_task(callers.call()) for _ in range(CALLERS)]
            for each in (provider, client) * ROUNDS:
                await callers.until(CALLS)
                killed.append(time.time())
                await each.signal(signal.SIGKILL)
                await asyncio.sleep(0.5)
                await each.start(session)
                await callers.until(CALLS)
                # (So that what is lost with the next one has a second of its own.)
                await asyncio.sleep(2 * COMMIT_SECONDS)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(COMMIT_SECONDS)
            clock.write_text(str(AHEAD_SECONDS))
            await asyncio.sleep(0.5)
            of_client, _ = await asyncio.to_thread(told_of, Asked(client.url), TOWN, first, TOWN)
            of_provider, _ = await asyncio.to_thread(told_of, Asked(provider.url), OWNER, first)
        finally:
            for each in (provider, client):
                await each.clear()
    judge(callers, of_client, of_provider, killed)


def judge(
    callers: Callers,
    of_client: list[dict[str, Any]],
    of_provider: list[dict[str, Any]],
    killed: list[float],
) -> None:
    """Pairs alone, but around a kill; and there orphans of the side that lived."""
    drilled = [each for each in (*of_client, *of_provider) if "drill-" in each.get("messageId", "")]
    kinds = corrected(drilled)
    assert set(kinds) == {"regular_pair", "orphan"}, kinds
    sides: dict[str, set[str]] = {}
    for each in drilled:
        sides.setdefault(each["messageId"], set()).add(each["securityServerType"])
    by_provider, by_client = killed[::2], killed[1::2]
    wrong, orphans = [], Counter[str]()
    for message_id, (said, ended) in callers.outcomes.items():
        found = sides.get(message_id, set())
        if said == "server.clientproxy.network_error":
            # (The provider's may have recorded it, and was killed before its answer had gone.)
            assert "Client" in found or near(ended, by_client), message_id
        elif said == "200" and len(found) < 2:
            lost = by_provider if "Client" in found else by_client
            if not near(ended, lost):
                wrong.append((message_id, found, ended))
        if len(found) == 1:
            orphans.update(found)
    assert not wrong, f"{len(wrong)} calls without a pair, far from a kill: {wrong[:5]}"
    assert set(orphans) == {"Client", "Producer"}, orphans


def near(ended: float, kills: list[float]) -> bool:
    """Whether a call ended so shortly before a kill that its record was not committed yet."""
    return any(-1 <= kill - ended <= COMMIT_SECONDS for kill in kills)

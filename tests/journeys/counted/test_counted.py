"""Every row of the statistics against a counter of its own, over traffic of every kind."""

from __future__ import annotations

import datetime
import itertools
import os
import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest

from exchange import discovery
from exchange.assembly import Exchange, statistics_report
from exchange.cli.verify import text
from exchange.partners.stub import Sending
from exchange.ports.operators import Actor, Operator
from exchange.schemas.directory import Directory
from exchange.schemas.directory import load as load_directory
from exchange.settings import Settings
from exchange.simulation.clock import VirtualClock
from exchange.simulation.endpoints import InsideEndpoints
from exchange.simulation.loop import VirtualLoop
from exchange.storage.proof.verify import verify
from tests.journeys.counted import own_counter
from tests.journeys.counted.traffic import (
    DEPTH_MAX,
    Town,
    batches,
    crossed,
    flows,
    golden,
    readdressed,
)
from tests.journeys.counted.ways import ADDED, add_partner, added_calls, leave_files, see_to_letters

#: The last day of the year, and its end in Finland.
BEGIN = datetime.datetime(2024, 12, 31, 10, 0, tzinfo=datetime.UTC)
MIDNIGHT = datetime.datetime(2024, 12, 31, 22, 0, tzinfo=datetime.UTC)
#: What passes between two calls of one round; of many rounds less, so that all of the first half is
#: sent before midnight.
STEP_SECONDS = 2.0
YEARS = (2024, 2025)
OPERATOR = Actor(Operator("ann", "operator"), "192.0.2.1")


class Run:
    """An exchange in simulated time, and all that is sent through it."""

    def __init__(self, ledger: Path, loop: VirtualLoop) -> None:
        self.directory = load_directory()
        self.clock = VirtualClock(loop, int(BEGIN.timestamp() * 1000), 1)
        self.town = Town(discovery.stubs(), self.directory, self.clock.now)
        settings = Settings(
            storage={"url": f"sqlite:///{ledger}", "durable": False},
            files={"directory": ledger.parent / "files"},
            # Some deliveries are changed before they are sent: no signature would hold.
            rules={"unsigned_deliveries": "take"},
            # Whatever still waits for a receiver ends before the run does.
            deliveries={
                "attempts_max": 9,
                "first_backoff_seconds": 20,
                "poll_seconds": 60,
                "probe_seconds_max": 120,
                "deadline_seconds": 7200,
            },
        )
        self.exchange = Exchange(
            settings, 1, self.clock, transport=self.town, directory=self.directory
        )
        self.endpoints = InsideEndpoints(
            self.exchange.channels.values(),
            self.exchange.desk,
            self.directory,
            self.exchange.requests,
        )
        self.numbers = itertools.count()
        self.step_seconds = STEP_SECONDS

    async def live(self, rounds: int) -> None:
        """Send everything, repeat some of it, send dead letters again, over midnight. One round
        sends half of all pairs of type and sector, and half of the flows with wrong items, before
        midnight and the others after it, and each stub's flows once on either side of it, not
        twice.
        """
        before, after = (0, 1) if rounds == 1 else (None, None)
        early, late = ([0], [5_000]) if rounds == 1 else ([0, 1_000], [5_000, 6_000])
        self.step_seconds = STEP_SECONDS / rounds
        await self.exchange.open()
        try:
            for seed in early:
                await self._send(flows(self.directory, self.town, seed, before))
            await self._send(batches(self.directory, self.town))
            await self._send(readdressed(self.directory, self.town, rounds))
            await self._send(crossed(self.directory, self.town, 0, rounds, before))
            await add_partner(self.exchange, OPERATOR)
            await self._other_ways(20_000)
            assert self.clock.now() < int(MIDNIGHT.timestamp() * 1000) - 300_000
            # From a little before midnight to a little after it.
            await self.clock.until(int(MIDNIGHT.timestamp() * 1000) - 300_000)
            assert await self.exchange.mailboxes.expire(), "letters that nobody fetched in time"
            await self._send(golden(self.directory, self.town, 1 if rounds == 1 else 3))
            for seed in late:
                await self._send(flows(self.directory, self.town, seed, after))
            await self._send(crossed(self.directory, self.town, 1_000_003, rounds, after))
            await self._other_ways(30_000)
            await self._follow()
            await self.clock.sleep(20_000)
            await see_to_letters(self.exchange, OPERATOR)
            await self.clock.sleep(20_000)
            await self._follow()
            dead = [each.delivery.id for each in await self.exchange.ledger.dead(200)]
            resent = await self.exchange.mailboxes.resend(dead[::2], OPERATOR)
            assert resent.resent
            assert resent.refused, "a query whose caller is gone is not asked again"
            await self.clock.sleep(20_000)
            await self._follow()
            await self.clock.sleep(40_000)
        finally:
            await self.exchange.close()

    async def _other_ways(self, seed: int) -> None:
        """What a partner that was added sends and gets, and files; extractions of the register."""
        calls = added_calls(self.directory, self.town, seed)
        await self._send(Sending(call) for call in calls)
        folder = self.exchange.settings.files.directory
        assert folder is not None
        leave_files(folder, self.directory, self.town, seed)
        await self.exchange.watching.once()
        await self._follow()

    async def _send(self, sendings: Iterable[Sending]) -> None:
        for sending in sendings:
            await self._carry(sending, 0)
            if next(self.numbers) % 9 == 0:
                await self.endpoints.call(sending.call)
            await self._follow()
            await self.clock.sleep(self.step_seconds)

    async def _follow(self) -> None:
        following, self.town.following = self.town.following, []
        for sending in following:
            await self._carry(sending, DEPTH_MAX - 1)

    async def _carry(self, sending: Sending, depth: int) -> None:
        reply = await self.endpoints.call(sending.call)
        if sending.then is not None and depth < DEPTH_MAX:
            situation = self.town.situation(next(self.numbers))
            for following in sending.then(reply, situation):
                await self._carry(following, depth + 1)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ledger of a run."""
    path = tmp_path_factory.mktemp("counted") / "exchange.db"
    loop = VirtualLoop()
    try:
        loop.run_until_complete(Run(path, loop).live(rounds=1))
    finally:
        loop.close()
    return path


def test_the_traffic_is_of_every_kind(lived: Path) -> None:
    with closing(sqlite3.connect(lived)) as connection:
        kinds = {row[0] for row in connection.execute("SELECT DISTINCT kind FROM event")}
        endpoints = set(
            connection.execute(
                "SELECT DISTINCT channel,endpoint FROM message WHERE state='accepted'"
            )
        )
        of_added = connection.execute(
            "SELECT EXISTS (SELECT 1 FROM message WHERE sender=? AND state='accepted'),"
            "EXISTS (SELECT 1 FROM delivery WHERE receiver=? AND state='delivered')",
            (ADDED.id, ADDED.id),
        ).fetchone()
        modes = {row[0] for row in connection.execute("SELECT DISTINCT mode FROM delivery")}
        waiting = connection.execute(
            "SELECT COUNT(*) FROM delivery WHERE mode='ask' AND state='waiting'"
        ).fetchone()
        never = connection.execute(
            "SELECT COUNT(*) FROM delivery WHERE mode='push' AND state='waiting' AND attempts=0 "
            "AND receiver NOT IN (SELECT receiver FROM receiver_state WHERE state<>'up') AND "
            # What follows a dead letter in order waits for an operator.
            "NOT EXISTS (SELECT 1 FROM delivery AS dead JOIN message AS one ON "
            "one.id=dead.message_id "
            "JOIN message AS other ON other.id=delivery.message_id WHERE dead.state='dead' AND "
            "dead.ordered=1 AND delivery.ordered=1 AND dead.receiver=delivery.receiver "
            "AND one.channel=other.channel AND one.conversation=other.conversation)"
        ).fetchone()
    assert kinds >= {
        "accepted", "rejected", "duplicate", "items-rejected", "begun", "delivered", "answered",
        "attempt-failed", "dead-lettered", "resent", "skipped",
    }  # fmt: skip
    assert {channel for channel, _ in endpoints} == set(discovery.channels())
    assert {("luova", "api"), ("luova", "batch"), ("kelmu", "api"), ("kelmu", "ui")} <= endpoints
    assert {("luova", "file"), ("income-register", "file")} <= endpoints
    assert of_added == (True, True), "a partner that was added sends, and gets"
    assert modes == {"push", "ask", "mailbox"}
    assert waiting == never == (0,)
    found = verify(lived)
    assert found.clean
    for line in text(found).splitlines():
        if numbers := dict(re.findall(r"(\S+) (\d+)(?:,|$)", line)):
            of = {name: int(number) for name, number in numbers.items()}
            assert of["received"] == of["accepted"] + of["rejected"] + of["duplicate"]
            assert of["queued"] == of["delivered"] + of["waiting"] + of["dead-lettered"]


@pytest.mark.parametrize("year", YEARS)
def test_every_row_is_what_its_words_say(lived: Path, year: int) -> None:
    first, last = datetime.date(year, 1, 1), datetime.date(year, 12, 31)
    own = own_counter.count(
        own_counter.read(lived, Directory([*load_directory(), ADDED])), first, last
    )
    end = last + datetime.timedelta(days=1)
    report = statistics_report(lived, 2024, first, end)
    assert all(own.values()), "the traffic has something of every row in each year"
    days = report.held_days
    counted = {
        line.row.id: (line.counted or 0) * (days if line.row.per_day else 1)
        for line in report.lines
    }
    assert counted == pytest.approx(own)


@pytest.mark.parametrize("year", YEARS)
def test_parts_never_exceed_their_whole(lived: Path, year: int) -> None:
    first, end = datetime.date(year, 1, 1), datetime.date(year + 1, 1, 1)
    lines = statistics_report(lived, 2024, first, end).lines
    rows = {line.row.id: line.counted or 0 for line in lines}
    assert rows["eessi.received"] + rows["eessi.sent"] == rows["eessi.total"]
    assert rows["kelmu.queries.api"] + rows["kelmu.queries.ui"] == rows["kelmu.queries"]
    of_ui = ("municipalities", "wellbeing-counties", "helsinki")
    assert sum(rows[f"kelmu.queries.{name}"] for name in of_ui) <= rows["kelmu.queries.ui"]
    assert rows["pension.kelmu-queries"] <= rows["kelmu.queries"]


@pytest.mark.drill
def test_every_row_over_far_more_traffic(tmp_path: Path) -> None:
    path, loop = tmp_path / "exchange.db", VirtualLoop()
    try:
        loop.run_until_complete(Run(path, loop).live(rounds=int(os.environ.get("DRILLS", "16"))))
    finally:
        loop.close()
    for year in YEARS:
        test_every_row_is_what_its_words_say(path, year)
        test_parts_never_exceed_their_whole(path, year)

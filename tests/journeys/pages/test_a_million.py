"""The ten things that operators come for, on a ledger of a million messages: each driven in a
browser from the overview, at most three clicks away, with the time that it took.
"""

from __future__ import annotations

import asyncio
import datetime
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from exchange.benchmarks.grown_ledger import grow
from exchange.benchmarks.growth import small_ledger
from exchange.benchmarks.search.ledger import season
from exchange.statistics.days import FINLAND
from tests.journeys.pages.conftest import INVALID
from tests.journeys.pages.test_caseworkers import COUNTY
from tests.journeys.pages.test_caseworkers_tasks import PERSON, from_kela
from tests.journeys.pages.test_persons import QUERY
from tests.journeys.pages.test_ten_tasks import Walk, figure
from tests.journeys.running import Running, running
from tests.journeys.test_eessi import OWNER, claim, submit

pytestmark = [pytest.mark.drill, pytest.mark.browser]

MESSAGES = 1_000_000
TRAFFIC_PER_SECOND, TRAFFIC_SECONDS = 50.0, 40.0
#: How long a page may take: the first statistics wait for the process that draws.
PATIENCE_MILLISECONDS = 120_000


@dataclass
class Found:
    """What the tasks are about."""

    served: Running
    bank: str
    case_id: str
    walk: Walk
    took: dict[str, float] = field(default_factory=dict)


@pytest.fixture
async def found(tmp_path: Path, browser_page: Page) -> AsyncIterator[Found]:
    """A ledger of a million, and today's messages that the tasks look for."""
    path, made = tmp_path / "exchange.db", tmp_path / "made"
    made.mkdir()
    small = await asyncio.to_thread(small_ledger, made, TRAFFIC_PER_SECOND, TRAFFIC_SECONDS)
    await asyncio.to_thread(grow, small, path, MESSAGES)
    await asyncio.to_thread(season, path, MESSAGES)
    async with running(tmp_path, storage={"url": f"sqlite:///{path}"}) as served:
        await served.post(
            "/luova/v1/messages",
            INVALID.read_bytes(),
            "dvv",
            Content_Type="application/json",
            X_Message_Id="refused-today",
        )
        play = claim()
        await submit(served, play.opening_bytes, OWNER)
        await served.post(
            "/kelmu/v1/queries",
            json.dumps(QUERY | {"person": PERSON}),
            COUNTY,
            Content_Type="application/json",
        )
        sample = "information-request--two-statements"
        await from_kela(served, "information-requests", sample, "r-1")
        dead = await served.exchange.ledger.dead(1000)
        receivers = [each.delivery.receiver for each in dead]
        banks = [each for each in receivers if each.startswith("bank.")]
        browser_page.set_default_timeout(PATIENCE_MILLISECONDS)
        walk = Walk(browser_page, served.url)
        yield Found(served, (banks or receivers)[0], play.opening.case_id, walk)


async def test_each_task_is_three_clicks_away(
    found: Found, record_property: Callable[[str, object], None]
) -> None:
    for task in TASKS:
        await found.walk.begin()
        begun = time.perf_counter()
        await task(found)
        told = (task.__doc__ or "").rstrip(".")
        found.took[told] = time.perf_counter() - begun
        record_property(told, f"{found.walk.clicks} clicks, {found.took[told]:.1f} s")
        print(f"{told}: {found.walk.clicks} clicks, {found.took[told]:.1f} s")
    assert len(found.took) == 10


async def why_refused(found: Found) -> None:
    """Why a message was refused."""
    await found.walk.at(figure("luova.rejected.today"))
    await found.walk.at("tbody a")
    await found.walk.shows("What is wrong")


async def partner_page(found: Found, name: str) -> None:
    """A partner's page, by its id."""
    await found.walk.link("Partners", "nav.menu")
    await found.walk.at(f"tbody a[href^='/partners/{name}?']")


async def what_waits(found: Found) -> None:
    """What waits for a bank."""
    await partner_page(found, found.bank)
    await found.walk.link("What waits for it")
    await expect(found.walk.page.get_by_label("Receiver")).to_have_value(found.bank)
    await found.walk.shows("Messages")


async def all_of_a_case(found: Found) -> None:
    """All of a case."""
    await found.walk.link("Messages", "nav.menu")
    await found.walk.page.get_by_label("Any id").fill(found.case_id)
    await found.walk.button("Search")
    await found.walk.shows("P2000")


async def about_a_person(found: Found) -> None:
    """All about a person."""
    await found.walk.link("Messages", "nav.menu")
    await found.walk.page.get_by_label("Personal identity code").fill(PERSON)
    await found.walk.button("Search by person")
    await found.walk.shows("kelmu.benefit-query")
    await found.walk.shows("kelmu.information-request")


async def send_again(found: Found) -> None:
    """Send again what a bank refused since yesterday."""
    page = found.walk.page
    await found.walk.link("Dead letters", "nav.menu")
    await page.get_by_label("Receiver").fill(found.bank)
    yesterday = datetime.datetime.now(FINLAND).date() - datetime.timedelta(days=1)
    await page.get_by_label("From (Finnish time)").fill(yesterday.isoformat())
    await found.walk.button("Search")
    await found.walk.button("Send all of these again")
    await found.walk.shows("resend")


async def pause(found: Found) -> None:
    """Pause a bank."""
    await partner_page(found, found.bank)
    await found.walk.button("Pause")
    await found.walk.shows("paused")


async def today_against_yesterday(found: Found) -> None:
    """Today against yesterday."""
    await found.walk.shows("yesterday")


async def the_months_table(found: Found) -> None:
    """The month's table as XLSX in Swedish."""
    walk = await found.walk.begin("sv")
    await walk.link("Statistik", "nav.menu")
    await walk.link("Denna månad")
    async with walk.page.expect_download() as download:
        await walk.link("XLSX")
    path = await (await download.value).path()
    assert path.read_bytes()[:2] == b"PK"


async def who_asked(found: Found) -> None:
    """Who asked about a person."""
    await found.walk.link("Disclosures", "nav.menu")
    await found.walk.page.get_by_label("Personal identity code").fill(PERSON)
    await found.walk.button("Search")
    await found.walk.shows(COUNTY)


async def open_requests(found: Found) -> None:
    """Which county has open requests."""
    await found.walk.link("Partners", "nav.menu")
    await found.walk.link("Kela's benefit data service Kelmu", "main")
    await found.walk.shows("Pirkanmaan hyvinvointialue")


TASKS: tuple[Callable[[Found], Awaitable[None]], ...] = (
    why_refused,
    what_waits,
    all_of_a_case,
    about_a_person,
    send_again,
    pause,
    today_against_yesterday,
    the_months_table,
    who_asked,
    open_requests,
)

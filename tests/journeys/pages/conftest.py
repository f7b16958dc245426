"""A browser, and an exchange with something of everything that the pages show."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright

from tests.contracts.rows import record, settlement
from tests.exchange.journey.way import BODY
from tests.exchange.web.access.endpoints import Shut, shut
from tests.journeys.running import Running, running

SAMPLES = Path("adapters/luova/families/population/samples")
VALID = SAMPLES / "valid" / "population.births--one.json"
INVALID = SAMPLES / "invalid" / "population.births--own-child.json"
RECEIVER = "fund.super"


@dataclass
class Shown:
    """An exchange, and the ids that its partners gave to what they sent."""

    served: Running
    accepted: str = "births-1"
    rejected: str = "births-2"

    @property
    def url(self) -> str:
        """Where its pages are."""
        return self.served.url

    async def page(self, path: str) -> tuple[int, str]:
        """A page as its reader gets it."""
        status, _, body = await self.served.get(path)
        return status, body.decode()


async def filled(served: Running) -> Shown:
    """One message was accepted and delivered, one rejected, two deliveries are dead, one receiver
    is paused.
    """
    told = Shown(served)
    for path, sender_id, wanted in (
        (VALID, told.accepted, 202),
        (INVALID, told.rejected, 422),
    ):
        status, _, body = await served.post(
            "/luova/v1/messages",
            path.read_bytes(),
            "dvv",
            Content_Type="application/json",
            X_Message_Id=sender_id,
        )
        assert status == wanted, body
    now = served.exchange.clock.now()
    for number in range(2):
        each = record(
            f"dead-{number}", body=BODY, modes=("mailbox",), receiver=RECEIVER, received_at=now
        )
        each.message = each.message._replace(conversation="case-7", digest=bytes([number] * 16))
        assert (await served.exchange.ledger.record(each)).kind == "new"
        dead = settlement(each, "dead", ["dead-lettered"], now)
        dead.reason = "http-503: closed <today>"
        dead.events = [one._replace(detail=dead.reason) for one in dead.events]
        assert await served.exchange.ledger.settle(dead)
    await served.post(
        "/api/v1/partners/fund.pro/pause",
        '{"reason": "moving"}',
        Content_Type="application/json",
    )
    await served.until(lambda: not served.exchange.dispatcher.held)
    return told


@pytest.fixture
async def shown(tmp_path: Path) -> AsyncIterator[Shown]:
    """An exchange with something of everything."""
    async with running(tmp_path) as served:
        yield await filled(served)


@pytest.fixture
async def closed(tmp_path: Path) -> AsyncIterator[Shut]:
    """An exchange whose pages want keys, with an operator of each role."""
    async with shut(tmp_path) as started:
        yield started


@pytest.fixture
async def browser_page(browser_path: str) -> AsyncIterator[Page]:
    """An empty page of a browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"]
        )
        yield await browser.new_page(viewport={"width": 1280, "height": 1000})
        await browser.close()

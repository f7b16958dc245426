"""What operators come for, each at most three clicks from the overview: driven in the browser on an
exchange with something of everything.
"""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.journeys.pages.conftest import RECEIVER, Shown
from tests.journeys.test_eessi import OWNER, claim, submit

pytestmark = pytest.mark.browser

CLICKS_MAX = 3


class Walk:
    """A way through the pages that counts its clicks; filling a field is none."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.clicks = 0

    async def begin(self, language: str = "en") -> Walk:
        """From the overview."""
        await self.page.goto(f"{self.url}/?lang={language}")
        self.clicks = 0
        return self

    async def link(self, name: str, within: str = "body") -> Walk:
        """Follow a link."""
        self.clicks += 1
        await self.page.locator(within).get_by_role("link", name=name).first.click()
        return self

    async def at(self, place: str) -> Walk:
        """Click at the first of what a selector finds."""
        self.clicks += 1
        await self.page.locator(place).first.click()
        return self

    async def button(self, name: str) -> Walk:
        """Press a button."""
        self.clicks += 1
        await self.page.get_by_role("button", name=name, exact=True).first.click()
        return self

    async def shows(self, text: str) -> None:
        """It is there, and was not too far."""
        await expect(self.page.locator("main")).to_contain_text(text)
        assert self.clicks <= CLICKS_MAX, text


def figure(field: str) -> str:
    """The link of a figure on the overview."""
    return f"a:has([data-field='{field}'])"


async def test_what_operators_come_for_is_three_clicks_away(
    shown: Shown, browser_page: Page
) -> None:
    walk, ledger = Walk(browser_page, shown.url), shown.served.exchange.ledger
    # Why was this refused?
    await (await (await walk.begin()).at(figure("luova.rejected.today"))).at("tbody a")
    await walk.shows("What is wrong")
    # What waits for a receiver?
    await (await (await walk.begin()).link("Partners", "nav.menu")).link("Pron", "tbody")
    await walk.link("What waits for it")
    await walk.shows("No message is like that.")
    # All of a case.
    play = claim()
    await submit(shown.served, play.opening_bytes, OWNER)
    await (await walk.begin()).link("Messages", "nav.menu")
    await browser_page.get_by_label("Any id").fill(play.opening.case_id)
    await walk.button("Search")
    await walk.shows("P2000")
    # Today against yesterday.
    await (await walk.begin()).shows("yesterday –")
    # Send again what a receiver refused since a day.
    await (await walk.begin()).link("Dead letters", "nav.menu")
    await browser_page.get_by_label("Receiver").fill(RECEIVER)
    await browser_page.get_by_label("From (Finnish time)").fill("2026-01-01")
    await (await walk.button("Search")).button("Send all of these again")
    await walk.shows("resend")
    for _ in range(100):
        if not await ledger.dead(10):
            break
        await browser_page.wait_for_timeout(50)
    assert await ledger.dead(10) == []
    # Pause a receiver.
    await (await (await walk.begin()).link("Partners", "nav.menu")).link("Super", "tbody")
    await walk.button("Pause")
    await walk.shows("paused")

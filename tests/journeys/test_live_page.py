"""The operators' page in a real browser, while a running exchange serves traffic: its figures grow
before the reader's eyes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from exchange import discovery
from exchange.partners.sender import send_traffic
from tests.journeys.running import Running

pytestmark = pytest.mark.browser

WAIT_MILLISECONDS = 20_000
LINKED = "document.querySelector('a[data-span=today]')"
GROWN = "start => Number(document.querySelector('[data-field=\"all.delivered\"]').textContent.replace(/\\s/g, '')) > start"


@pytest.fixture
async def page(browser_path: str) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page(viewport={"width": 1280, "height": 1600})
        yield page
        await browser.close()


def collected(page: Page) -> list[str]:
    """What the browser complains of, as it comes."""
    complaints: list[str] = []
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text) if message.type in ("error", "warning") else None
        ),
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return complaints


async def figure(page: Page, field: str) -> int:
    text = await page.locator(f"[data-field='{field}']").first.text_content()
    return int((text or "").replace("\u00a0", "").replace("\u202f", "") or -1)


async def traffic(gateway: Running, seconds: float) -> Any:
    return await send_traffic(
        discovery.stubs(), gateway.exchange.directory, gateway.url, 40, seconds, 7
    )


@pytest.mark.parametrize(
    "language, live, heading",
    [("fi", "päivittyy", "Tiedonvälitys"), ("en", "live", "Information exchange")],
)
async def test_the_page_of_a_running_exchange_grows(
    gateway: Running, page: Page, tmp_path: Path, language: str, live: str, heading: str
) -> None:
    complaints = collected(page)
    await page.goto(f"{gateway.url}/?lang={language}")
    assert await page.locator("html").get_attribute("lang") == language
    before = await figure(page, "all.delivered")
    sending = asyncio.create_task(traffic(gateway, 3))
    await page.wait_for_function(GROWN, arg=before, timeout=WAIT_MILLISECONDS)
    halfway = await figure(page, "all.delivered")
    await page.wait_for_function(GROWN, arg=halfway, timeout=WAIT_MILLISECONDS)
    sent = await sending
    assert sent.total.accepted > 0
    # (As at midnight: what was linked is another day's.)
    await page.evaluate(f"{LINKED}.href = '/messages?since=1970-01-01'")
    await page.wait_for_function(
        f"() => {LINKED}.href.includes('since=20')", timeout=WAIT_MILLISECONDS
    )
    assert before == 0 < halfway < await figure(page, "all.delivered")
    assert await page.locator("h1").text_content() == heading
    assert await page.locator("#link").text_content() == live
    assert await page.locator("polyline[data-spark]").first.get_attribute("points") is not None
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
        "the page is wider than its window"
    )
    await page.screenshot(path=tmp_path / f"live.{language}.png", full_page=True)
    assert complaints == []
    await says_what_the_counters_say(gateway, page)


async def says_what_the_counters_say(gateway: Running, page: Page) -> None:
    """Deliveries may still be made: the two are compared until they stand still."""
    async with asyncio.timeout(WAIT_MILLISECONDS / 1000):
        while True:
            counts = [await gateway.counts(name) for name in gateway.exchange.channels]
            await page.reload()
            if await figure(page, "all.delivered") == sum(
                kinds.get("delivered", 0) for kinds in counts
            ):
                return

"""What operators do in the browser: send a dead letter again, skip the others, pause and resume a
receiver, look it up in the audit log, have a document judged; in each language, at each width, by
keyboard order and for readers of screens.
"""

from __future__ import annotations

import json

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from exchange.web.pages.translations import LANGUAGES
from tests.journeys.pages.conftest import INVALID, RECEIVER, VALID, Shown

pytestmark = pytest.mark.browser

PAGES = (
    "/",
    "/messages",
    "/messages?state=rejected",
    "/messages?state=nonsense",
    "/dead-letters",
    "/partners?q=fund",
    "/partners/fund.pro",
    "/partners/nobody",
    "/no/such/page",
    "/audit",
    "/stubs",
    "/nodes",
    "/disclosures",
    "/validate",
    "/statistics/runs",
    "/cases/eessi/none",
    "/kelmu/",
    "/kelmu/?organisation=county.pirkanmaa&worker=sos.tt.12&mandate=view-benefit-data",
    "/kelmu/?organisation=county.pirkanmaa&worker=sos.tt.12&mandate=handle-requests&task=document",
    "/kelmu/?organisation=county.pirkanmaa&worker=sos.tt.12&mandate=handle-requests&task=answer"
    "&information_request=r-1&statements=service-needs-assessment",
    "/kelmu/?organisation=county.pirkanmaa&worker=sos.tt.12&mandate=handle-requests&task=log",
)
SWITCHES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}


async def test_dead_letters_are_sent_again_and_skipped(shown: Shown, browser_page: Page) -> None:
    page, ledger = browser_page, shown.served.exchange.ledger
    await page.goto(f"{shown.url}/dead-letters?lang=en&receiver={RECEIVER}")
    await expect(page.get_by_role("row")).to_have_count(1 + 1 + 2)
    await page.get_by_role("button", name="Send again", exact=True).first.click()
    await expect(page.get_by_role("button", name="Send again", exact=True)).to_have_count(1)
    assert len(await ledger.dead(10)) == 1
    await page.get_by_text("Skip all of these").first.click()
    assert len(await ledger.dead(10)) == 1, "whoever thinks again has skipped nothing"
    await page.get_by_role("button", name="Skip all of these").click()
    await expect(page.get_by_text("skip, ")).to_be_visible()
    async with page.expect_navigation():
        await page.get_by_role("button", name="Search").click()
    for _ in range(100):
        if not await ledger.dead(10):
            break
        await page.wait_for_timeout(50)
    assert await ledger.dead(10) == []
    await page.goto(f"{shown.url}/audit?lang=en")
    text = await page.locator("table").inner_text()
    assert "resend" in text
    assert "skip-by-filter" in text
    assert "open" in text


async def test_a_receiver_is_paused_and_resumed(shown: Shown, browser_page: Page) -> None:
    page, states = browser_page, shown.served.exchange.receiver_states
    await page.goto(f"{shown.url}/partners/{RECEIVER}?lang=en")
    await page.get_by_role("button", name="Pause").click()
    await expect(page.get_by_role("button", name="Resume")).to_be_visible()
    assert {each.receiver: each.state for each in await states.all()}[RECEIVER] == "paused"
    await page.get_by_role("button", name="Resume").click()
    await expect(page.get_by_role("button", name="Pause")).to_be_visible()
    assert {each.receiver: each.state for each in await states.all()}[RECEIVER] == "up"


@pytest.mark.parametrize("given", ["file", "pasted"])
async def test_a_document_is_judged_and_not_taken_in(
    shown: Shown, browser_page: Page, given: str
) -> None:
    page = browser_page
    before = await shown.served.counts("luova")
    for path, told in ((VALID, "Valid"), (INVALID, "What is wrong: 1")):
        await page.goto(f"{shown.url}/validate?lang=en")
        if given == "file":
            await page.locator("input[type=file]").set_input_files(path)
        else:
            await page.locator("textarea").fill(path.read_text(encoding="utf-8"))
        await page.get_by_role("button", name="Validate").click()
        await expect(page.locator("#wrong")).to_have_text(told)
    (violation,) = json.loads(INVALID.with_suffix(".expected.json").read_text(encoding="utf-8"))
    assert violation["rule"] in await page.locator(".violations").inner_text()
    await expect(page.locator("mark")).to_have_count(1)
    assert await shown.served.counts("luova") == before


async def test_every_page_is_for_everybody(shown: Shown, browser_page: Page) -> None:
    page, complaints = browser_page, list[str]()
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    (letter, *_) = await shown.served.exchange.ledger.dead(1)
    rejected = (await shown.page("/messages?state=rejected"))[1].split("/messages/")[1][:32]
    await page.set_viewport_size({"width": 320, "height": 800})
    for path in (*PAGES, f"/messages/{rejected}", f"/messages/{letter.message.id:032x}"):
        for language in LANGUAGES:
            mark = "&" if "?" in path else "?"
            await page.goto(f"{shown.url}{path}{mark}lang={language}")
            wide = await page.evaluate("document.documentElement.scrollWidth")
            assert wide <= 320, (path, wide)
            assert await page.locator("html").get_attribute("lang") == language
        found = await Axe().run(page, options=SWITCHES)
        assert found.violations_count == 0, (path, found.generate_report())
        # (A refused search and an unknown partner are 400 and 404, which a browser logs.)
        assert [each for each in complaints if "status of 40" not in each] == [], path


@pytest.mark.drill
async def test_the_interface_is_for_everybody(shown: Shown, browser_page: Page) -> None:
    await browser_page.set_viewport_size({"width": 320, "height": 800})
    await browser_page.goto(f"{shown.url}/docs")
    assert await browser_page.evaluate("document.documentElement.scrollWidth") <= 320
    found = await Axe().run(browser_page, options=SWITCHES)
    assert found.violations_count == 0, found.generate_report()

"""Signing in with a real browser where keys are demanded: the form, a wrong key, the page, signing
out; without JavaScript too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright

from exchange.web.pages.translations import LANGUAGES, gettext
from tests.exchange.web.access.endpoints import Shut, shut

pytestmark = pytest.mark.browser

#: What a person with a screen reader or a keyboard needs of a form.
LABELLED = """() => [...document.querySelectorAll("input:not([hidden]), button")].every(
  (each) => (each.labels?.length || each.textContent.trim()) && each.getClientRects().length)"""


@pytest.fixture
async def closed(tmp_path: Path) -> AsyncIterator[Shut]:
    async with shut(tmp_path) as started:
        yield started


@pytest.mark.parametrize("script", [True, False])
async def test_an_operator_signs_in_and_out(
    closed: Shut, browser_path: str, tmp_path: Path, script: bool
) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"]
        )
        context = await browser.new_context(java_script_enabled=script, locale="en")
        page = await context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        await page.goto(closed.running.url + "/")
        assert page.url.endswith("/sign-in")
        await sign_in(page, "wrong")
        assert await page.get_by_role("alert").count() == 1
        await page.screenshot(path=tmp_path / "wrong.png")
        await sign_in(page, closed.keys["operator"])
        assert page.url.rstrip("/").startswith(closed.running.url)
        assert "/sign-in" not in page.url
        assert "a-operator" in (await page.locator(".sign-out").text_content() or "")
        if script:
            await page.wait_for_function("document.getElementById('link').textContent === 'live'")
        (cookie,) = await context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        await page.get_by_role("button", name="Sign out").click()
        await page.wait_for_url("**/sign-in**")
        assert await context.cookies() == []
        await page.goto(closed.running.url + "/")
        assert "/sign-in" in page.url
        # (The 401 of the wrong key is a line on the console; nothing of the policy is.)
        assert [text for text in complaints if "401" not in text] == []
        await browser.close()


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_form_speaks_the_readers_language(
    closed: Shut, browser_path: str, tmp_path: Path, language: str
) -> None:
    say = gettext(language)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page(viewport={"width": 360, "height": 700})
        await page.goto(f"{closed.running.url}/?lang={language}")
        assert await page.locator("html").get_attribute("lang") == language
        assert await page.locator("h1").text_content() == say("Sign in")
        assert await page.get_by_label(say("Operator's key")).count() == 1
        assert await page.evaluate(LABELLED)
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await page.screenshot(path=tmp_path / f"form.{language}.png")
        await browser.close()


async def sign_in(page: Page, key: str) -> None:
    """Fill in the form, and wait for what comes of it."""
    await page.get_by_label("Operator's key").fill(key)
    async with page.expect_navigation():
        await page.get_by_role("button", name="Sign in").click()

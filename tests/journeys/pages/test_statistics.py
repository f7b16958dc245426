"""The statistics of any period from the running exchange: counted beside published, charts, and
each file.
"""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from axe_playwright_python.async_playwright import Axe
from lxml import html
from playwright.async_api import Page

from exchange.web.pages.statistics import FILES
from exchange.web.pages.translations import LANGUAGES
from tests.journeys.pages.conftest import Shown
from tests.journeys.pages.test_tasks import SWITCHES


@pytest.mark.drill  # (The process that draws takes some seconds to begin.)
async def test_a_period_is_shown_and_taken_home(shown: Shown) -> None:
    status, text = await shown.page("/statistics?lang=sv")
    assert status == 200, text
    page = html.document_fromstring(text)
    (births,) = page.xpath("//tr[normalize-space(th)='Födelseuppgifter']")
    assert births.xpath("td")[1].text_content(), "what was published stands beside it"
    assert page.xpath("//figure//svg[@role='img']"), "something was counted: it is drawn"
    assert page.xpath("//@style | //style") == []
    links = {str(each) for each in page.xpath("//p[@class='files']/a/@href")}
    assert {each.partition("?")[0].rpartition("statistics.")[2] for each in links} == {*FILES}
    for address in links:
        status, headers, body = await shown.served.get(address)
        assert status == 200
        assert headers["X-Content-Type-Options"] == "nosniff"
        if ".xlsx" in address:
            workbook = zipfile.ZipFile(io.BytesIO(body)).read("xl/sharedStrings.xml").decode()
            assert "Födelseuppgifter" in workbook
        elif ".json" in address:
            assert json.loads(body)


async def test_what_is_no_period_is_told(shown: Shown) -> None:
    for wrong, told in (
        ("from=yesterday", "from is a date as in 2026-11-29"),
        ("from=2026-02-01&until=2026-01-01", "the first day is after the last"),
        ("year=1999", "year is one of"),
        ("until=9999-12-31", "until is a date from 1971 to 9998"),
    ):
        status, text = await shown.page(f"/statistics?lang=en&{wrong}")
        assert (status, told in text) == (400, True), wrong
        assert (await shown.page(f"/statistics/statistics.csv?{wrong}"))[0] == 400
    assert (await shown.page("/statistics/statistics.exe"))[0] == 404


@pytest.mark.drill
@pytest.mark.browser
async def test_the_page_is_for_everybody(shown: Shown, browser_page: Page) -> None:
    page, complaints = browser_page, list[str]()
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    await page.set_viewport_size({"width": 320, "height": 800})
    for language in LANGUAGES:
        await page.goto(f"{shown.url}/statistics?lang={language}")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    found = await Axe().run(page, options=SWITCHES)
    assert found.violations_count == 0, found.generate_report()
    assert complaints == []

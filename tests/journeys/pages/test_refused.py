"""A browser that is refused, or meets a failure, gets a page in its reader's language; programs get
what they always got, whatever they say that they accept.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from lxml import html

from exchange.web.pages.refused import WORDS
from exchange.web.pages.translations import LANGUAGES, words
from tests.exchange.web.access.endpoints import Shut, shut
from tests.journeys.pages.forms import form

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: As Chromium says it.
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
#: As Java's own client says it.
JAVA = {"Accept": "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def closed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shut]:
    """An exchange whose pages want keys, with an operator of each role."""
    async with shut(tmp_path_factory.mktemp("refused")) as started:
        yield started


async def page(
    closed: Shut, path: str, role: str = "admin", method: str = "GET", data: object = None,
    **headers: str,
) -> tuple[int, html.HtmlElement]:  # fmt: skip
    """Status and page of what a browser asks for."""
    status, told, text = await closed.call(method, path, role, data, **{**BROWSER, **headers})
    assert told["Content-Type"] == "text/html; charset=utf-8", (path, text)
    assert "default-src 'none'" in told["Content-Security-Policy"]
    root = html.document_fromstring(text)
    assert root.get("lang") == told["Content-Language"]
    return status, root


@pytest.mark.parametrize(
    ("language", "heading"), [("fi", "Ei sallittu"), ("sv", "Inte tillåtet"), ("en", "Not allowed")]
)
async def test_whoever_may_not_is_told_in_words(closed: Shut, language: str, heading: str) -> None:
    status, root = await page(closed, f"/audit?lang={language}", "viewer")
    assert (status, root.xpath("string(//h1)"), root.get("lang")) == (403, heading, language)
    assert "a-viewer is viewer" in root.xpath("string(//p[@lang='en'])")
    assert root.xpath("//nav//a[@href='/?lang=" + language + "']"), "the way on"
    status, told, text = await closed.call("GET", "/audit", "viewer")
    assert told["Content-Type"] == "application/problem+json"
    assert json.loads(text)["status"] == status == 403


async def test_each_refusal_has_its_page(closed: Shut) -> None:
    foreign = {"Origin": "https://evil.example"}
    found = {
        "nowhere": await page(closed, "/no/such/page"),
        "another method": await page(closed, "/audit", method="DELETE"),
        "no form": await page(closed, "/validate", method="POST", data=b"{}"),
        "too many fields": await page(
            closed, "/stubs", method="POST", data=form([("x", "y")] * 21)
        ),
        "foreign": await page(closed, "/dead-letters", method="POST", data=form([]), **foreign),
        "no period": await page(closed, "/statistics/statistics.csv?from=yesterday"),
        "no such runs": await page(closed, "/statistics/runs/side-by-side.csv?run=a&run=b"),
    }
    assert {name: status for name, (status, _) in found.items()} == {
        "nowhere": 404,
        "another method": 405,
        "no form": 400,
        "too many fields": 400,
        "foreign": 403,
        "no period": 400,
        "no such runs": 400,
    }
    detail = {name: root.xpath("string(//p[@lang='en'])") for name, (_, root) in found.items()}
    assert "yesterday" in detail["no period"]
    assert "at most 20 fields" in detail["too many fields"]
    assert all(detail.values()), detail


async def test_what_an_address_says_wrongly_is_told_in_the_pages_language(closed: Shut) -> None:
    for path, told in (
        ("/audit?before=x", "before är id:t"),
        ("/dead-letters?before=x", "32 hexadecimala siffror"),
        ("/messages?before=x", "before"),
        ("/statistics?from=x&year=1", "år"),
    ):
        status, root = await page(closed, f"{path}&lang=sv")
        assert (status, told in root.xpath("string(//*[@role='alert'])")) == (400, True), path


async def test_a_ledger_that_says_no_is_told_on_a_page(tmp_path: Path) -> None:
    async with shut(tmp_path) as closed:
        await closed.running.exchange.ledger.close()
        status, root = await page(closed, "/messages?lang=fi", "viewer")
        assert (status, root.xpath("string(//h1)")) == (503, "Ei käytettävissä juuri nyt")
        _, told, _ = await closed.call("GET", "/", "viewer", **BROWSER)
        assert told["Retry-After"] == "1"


async def test_programs_get_no_page(closed: Shut) -> None:
    for path, role in (
        ("/api/v1/audit", "viewer"),
        ("/api/v1/nothing", "admin"),
        ("/luova/v1/nothing", ""),
        ("/kelmu/v1/nothing", ""),
        ("/metrics", ""),
    ):
        status, told, text = await closed.call("GET", path, role, **JAVA)
        if path == "/metrics":
            continue
        assert status >= 400
        assert "json" in told["Content-Type"], path
        assert "<html" not in text


async def test_another_hosts_name_in_the_path_leads_nowhere(closed: Shut) -> None:
    _, root = await page(closed, "//evil.example/x?a=1&a=2")
    links = {str(each) for each in root.xpath("//nav[@aria-label='Language']/a/@href")}
    assert links == {f"?a=1&a=2&lang={each}" for each in LANGUAGES}
    assert not [each for each in root.xpath("//@href") if str(each).startswith("//")]


async def test_every_refusal_has_its_words() -> None:
    for heading, text in WORDS.values():
        assert {*words()[heading]} == {*words()[text]} == {*LANGUAGES}

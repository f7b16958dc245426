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
    ("language", "heading", "why"),
    [
        (
            "fi",
            "Ei sallittu",
            "valvojan a-viewer rooli on viewer; tarvitaan rooli admin tai ylempi",
        ),
        ("sv", "Inte tillåtet", "a-viewer har rollen viewer; rollen admin eller en högre behövs"),
        ("en", "Not allowed", "a-viewer is viewer; the role admin or a higher one is wanted"),
    ],
)
async def test_whoever_may_not_is_told_in_words(
    closed: Shut, language: str, heading: str, why: str
) -> None:
    status, root = await page(closed, f"/audit?lang={language}", "viewer")
    assert (status, root.xpath("string(//h1)"), root.get("lang")) == (403, heading, language)
    assert root.xpath(f"string(//p[@lang='{language}'])") == why
    assert root.xpath("//nav//a[@href='/?lang=" + language + "']"), "the way on"
    status, told, text = await closed.call("GET", "/audit", "viewer")
    assert told["Content-Type"] == "application/problem+json"
    assert json.loads(text)["status"] == status == 403


async def test_each_refusal_has_its_page(closed: Shut) -> None:
    foreign, many = {"Origin": "https://evil.example"}, form([("x", "y")] * 21)
    found = {
        "nowhere": await page(closed, "/no/such/page?lang=fi"),
        "another method": await page(closed, "/audit?lang=fi", method="DELETE"),
        "no form": await page(closed, "/validate?lang=fi", method="POST", data=b"{}"),
        "too many fields": await page(closed, "/stubs?lang=fi", method="POST", data=many),
        "foreign": await page(
            closed, "/dead-letters?lang=fi", method="POST", data=form([]), **foreign
        ),
        "no period": await page(closed, "/statistics/statistics.csv?from=yesterday&lang=fi"),
        "no such runs": await page(closed, "/statistics/runs/side-by-side.csv?run=a&lang=fi"),
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
    detail = {name: root.xpath("string(//p[@lang='fi'])") for name, (_, root) in found.items()}
    assert "'yesterday' ei ole päivä" in detail["no period"]
    assert "enintään 20 kenttää" in detail["too many fields"]
    assert all(detail.values()), detail


async def test_a_form_of_an_ended_session_can_be_sent_once_more(closed: Shut) -> None:
    """Led to another page, a browser would lose what was filled in; it sends this page's form
    again when the page is loaded again.
    """
    ended = {"Cookie": "exchange_session=ended", "Origin": closed.running.url}
    for path in ("/kelmu/", "/dead-letters", "/messages", "/sign-out-of-nowhere"):
        status, root = await page(
            closed, f"{path}?lang=sv", "", method="POST", data=form([("skip", "all")]), **ended
        )
        assert (status, root.xpath("string(//main//ol/li/a/@href)")) == (401, "/sign-in?lang=sv")
    status, told, _ = await closed.call("GET", "/kelmu/", **BROWSER, **ended)
    assert (status, told["Location"].partition("?")[0]) == (303, "/sign-in")


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

"""Stubs' behaviour is set and removed on the page, as by the API: without JavaScript, in the audit
log, and by nobody who may not.
"""

from __future__ import annotations

from lxml import html

from tests.exchange.web.access.endpoints import Shut
from tests.journeys.pages import forms
from tests.journeys.running import Running


async def posted(gateway: Running, **fields: str) -> tuple[int, html.HtmlElement]:
    """Status and page of the form, after it led on."""
    return await forms.posted(gateway, "/stubs", *fields.items())


async def test_a_stub_answers_as_the_page_says(gateway: Running) -> None:
    status, page = await posted(gateway, partner="fund.pro", status="503", times="1", fault="")
    assert status == 200, page.text_content()
    (row,) = page.xpath("//section[h2/@id='standing']//tbody/tr")
    assert {"fund.pro", "503"} <= set(row.text_content().split())
    status, page = await posted(gateway, partner="fund.pro", status="many")
    assert (status, bool(page.xpath("//p[@role='alert']"))) == (400, True)
    assert page.xpath("//input[@name='status']/@value") == ["many"]
    (number,) = row.xpath(".//button[@name='remove']/@value")
    _, page = await posted(gateway, remove=number)
    assert page.xpath("//section[h2/@id='standing']") == []
    audited = await gateway.exchange.ledger.audited(10)
    assert [(row.what, row.target) for _, row in audited] == [
        ("override-remove", number),
        ("override", number),
    ]


async def test_a_viewer_looks_and_nobody_who_may_not_changes_anything(closed: Shut) -> None:
    status, _, text = await closed.call("GET", "/stubs?lang=en", "viewer")
    assert (status, 'name="remove"' in text, 'name="partner"' in text) == (200, False, False)
    for role, headers, wanted in (
        ("viewer", {}, 403),
        ("", {}, 401),
        ("operator", {"Origin": "https://elsewhere.example"}, 403),
    ):
        data = forms.form([("partner", "fund.pro"), ("status", "503")])
        assert (await closed.call("POST", "/stubs", role, data, **headers))[0] == wanted

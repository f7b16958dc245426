"""A county's worker asks Kelmu in the browser: by the organisation's right, as a query of the user
interface, in the audit log, and with nobody's code in an address.
"""

from __future__ import annotations

import json
from typing import Any

import aiohttp
from lxml import html

from tests.exchange.web.access.endpoints import Shut
from tests.journeys.pages import forms
from tests.journeys.running import Running

COUNTY, TOWN = "county.pirkanmaa", "municipality.tampere"
PERSON = "140890-9423"
WORKER = "sos.tt.12"


def signed_in(organisation: str) -> str:
    """The address of a worker's page."""
    return f"/kelmu/?organisation={organisation}&worker={WORKER}&mandate=view-benefit-data"


def form(page: html.HtmlElement, **given: Any) -> aiohttp.FormData:
    """The page's own form as a browser sends it, with some fields filled in."""
    (found,) = page.xpath("//form[@method='post' and contains(@action, '/kelmu/')]")
    fields: list[tuple[str, str]] = [
        (name, value)
        for name, value in found.form_values()
        if name not in given and isinstance(value, str)
    ]
    for name, values in given.items():
        fields += [(name, value) for value in ([values] if isinstance(values, str) else values)]
    return forms.form(fields)


async def read(gateway: Running, path: str) -> html.HtmlElement:
    """A page of the exchange."""
    status, _, body = await gateway.get(path)
    assert status == 200, body
    return html.document_fromstring(body.decode())


async def asked(gateway: Running, organisation: str, **given: Any) -> tuple[int, html.HtmlElement]:
    """Status and page of an answer."""
    page = await read(gateway, signed_in(organisation))
    url = f"{gateway.url}/kelmu/?lang=fi"
    headers = {"Origin": gateway.url}
    async with gateway.session.post(url, data=form(page, **given), headers=headers) as response:
        return response.status, html.document_fromstring(await response.text())


async def test_a_worker_reads_what_the_organisation_may_see(gateway: Running) -> None:
    page = await read(gateway, "/kelmu/?lang=fi")
    offered = set(page.xpath("//select[@name='organisation']/option/@value"))
    assert {COUNTY, TOWN} <= offered
    assert not [each for each in offered if each.startswith("bank.")], "a bank has no right"
    status, page = await asked(
        gateway,
        COUNTY,
        person=PERSON,
        legal_ground="1412/1997 14 §",
        benefits=["basic-social-assistance", "general-housing-allowance"],
        data_groups=["decision", "payments"],
    )
    assert status == 200, page.text_content()
    assert page.xpath("//section[@id='answer']")
    titles = [str(each.text_content()) for each in page.xpath("//section[@id='answer']//h3")]
    rows = await gateway.exchange.ledger.totals(("endpoint", "kind", "sender", "message_type"))
    counted = {values: count for values, count, *_ in rows}
    key = ("ui", "accepted", COUNTY, "kelmu.benefit-query")
    assert counted[key] == 1, "counted as a query of the user interface"
    assert titles[-1] == "Kysely"
    assert len(titles) <= 3, titles
    ((_, audited), *_) = await gateway.exchange.ledger.audited(1)
    assert (audited.what, audited.target) == ("kelmu-query-as-worker", COUNTY)


async def test_what_is_wrong_with_a_query_is_told_and_kept_in_the_form(gateway: Running) -> None:
    status, page = await asked(
        gateway, COUNTY, person="140890-9424", benefits=["pensions"], data_groups=["decision"]
    )
    assert status == 400
    told = "Tämä ei ole henkilötunnus. Tarkista tarkistusmerkki."
    (link,) = page.xpath("//section[@role='alert']//li/a")
    (field,) = page.xpath("//*[@aria-invalid]")
    assert (link.text_content().strip(), link.get("href")) == (told, f"#{field.get('id')}")
    assert (field.get("name"), field.get("value")) == ("person", "140890-9424")
    assert page.get_element_by_id(field.get("aria-describedby")).text_content().strip() == told
    assert page.xpath("//input[@value='pensions']/@checked"), "what was chosen stays"
    form_of_town = await read(gateway, signed_in(TOWN))
    values = set(form_of_town.xpath("//input[@name='benefits']/@value"))
    assert "child-benefit" in values
    assert "pensions" not in values, "what the organisation may not ask is not offered"


async def test_who_is_nobodys_worker_gets_the_form_again(gateway: Running) -> None:
    for address in (
        "/kelmu/?organisation=bank.demo-a&worker=x1&mandate=view-benefit-data",
        "/kelmu/?organisation=nobody&worker=x1&mandate=view-benefit-data",
        f"/kelmu/?organisation={COUNTY}&worker=&mandate=view-benefit-data",
        f"/kelmu/?organisation={COUNTY}&worker=x1&mandate=everything",
    ):
        page = await read(gateway, address)
        assert page.xpath("//form[@method='post' and contains(@action, '/kelmu/')]") == []
        assert page.xpath("//select[@name='organisation']")


async def test_a_viewer_a_foreign_page_and_no_session_ask_nothing(closed: Shut) -> None:
    gateway = closed.running
    address = signed_in(COUNTY)
    assert (await closed.call("GET", address, "viewer"))[0] == 403
    assert (await closed.call("GET", address))[0] == 401
    _, _, text = await closed.call("GET", address, "operator")
    for role, headers, wanted in (
        ("viewer", {}, 403),
        ("", {}, 401),
        ("operator", {"Origin": "https://elsewhere.example"}, 403),
        ("", {"Cookie": "exchange_session=ended", "Origin": gateway.url}, 401),
    ):
        data = form(html.document_fromstring(text), person=PERSON)
        status, _, _ = await closed.call("POST", "/kelmu/", role, data, **headers)
        assert status == wanted, (role, headers)
    _, _, snapshot = await closed.call("GET", "/api/v1/snapshot", "viewer")
    assert json.loads(snapshot)["channels"]["kelmu"]["received"] == 0

"""What names a person is found by the API and on the page, the person in no address, and it is in
the audit log that somebody looked, but not about whom; so is who asked about a person.
"""

from __future__ import annotations

import json

from lxml import html

from tests.exchange.web.access.endpoints import Shut
from tests.journeys.pages import forms
from tests.journeys.running import Running

PERSON, OTHER = "140890-9423", "140890-9445"
QUERY = {
    "person": PERSON,
    "purpose": "social-services",
    "legal_ground": "1301/2014",
    "user": "sos.tt.12",
    "benefits": ["pensions"],
    "data_groups": ["decision"],
    "from": "2026-11-01",
    "to": "2026-11-29",
}


async def asked(gateway: Running, **changed: str) -> str:
    """The id of a county's query; whatever became of it."""
    _, _, body = await gateway.post(
        "/kelmu/v1/queries",
        json.dumps(QUERY | changed),
        "county.pirkanmaa",
        Content_Type="application/json",
    )
    return str(json.loads(body)["id"])


async def posted(gateway: Running, path: str, **fields: str) -> tuple[int, html.HtmlElement]:
    """Status and page of a form."""
    return await forms.posted(gateway, path, *fields.items())


async def found(gateway: Running, asked_for: object) -> tuple[int, object]:
    """What the API says to a question about a person."""
    status, _, body = await gateway.post(
        "/api/v1/messages/search", json.dumps(asked_for), Content_Type="application/json"
    )
    told = json.loads(body)
    return status, [each["id"] for each in told["messages"]] if status == 200 else told["detail"]


async def test_what_names_a_person_is_found_refused_or_not(gateway: Running) -> None:
    answered, refused = await asked(gateway), await asked(gateway, purpose="enforcement")
    await asked(gateway, person=OTHER)
    assert await found(gateway, {"person": PERSON}) == (200, [refused, answered])
    assert await found(gateway, {"person": PERSON, "state": "rejected"}) == (200, [refused])
    assert await found(gateway, {"person": PERSON, "before": refused}) == (200, [answered])
    for wrong in ({"person": "140890-9424"}, {"person": ["x"]}, {"persons": PERSON}, [], {}):
        status, told = await found(gateway, wrong)
        assert status == 400, wrong
        assert "140890-9424" not in str(told)
    status, page = await posted(gateway, "/messages", person=PERSON)
    assert status == 200
    rows = page.xpath("//tbody//a/@href")
    assert [str(each).split("/")[2][:32] for each in rows] == [refused, answered]
    assert not [each for each in page.xpath("//@href | //@action") if PERSON in each]
    status, page = await posted(gateway, "/messages", person="140890-9424")
    assert (status, bool(page.xpath("//p[@role='alert']"))) == (400, True)
    audited = await gateway.exchange.ledger.audited(10)
    assert [row.what for _, row in audited] == ["messages-of-person"] * 4
    assert PERSON not in repr(audited)


async def test_who_asked_about_a_person_is_told_on_a_page(gateway: Running) -> None:
    await asked(gateway)
    status, page = await posted(gateway, "/disclosures", person=PERSON)
    assert status == 200
    (row,) = page.xpath("//tbody/tr")
    assert {"county.pirkanmaa", "sos.tt.12", "social-services"} <= set(row.text_content().split())
    status, page = await posted(gateway, "/disclosures", person=OTHER)
    assert (status, page.xpath("//tbody")) == (200, [])
    status, page = await posted(gateway, "/disclosures", person="140890-1234")
    assert (status, bool(page.xpath("//p[@role='alert']"))) == (400, True)


async def test_who_may_not_asks_about_nobody(closed: Shut) -> None:
    gateway = closed.running
    for path, allowed, lower in (
        ("/messages", "operator", "viewer"),
        ("/disclosures", "admin", "operator"),
    ):
        for role, headers, wanted in (
            (lower, {}, 403),
            ("", {}, 401),
            (allowed, {"Origin": "https://elsewhere.example"}, 403),
            ("", {"Cookie": "exchange_session=ended", "Origin": gateway.url}, 401),
            (allowed, {}, 200),
        ):
            data = forms.form([("person", PERSON)])
            status, _, _ = await closed.call("POST", path, role, data, **headers)
            assert status == wanted, (path, role, headers)
    audited = await gateway.exchange.ledger.audited(10)
    assert len([row for _, row in audited if row.target == "a person"]) == 2

"""A county's worker handles Kela's requests and notices in the browser, sends documents and reads
the own log: each by the endpoint of the user interface, judged and counted like any other.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lxml import html

from exchange.adapters.kelmu.generate import pdf
from tests.journeys.pages.test_caseworkers import COUNTY, WORKER, form, read
from tests.journeys.pages.test_persons import QUERY, asked
from tests.journeys.running import Running

SAMPLES = Path("adapters/kelmu/samples/valid")
PERSON = "220984V9880"
FILE = ("lausunto.pdf", "application/pdf", pdf("Lausunto"))


def address(task: str, **more: str) -> str:
    """The page of a task."""
    said = "".join(f"&{name}={value}" for name, value in {"task": task, **more}.items())
    return f"/kelmu/?organisation={COUNTY}&worker={WORKER}&mandate=handle-requests{said}"


async def done(
    gateway: Running, page: html.HtmlElement, *files: tuple[str, str, bytes], **given: Any
) -> tuple[int, html.HtmlElement]:
    """Status and page of the page's form, filled in and with files."""
    data = form(page, **given)
    for name, content_type, content in files:
        data.add_field("files", content, filename=name, content_type=content_type)
    url, headers = f"{gateway.url}/kelmu/?lang=en", {"Origin": gateway.url}
    async with gateway.session.post(url, data=data, headers=headers) as response:
        return response.status, html.document_fromstring(await response.text())


async def counted(gateway: Running, name: str, endpoint: str) -> int:
    """How many messages of a type were accepted of the county by an endpoint."""
    rows = await gateway.exchange.ledger.totals(("message_type", "sender", "endpoint", "kind"))
    return {values: count for values, count, *_ in rows}.get(
        (f"kelmu.{name}", COUNTY, endpoint, "accepted"), 0
    )


async def from_kela(gateway: Running, path: str, sample: str, number: str) -> None:
    """Kela's request or notice comes in, and no stub answers in the county's place."""
    down = json.dumps({"id": "down", "partner": COUNTY, "fault": "down"})
    await gateway.post("/api/v1/stubs/overrides", down, Content_Type="application/json")
    body = json.loads((SAMPLES / f"kelmu.{sample}.json").read_bytes())
    body |= {"authority": COUNTY} if "authority" in body else {}
    status, _, told = await gateway.post(
        f"/kelmu/v1/{path}",
        json.dumps(body),
        "kela.benefits",
        Content_Type="application/json",
        X_Message_Id=number,
    )
    assert status == 202, told


async def test_a_request_is_answered_with_a_file(gateway: Running) -> None:
    sample = "information-request--two-statements"
    await from_kela(gateway, "information-requests", sample, "r-1")
    page = await read(gateway, "/kelmu/?lang=en")
    (opened,) = page.xpath("//section[h2/@id='open']//tr")
    assert [each.text_content().strip() for each in opened][1] == "1"
    assert f"organisation={COUNTY}" in opened.xpath("string(.//a/@href)")
    status, page = await done(gateway, await read(gateway, address("requests")))
    assert status == 200, page.text_content()
    ((go,),) = [row.xpath(".//a/@href") for row in page.xpath("//section[@id='answer']//tbody/tr")]
    assert PERSON in page.text_content()
    said = parse_qs(urlsplit(go).query)
    assert said["information_request"] == ["r-1"]
    assert PERSON not in go
    form_of_answer = await read(gateway, str(go))
    texts = {"text.social-care-statement": "Asumismenot ovat kohtuulliset.\nLausunto liitteenä."}
    status, page = await done(gateway, form_of_answer, FILE, **texts)
    assert status == 202, page.text_content()
    assert await counted(gateway, "information-request-answer", "ui") == 1
    wanted = await gateway.exchange.ledger.find("kelmu", COUNTY, await newest_id(gateway))
    assert wanted is not None
    kept = await gateway.exchange.ledger.body(wanted.id) or b""
    assert FILE[2] in kept
    given = json.loads(kept.split(b"\r\n\r\n", 1)[1].split(b"\r\n--", 1)[0])["given"]
    assert [(each["statement"], each["known"]) for each in given] == [
        ("social-care-statement", True),
        ("service-needs-assessment", False),
    ]
    page = await read(gateway, "/kelmu/?lang=en")
    assert page.xpath("//section[h2/@id='open']") == [], "nothing is open any more"
    status, page = await done(gateway, form_of_answer, **texts)
    assert status == 400
    assert "answered already" in page.xpath("string(//section[@role='alert'])")
    assert page.xpath("//textarea/text()") == [texts["text.social-care-statement"]]


async def newest_id(gateway: Running) -> str:
    """The sender's id of the newest message."""
    _, _, body = await gateway.get(f"/api/v1/messages?sender={COUNTY}&state=accepted")
    return str(json.loads(body)["messages"][0]["sender_message_id"])


async def test_documents_are_sent_and_a_wrong_file_is_told(gateway: Running) -> None:
    page = await read(gateway, address("document"))
    given = {"person": PERSON, "requested_by_client": "yes"}
    status, told = await done(gateway, page, ("kuva.png", "image/png", b"no picture"), **given)
    assert (status, await counted(gateway, "document", "ui")) == (400, 0)
    beside = " ".join(told.get_element_by_id("wrong-files").text_content().split())
    assert beside == "File 1: The file is neither PDF, JPEG nor PNG."
    assert (await done(gateway, page, **given))[0] == 400, "a document comes with a file"
    empty = ("", "application/octet-stream", b"")
    assert (await done(gateway, page, empty, FILE, **given))[0] == 202
    assert await counted(gateway, "document", "ui") == 1


async def test_a_form_that_is_sent_twice_is_one_message(gateway: Running) -> None:
    page = await read(gateway, address("document"))
    given = {"person": PERSON, "requested_by_client": "yes"}
    first, again = [await done(gateway, page, FILE, **given) for _ in range(2)]
    assert [status for status, _ in (first, again)] == [202, 202]
    receipts = [told.xpath("string(//section[@id='answer']//tbody)") for _, told in (first, again)]
    assert receipts[0] == receipts[1]
    assert await counted(gateway, "document", "ui") == 1
    # What was changed after going back, and the same by another showing, are other messages.
    assert (await done(gateway, page, FILE, text="Lisäksi.", **given))[0] == 202
    assert (await done(gateway, await read(gateway, address("document")), FILE, **given))[0] == 202
    assert await counted(gateway, "document", "ui") == 3


async def test_a_notice_is_moved(gateway: Running) -> None:
    await from_kela(gateway, "notices", "notice--contact-request", "n-1")
    status, page = await done(gateway, await read(gateway, address("notices")))
    assert status == 200, page.text_content()
    (go,) = page.xpath("//section[@id='answer']//tbody//a/@href")
    moving = await read(gateway, str(go))
    offered = moving.xpath("//select[@name='authority']/option/@value")
    assert "county.kainuu" in offered
    assert not {COUNTY, "municipality.tampere"} & {*offered}, "to who has a county's tasks only"
    given = {"authority": "county.kainuu", "reason": "Asiakas on muuttanut."}
    status, page = await done(gateway, moving, **given)
    assert status == 202, page.text_content()
    assert await counted(gateway, "notice-transfer", "ui") == 1


async def test_the_own_log_tells_what_was_done_and_names_nobody(gateway: Running) -> None:
    await done(gateway, await read(gateway, address("requests")))
    page = await read(gateway, address("document"))
    await done(gateway, page, FILE, person=PERSON, requested_by_client="yes")
    await asked(gateway)
    log = await read(gateway, address("log", lang="en"))
    rows = [each.text_content() for each in log.xpath("//section[h2/@id='own-log']//tbody/tr")]
    assert len(rows) == 3
    assert PERSON not in log.text_content()
    # (The second is what the county asked for, not who asked.)
    for other in ("sos.tt.13", QUERY["purpose"]):
        log = await read(gateway, address("log").replace(WORKER, str(other)))
        assert log.xpath("//section[h2/@id='own-log']//tbody") == [], other


async def test_what_an_address_says_is_bounded_by_the_task(gateway: Running) -> None:
    """An address may say which request is answered, but no person."""
    page = await read(gateway, address("document", person=PERSON))
    assert page.xpath("//input[@name='person']/@value") == [""]
    for wrong in (address("answer"), address("move"), address("query"), address("nothing")):
        page = await read(gateway, wrong)
        assert page.xpath("//form[@method='post' and contains(@action, '/kelmu/')]") == [], wrong

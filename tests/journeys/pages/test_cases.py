"""A case's page tells its documents in their order, and what each participant may send next: the
same as the channel tells the participants themselves.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from lxml import html

from exchange.adapters.eessi.generate.messages import KELA
from exchange.schemas.envelope import public_id
from tests.adapters.eessi.access_point import ESTONIA
from tests.journeys.pages.conftest import Shown
from tests.journeys.running import Running
from tests.journeys.test_eessi import COUNTERPARTY, OWNER, claim, look, submit


async def read(gateway: Running, path: str) -> html.HtmlElement:
    """A page of the exchange."""
    status, _, body = await gateway.get(path)
    assert status == 200, body
    return html.document_fromstring(body.decode())


async def test_a_case_is_a_sequence_with_what_each_may_send_next(gateway: Running) -> None:
    play = claim()
    _, receipt = await submit(gateway, play.opening_bytes, OWNER)
    await gateway.settled()
    message = await read(gateway, f"/messages/{receipt['id']}?lang=en")
    (address,) = message.xpath("//a[starts-with(@href, '/cases/')]/@href")
    page = await read(gateway, address)
    _, case = await look(gateway, f"cases/{play.opening.case_id}", OWNER)
    told = [each.text_content() for each in page.xpath("//ol[@class='sequence']//strong")]
    wanted = [document["type"] for document in case["documents"]]
    assert [text.split()[0] for text in told] == wanted
    assert wanted[0] == "P2000"
    assert len(wanted) > 1, "the stub answered"
    linked = page.xpath("//ol[@class='sequence']//a[starts-with(@href, '/messages/')]/@href")
    assert len(linked) == sum(len(each["versions"]) for each in case["documents"])
    headings = {str(each.xpath("string(.//code)")): each for each in page.xpath("//h3")}
    for partner, institution in ((OWNER, ESTONIA), (COUNTERPARTY, KELA)):
        _, seen = await look(gateway, f"cases/{play.opening.case_id}", partner)
        offered = [
            each.text_content().split()[0]
            for each in headings[institution].xpath("following::ul[1]/li")
        ]
        assert offered == [each["documentType"] for each in seen["actions"]], partner
    status, _, body = await gateway.get("/cases/eessi/none?lang=en")
    assert (status, b"No such case" in body) == (404, True)
    status, _, _ = await gateway.get("/cases/luova/none?lang=en")
    assert status == 404


async def test_a_message_shows_the_others_of_its_conversation(shown: Shown) -> None:
    one, other = (each.message for each in await shown.served.exchange.ledger.dead(2))
    _, text = await shown.page(f"/messages/{public_id(one.id)}?lang=en")
    page = html.document_fromstring(text)
    related = page.xpath("//h2[@id='related']/following-sibling::ul//a/@href")
    assert [str(each).split("/")[2][:32] for each in related] == [public_id(other.id)]
    assert page.xpath("//a[starts-with(@href, '/cases/')]") == [], "the channel keeps no cases"


@pytest.mark.drill
async def test_a_refused_message_is_copied_as_a_test_that_passes(
    shown: Shown, tmp_path: Path
) -> None:
    _, listed = await shown.page("/messages?state=rejected&lang=en")
    number = listed.split("/messages/")[1][:32]
    _, text = await shown.page(f"/messages/{number}?lang=en")
    copied = html.document_fromstring(text).xpath("string(//pre[@aria-labelledby='as-test'])")
    _, _, body = await shown.served.get(f"/api/v1/messages/{number}/body")
    (tmp_path / "message").write_bytes(body)
    (tmp_path / "test_message.py").write_text(copied, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_message.py"]
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + copied

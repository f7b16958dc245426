"""What partners write stays text on every page, and is seen whole; addresses of nonsense get an
answer in words.
"""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote, urlencode

from lxml import html

from exchange.schemas.envelope import public_id
from exchange.schemas.violation import visible
from tests.exchange.web.dead import die
from tests.journeys.pages.conftest import INVALID
from tests.journeys.running import Running

#: Markup, quotes, and what turns the order of letters or is not seen.
MARKUP = "<img src=x onerror=alert(1)>'\"&amp;"
TURNED = "a\u202egnp.exe\u200b\u2066"
LONG = "x" * 900_000
PAGES = ("/", "/messages", "/dead-letters", "/partners", "/partners/county.own", "/audit", "/stubs")
#: Parameters that some page reads, and values that none expects.
NAMES = ("q", "since", "until", "before", "after", "lang", "state", "channel", "type", "reason")
OF_STATISTICS = ("from", "until", "year", "run", "lang")
NONSENSE = (
    "0000-00-00",
    "0001-01-01T00:00:00-23:59",
    "9999-12-31T23:59:59+23:59",
    "-1",
    "1e999",
    "\u202e",
    "\x00",
    "'; DROP TABLE message; --",
    "../../../../etc/passwd",
    "f" * 32,
    "x" * 1_200,
)
#: Addresses with an id.
WITH_ID = ("/messages/{}", "/partners/{}", "/cases/eessi/{}", "/cases/{}/x", "/statistics/{}")


async def test_what_partners_write_stays_text(gateway: Running) -> None:
    of_json = {"Content_Type": "application/json"}
    sent = {"X_Message_Id": MARKUP, "X_Conversation_Id": MARKUP}
    body = INVALID.read_bytes().replace(b'"NAINEN"', f'"{TURNED}{LONG}"'.encode())
    await gateway.post("/luova/v1/messages", body, "dvv", **of_json, **sent)
    small = INVALID.read_bytes().replace(b'"NAINEN"', json.dumps(MARKUP + TURNED).encode())
    await gateway.post("/luova/v1/messages", small, "dvv", **of_json, X_Message_Id="small")
    added = {"id": "county.own", "name": MARKUP, "sector": "wellbeing-county"}
    await gateway.post("/api/v1/partners", json.dumps(added), **of_json)
    await die(gateway.exchange, MARKUP, f"http-503: {MARKUP}{TURNED}", "county.own")
    reason = json.dumps({"reason": MARKUP + TURNED})
    await gateway.post("/api/v1/partners/county.own/pause", reason, **of_json)
    page = (await gateway.get("/messages"))[2].decode()
    messages = {str(each) for each in html.fromstring(page).xpath("//td[@class='time']/a/@href")}
    assert len(messages) >= 2
    seen = 0
    for path in (*PAGES, *messages):
        status, _, content = await gateway.get(path)
        text = content.decode()
        assert status == 200, path
        assert len(text) < 1_500_000, path
        assert "<img" not in text, path
        assert not {*"\u202e\u200b\u2066"} & {*text}, path
        seen += MARKUP in html.fromstring(text).text_content()
    assert seen >= len(PAGES) - 3, "the texts are there"
    assert visible(TURNED) == "a\\u202egnp.exe\\u200b\\u2066"


async def test_nonsense_in_an_address_is_answered_in_words(
    gateway: Running, tmp_path: Path
) -> None:
    found = {}
    for path in (*PAGES, "/kelmu/", "/statistics", "/statistics/runs"):
        names = OF_STATISTICS if path.startswith("/statistics") else NAMES
        for value in NONSENSE:
            query = urlencode(dict.fromkeys(names, value))
            if path.startswith("/statistics"):
                # (A year that is none: no report is made, which would take a process.)
                query += "&year=1"
            status, _, body = await gateway.get(f"{path}?{query}")
            found[path, value[:40]] = status
            assert b"<title>" in body or status == 400, (path, value)
    for path in WITH_ID:
        for value in (*NONSENSE, public_id(1)):
            address = path.format(quote(value, safe=""))
            found[address[:60], ""] = (await gateway.get(address))[0]
    assert {*found.values()} <= {200, 400, 404}, found

"""Messages are found by what they are, by any id and by time; a message's page says what happened,
what is wrong with it, and where.
"""

from __future__ import annotations

import datetime
import json
import re
from urllib.parse import urlencode

from lxml import html

from exchange.clocks import first_id
from exchange.schemas.envelope import public_id
from exchange.statistics.days import FINLAND
from tests.journeys.pages.conftest import VALID, Shown


async def found(shown: Shown, **query: str) -> list[str]:
    """The senders' ids on the page of a search."""
    status, text = await shown.page(f"/messages?{urlencode({'lang': 'en', **query})}")
    assert status == 200, text
    return [
        str(each) for each in html.fromstring(text).xpath("//tbody//td[@class='id']/code/text()")
    ]


SEARCHES: tuple[tuple[dict[str, str], list[str]], ...] = (
    ({"sender": "dvv"}, ["births-2", "births-1", "dead-1", "dead-0"]),
    ({"state": "rejected"}, ["births-2"]),
    ({"state": "dead"}, ["dead-1", "dead-0"]),
    ({"reason": "rule"}, ["births-2"]),
    ({"reason": "http-503"}, ["dead-1", "dead-0"]),
    ({"receiver": "fund.super"}, ["dead-1", "dead-0"]),
    ({"type": "population.births"}, ["dead-1", "dead-0"]),
    ({"conversation": "case-7"}, ["dead-1", "dead-0"]),
    ({"message_id": "births-1"}, ["births-1"]),
    ({"q": "births-2"}, ["births-2"]),
    ({"q": "case-7"}, ["dead-1", "dead-0"]),
    ({"q": "nothing has this id"}, []),
    ({"since": "2099-01-01"}, []),
    ({"until": "2000-01-01"}, []),
    ({"since": "2000-01-01", "until": "2099-01-01", "reason": "rule"}, ["births-2"]),
)


async def test_messages_are_found_by_what_they_are_and_when_they_came(shown: Shown) -> None:
    for query, ids in SEARCHES:
        assert await found(shown, **query) == ids, query
        if "q" not in query:
            status, _, body = await shown.served.get(f"/api/v1/messages?{urlencode(query)}")
            assert status == 200
            told = [each["sender_message_id"] for each in json.loads(body)["messages"]]
            assert told == ids, query


async def test_any_id_opens_its_message(shown: Shown) -> None:
    (letter, *_) = await shown.served.exchange.ledger.dead(10)
    for number in (letter.message.id, letter.delivery.id):
        status, text = await shown.page(f"/messages?lang=en&q={public_id(number)}")
        assert status == 200
        assert public_id(letter.message.id) in text
        assert "What happened" in text


async def test_a_time_that_is_typed_is_finlands(shown: Shown) -> None:
    now = shown.served.exchange.clock.now() / 1000
    typed = datetime.datetime.fromtimestamp(now - 3600, FINLAND).strftime("%Y-%m-%dT%H:%M")
    assert "births-1" in await found(shown, since=typed)
    assert "births-1" not in await found(shown, until=typed), "in UTC it is yet to come"


WRONG = (
    ("state=rejcted", "there is no state 'rejcted'; there is rejected"),
    ("channel=luva", "there is no channel 'luva'; there is luova"),
    ("type=population.birth", "population.births"),
    ("since=yesterday", "since is a time as in 2026-11-29T08:00:00Z, not 'yesterday'"),
    ("before=7", "before is an id that this search gave"),
)


async def test_a_filter_that_is_none_is_told_with_what_would_be_right(shown: Shown) -> None:
    for query, told in WRONG:
        status, text = await shown.page(f"/messages?lang=en&{query}")
        assert status == 400
        assert told in str(html.fromstring(text).xpath("string(//p[@role='alert'])"))
        status, _, body = await shown.served.get(f"/api/v1/messages?{query}")
        assert (status, told in json.loads(body)["detail"]) == (400, True)


async def test_what_is_wrong_is_told_in_the_readers_language(shown: Shown) -> None:
    for page in ("messages", "dead-letters"):
        status, text = await shown.page(f"/{page}?lang=fi&since=eilen")
        assert (status, "&#39;eilen&#39; ei ole aika" in text) == (400, True), page
    status, text = await shown.page("/statistics?lang=sv&from=2026-02-01&until=2026-01-01")
    assert (status, "den första dagen är efter den sista" in text) == (400, True)


async def test_a_refused_message_shows_what_is_wrong_and_where(shown: Shown) -> None:
    (line,) = (await shown.page("/messages?lang=en&state=rejected"))[1].split("<tbody>")[1:]
    status, text = await shown.page(html.fromstring(line).xpath("string(//a/@href)"))
    assert status == 200
    page = html.fromstring(text)
    _, _, body = await shown.served.get(
        f"/api/v1/messages/{page.xpath('string(//pre)').split('/')[-2]}"
    )
    violations = json.loads(body)["detail"]["violations"]
    assert len(page.xpath("//ol[@class='violations']/li")) == len(violations) > 0
    for number, each in enumerate(violations, 1):
        item = " ".join(page.xpath(f"string(//li[@id='violation-{number}'])").split())
        for part in (each["message"], each["rule"], each["path"], f"line {each['line']}"):
            assert part in item
        (mark,) = page.xpath(f"//mark[a/@href='#violation-{number}']")
        line_of_it = mark.xpath("string(ancestor::li)")
        assert line_of_it.index(mark.text_content()) == each["column"] - 1
        assert mark.xpath("string(ancestor::li/@id)") == f"line-{each['line']}"
    assert "rejected" in page.xpath("string(//ol[@class='events'])")


async def test_the_lines_to_try_it_again_are_of_this_exchange(shown: Shown) -> None:
    _, text = await shown.page("/messages?lang=en&message_id=births-1")
    href = re.search(r'<td class="time"><a href="([^"]+)"', text)
    assert href is not None
    lines = html.fromstring((await shown.page(href[1].replace("&amp;", "&")))[1]).xpath(
        "string(//pre)"
    )
    address = lines.split()[2]
    status, _, body = await shown.served.get(address.removeprefix(shown.url))
    assert (status, body) == (200, VALID.read_bytes())
    assert "exchange send message --from dvv" in lines


async def test_unknown_and_forgotten_are_told_apart(shown: Shown) -> None:
    forgotten = public_id(first_id(shown.served.exchange.clock.now() - 401 * 86_400_000))
    recent = public_id(first_id(shown.served.exchange.clock.now() - 1_000))
    for number, told in (
        ("nothing", "No message has this id"),
        ("0" * 32, "No message has this id"),
        ("f" * 32, "No message has this id"),
        (recent, "No message has this id"),
        (forgotten, "are forgotten by retention"),
    ):
        status, text = await shown.page(f"/messages/{number}?lang=en")
        assert status == 404
        assert told in text, number

"""Dead letters are sent again and skipped, and receivers paused and resumed, by forms alone: without
JavaScript, each in the audit log, and nothing by mistake.
"""

from __future__ import annotations

import json

from lxml import html

from exchange.schemas.envelope import public_id
from tests.journeys.pages.conftest import RECEIVER, Shown
from tests.journeys.pages.forms import posted

LETTERS = "/dead-letters"


async def dead(shown: Shown) -> list[str]:
    """The ids of the dead letters, the newest first."""
    return [public_id(each.delivery.id) for each in await shown.served.exchange.ledger.dead(10)]


async def noted(shown: Shown, most: int) -> list[str]:
    """What the newest rows of the audit log say."""
    return [row.what for _, row in await shown.served.exchange.ledger.audited(most)]


async def test_the_chosen_ones_are_sent_again_or_skipped(shown: Shown) -> None:
    newest, oldest = await dead(shown)
    status, page = await posted(shown.served, LETTERS, ("resend", "chosen"))
    assert (status, page.xpath("string(//*[@role='alert'])")) == (400, "no letter was chosen")
    assert len(await dead(shown)) == 2, "what is not chosen is not all"
    _, text = await shown.page(LETTERS)
    pressed = html.fromstring(text).xpath("//form[.//input[@name='delivery']]//button/@value")
    assert pressed[0] == "chosen", "Enter in a tick presses no row's own button"
    status, page = await posted(
        shown.served, LETTERS, ("delivery", newest), ("delivery", oldest), ("skip", oldest)
    )
    assert (status, await dead(shown)) == (200, [newest]), "a row's own button is for its row"
    assert page.xpath("string(//div[@role='status']/p)").split() == ["Skipped:", "1"]
    status, page = await posted(
        shown.served, LETTERS, ("delivery", newest), ("delivery", oldest), ("resend", "chosen")
    )
    assert (status, await dead(shown)) == (200, [])
    told = page.xpath("//div[@role='status']/p")
    assert [" ".join(each.text_content().split()) for each in told] == [
        "Sent again: 1",
        "Not changed: 1 (no dead letter has that id)",
    ]
    assert {*await noted(shown, 3)} == {"skip", "resend"}


async def test_a_message_leads_back_to_itself(shown: Shown) -> None:
    (letter, _) = await shown.served.exchange.ledger.dead(2)
    message = public_id(letter.message.id)
    fields = ("message", message), ("resend", public_id(letter.delivery.id))
    status, page = await posted(shown.served, LETTERS, *fields)
    assert (status, len(page.xpath("//h2[@id='events']"))) == (200, 1), "the message's page"
    status, page = await posted(shown.served, LETTERS, *fields, language="fi")
    assert "Ei muutettu" in page.xpath("string(//div[@role='status'])"), "and says why not"


async def test_all_that_a_filter_finds_at_a_rate(shown: Shown) -> None:
    jobs = shown.served.exchange.letter_jobs
    for rate in ("", "0", "nan", "5001", "-1", "1e3x"):
        status, page = await posted(shown.served, LETTERS, ("skip", "all"), ("per_second", rate))
        assert status == 400, rate
        assert "5000" in page.xpath("string(//*[@role='alert'])"), rate
    assert await jobs.newest() is None
    wanted = ("receiver", RECEIVER), ("since", "2020-01-01T00:00")
    fields = (*wanted, ("skip", "all"), ("per_second", "0.01"))
    status, page = await posted(shown.served, LETTERS, *fields)
    job = await jobs.newest()
    assert (status, job and job.wanted.receiver, job and job.matched) == (200, RECEIVER, 2)
    assert page.xpath("//input[@name='receiver' and not(@type)]/@value") == [RECEIVER]
    status, page = await posted(shown.served, LETTERS, *fields, language="sv")
    assert (status, "redan" in page.xpath("string(//*[@role='alert'])")) == (409, True)
    await posted(shown.served, LETTERS, ("stop", "job"))
    stopped = await jobs.newest()
    assert stopped is not None
    assert stopped.state == "stopped"
    assert await noted(shown, 2) == ["skip-stop", "skip-by-filter"]
    assert len(await dead(shown)) == 2


async def test_a_receiver_is_paused_for_a_reason_and_resumed(shown: Shown) -> None:
    path, states = f"/partners/{RECEIVER}", shown.served.exchange.receiver_states
    for reason in ("x" * 201, "as 131052-308T said"):
        status, page = await posted(shown.served, path, ("pause", "1"), ("reason", reason))
        assert status == 400
        assert reason not in page.text_content()
    status, page = await posted(shown.served, path, ("pause", "1"), ("reason", " moving "))
    assert (status, "moving" in page.text_content()) == (200, True)
    paused = {each.receiver: each for each in await states.all()}[RECEIVER]
    assert (paused.state, paused.reason) == ("paused", "moving")
    await posted(shown.served, path, ("resume", "1"))
    assert {each.receiver: each.state for each in await states.all()}[RECEIVER] == "up"
    assert await noted(shown, 2) == ["resume", "pause"]
    status, _ = await posted(shown.served, "/partners/nobody.here", ("pause", "1"))
    assert status == 404


async def test_a_partners_page_tells_how_old_its_key_is(shown: Shown) -> None:
    added = json.dumps({"id": "county.own", "sector": "wellbeing-county"})
    told = {"Content_Type": "application/json"}
    assert (await shown.served.post("/api/v1/partners", added, **told))[0] == 200
    _, page = await shown.page("/partners/county.own?lang=sv")
    assert "1; den nyaste gjordes" in " ".join(page.split())
    assert "(dess ålder:" in " ".join(page.split())
    _, page = await shown.page(f"/partners/{RECEIVER}?lang=sv")
    assert "katalogens fil" in page

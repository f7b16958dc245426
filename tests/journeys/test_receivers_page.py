"""What operators are told of receivers that are not simply up: on the page in a real browser, in
the API, on /metrics and by /health/ready; and that it goes away.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect
from prometheus_client.parser import text_string_to_metric_families

from exchange.ports.ledger import Settlement
from exchange.web.figures import receiver_conditions
from tests.contracts.rows import record, settlement
from tests.exchange.journey.way import BODY
from tests.journeys.running import Running, running

WAIT_MILLISECONDS = 20_000
HOUR = 3_600_000
#: Half a minute, so that no shown minute changes while a test looks.
HALF = 30_000
JSON_TYPE = {"Content_Type": "application/json"}
FAILING, PAUSED, HOLDING = "kela.income-data", "fund.pro", "fund.super"


async def disturb(served: Running) -> Settlement:
    """One receiver fails, one is paused, one has a dead letter with two followers; the settlement
    that skips that letter.
    """
    exchange, now = served.exchange, served.exchange.clock.now()
    await exchange.receiver_states.fail(
        FAILING, now - 2 * HOUR - HALF, "http-503", now + HOUR + HALF
    )
    path = f"/api/v1/partners/{PAUSED}/pause"
    status, _, body = await served.post(path, '{"reason": "moving house"}', **JSON_TYPE)
    assert status == 200, body
    letters = [
        record(f"h-{number}", body=BODY, modes=("mailbox",), receiver=HOLDING, received_at=now)
        for number in range(3)
    ]
    for number, each in enumerate(letters):
        each.message = each.message._replace(
            conversation="case-1", digest=bytes([number] * 16), received_at=now - 3 * HOUR - HALF
        )
        each.deliveries = [one._replace(ordered=1) for one in each.deliveries]
        assert (await exchange.ledger.record(each)).kind == "new"
    dead = settlement(letters[0], "dead", ["dead-lettered"], now)
    dead.reason = "refused: no such person"
    dead.events = [each._replace(detail=dead.reason) for each in dead.events]
    assert await exchange.ledger.settle(dead)
    return settlement(letters[0], "skipped", ["skipped"], now, from_state="dead")


async def metrics(served: Running) -> dict[tuple[str, str, str], float]:
    """What /metrics says of receivers: by name, receiver and state."""
    _, _, text = await served.get("/metrics")
    return {
        (sample.name, sample.labels["receiver"], sample.labels.get("state", "")): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
        if sample.name.startswith("exchange_receiver")
    }


async def test_who_needs_attention_is_told_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver_conditions, "HELD_UP_SECONDS", 0.0)
    monkeypatch.setattr(receiver_conditions, "COST_FACTOR", 0)
    async with running(tmp_path) as served:
        skips = await disturb(served)
        _, _, body = await served.get("/api/v1/partners")
        told = {each["receiver"]: each for each in json.loads(body)}
        assert [told[each]["state"] for each in (FAILING, PAUSED, HOLDING)] == [
            "failing",
            "paused",
            "up",
        ]
        assert (told[PAUSED]["reason"], told[FAILING]["reason"]) == ("moving house", "http-503")
        assert told[HOLDING]["held_up"] == 2
        _, _, body = await served.get("/health/ready")
        ready = json.loads(body)
        assert ready["held_up"] == 2
        assert ready["held_up_oldest_at"] == told[HOLDING]["held_up_oldest_at"] is not None
        shown = await metrics(served)
        assert shown["exchange_receiver_state", FAILING, "failing"] == 1
        assert shown["exchange_receiver_state_seconds", FAILING, "failing"] >= 7200
        assert shown["exchange_receiver_state", PAUSED, "paused"] == 1
        assert shown["exchange_receiver_held_up", HOLDING, ""] == 2
        assert shown["exchange_receiver_held_up_oldest_seconds", HOLDING, ""] >= 3 * 3600
        assert await served.exchange.ledger.settle(skips)
        await served.post(f"/api/v1/partners/{PAUSED}/resume", "{}", **JSON_TYPE)
        await served.exchange.receiver_states.recover(FAILING, served.exchange.clock.now())
        left = await metrics(served)
        assert {name for name, *_ in left} == {
            "exchange_receiver_outages_total",
            "exchange_receiver_probes_total",
        }, "only what grows is left"
        assert left["exchange_receiver_outages_total", FAILING, ""] == 1
        _, _, body = await served.get("/health/ready")
        assert json.loads(body)["held_up"] == 0


@pytest.mark.browser
@pytest.mark.parametrize("language", ["en", "fi"])
async def test_the_page_shows_who_needs_attention_and_since_when(
    tmp_path: Path, browser_path: str, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.setattr(receiver_conditions, "HELD_UP_SECONDS", 0.0)
    monkeypatch.setattr(receiver_conditions, "COST_FACTOR", 0)
    async with running(tmp_path) as served, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page(viewport={"width": 1280, "height": 1000})
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(f"{served.url}/?lang={language}")
        rows = page.locator("[data-receivers] tr")
        await expect(page.locator("#all-up")).to_be_visible()
        await expect(rows).to_have_count(0)
        skips = await disturb(served)
        await expect(rows).to_have_count(3, timeout=WAIT_MILLISECONDS)
        await expect(page.locator("#all-up")).to_be_hidden()
        await rows.first.get_by_role("link").focus()
        at = await page.locator("time").inner_text()
        await expect(page.locator("time")).not_to_have_text(at, timeout=WAIT_MILLISECONDS)
        await expect(rows.first.get_by_role("link")).to_be_focused()
        texts = [await each.inner_text() for each in await rows.all()]
        assert FAILING in texts[0]
        assert "http-503" in texts[0]
        assert "2 h 0 min" in texts[0]
        assert PAUSED in texts[1]
        assert "moving house" in texts[1]
        assert HOLDING in texts[2]
        assert "3 h 0 min" in texts[2]
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await page.screenshot(path=tmp_path / f"receivers.{language}.png")
        await page.reload()
        again = [await each.inner_text() for each in await rows.all()]
        # (The seconds of the one that was paused just now go on.)
        assert [again[0], again[2]] == [texts[0], texts[2]], "as loaded, so by event"
        assert await served.exchange.ledger.settle(skips)
        await expect(rows).to_have_count(2, timeout=WAIT_MILLISECONDS)
        assert complaints == []
        await browser.close()

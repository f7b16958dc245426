"""Tests of the page's table of receivers: who stands in it, in which order, in which words."""

from __future__ import annotations

import json

import pytest
from lxml import html

from exchange.web.figures.receiver_conditions import Condition
from exchange.web.pages.figures import Figures, Rates
from exchange.web.pages.receiver_rows import ROWS_MAX, receiver_rows
from exchange.web.pages.render import Renderer
from tests.exchange.web.pages.made_up import CHANNELS, ROWS, figures

NOW = 1_732_406_400_000
MINUTE = 60_000
CONDITIONS = [
    Condition("a.held", "Held", held_up=1200, held_up_oldest_at=NOW - 50 * 60 * MINUTE),
    Condition("b.full", "Full", waiting=5_000_000, full=True),
    Condition("c.well", "Well", since=NOW - MINUTE, outages=3),
    Condition("d.paused", "Paused", "paused", NOW - 90 * MINUTE, "moving <b>house</b>"),
    Condition("e.down", "Down", "failing", NOW - 61_000, "http-503", 7, NOW + 5_000, full=True),
]


def test_those_that_need_attention_stand_in_the_table_the_worst_first() -> None:
    rows = receiver_rows(CONDITIONS, NOW, "en")
    assert [each.receiver for each in rows] == ["e.down", "d.paused", "b.full", "a.held"]
    down, paused, full, held = rows
    assert (down.kind, down.states, down.lasts) == ("failing", "failing, full", "1 min")
    assert (down.why, down.probe) == ("http-503", "7 failed, next in 5 s")
    assert (paused.lasts, paused.since) == ("1 h 30 min", "24 Nov 2024 00:30:00 EET")
    assert (full.kind, full.states, full.since, full.waiting) == (
        "full",
        "full",
        "",
        "5\u00a0000\u00a0000",
    )
    assert (held.kind, held.held_up) == ("held-up", "1\u00a0200 (the oldest 2 d 2 h)")


@pytest.mark.parametrize(
    ("language", "states", "days"),
    [("fi", "häiriö, täynnä", "2 vrk 2 h"), ("sv", "störning, full", "2 d 2 h")],
)
def test_rows_are_in_the_readers_language(language: str, states: str, days: str) -> None:
    rows = receiver_rows(CONDITIONS, NOW, language)
    assert rows[0].states == states
    assert days in rows[-1].held_up


def test_what_was_said_is_text_and_rows_are_bounded() -> None:
    plain = figures(NOW)
    many = [
        Condition(f"p.{number}", "P", "paused", NOW, "moving <b>house</b>") for number in range(60)
    ]
    shown = Figures(NOW, plain.channels, plain.lines, plain.period, many)
    renderer = Renderer(CHANNELS, ROWS)
    page = html.document_fromstring(renderer.page(shown, Rates(), "en"))
    assert len(page.xpath("//tbody[@data-receivers]/tr")) == ROWS_MAX
    assert page.xpath("//tbody[@data-receivers]//b") == []
    assert "attention: 60" in " ".join(page.xpath("string(//h2[@id='receivers'])").split())
    event = json.loads(renderer.event(shown, Rates(), "en"))
    assert len(event["receivers"]) == ROWS_MAX
    assert event["texts"]["receivers"] == "60"

"""Tests of what the live page says, in which language, and of the texts that its events carry."""

from __future__ import annotations

import json
import re

import pytest
from jinja2 import Environment
from lxml import html

from exchange.web.api.message_search import STATES
from exchange.web.pages.figures import POINTS, Rates
from exchange.web.pages.layout import MENU, TEMPLATES, day, moment
from exchange.web.pages.overview_texts import spans
from exchange.web.pages.render import (
    SPARK_HEIGHT,
    SPARK_WIDTH,
    Renderer,
    rate_text,
    spark,
)
from exchange.web.pages.translations import LANGUAGES, gettext, wanted_language, words
from tests.exchange.web.pages.made_up import CHANNELS, ROWS, figures

BASES = ("published", "modelled")
RENDERER = Renderer(CHANNELS, ROWS)


def page(language: str = "en") -> html.HtmlElement:
    return html.document_fromstring(RENDERER.page(figures(), Rates(), language))


def text_of(root: html.HtmlElement, field: str) -> str:
    return str(root.xpath(f"string(//*[@data-field='{field}'][1])"))


def test_every_field_of_the_page_is_one_that_an_event_updates() -> None:
    fields = set(page().xpath("//@data-field"))
    assert fields <= set(RENDERER.texts(figures(), Rates(), "en"))
    assert {
        "luova.received",
        "quiet.waiting",
        "all.delivered",
        "row.population.births.counted",
        "at",
    } <= fields


def test_the_figures_stand_where_they_belong() -> None:
    root = page()
    assert text_of(root, "luova.received") == "1\u00a0200"
    assert text_of(root, "luova.rejected") == "2"
    assert text_of(root, "quiet.received") == "0"
    assert text_of(root, "all.delivered") == "1\u00a0197"
    assert text_of(root, "row.population.births.counted") == "7"
    assert text_of(root, "row.tax.requests-sent.counted") == "no message type yet"


@pytest.mark.parametrize(
    "language, heading", [("fi", "Vastaanotettu"), ("sv", "Mottagna"), ("en", "Received")]
)
def test_the_page_is_in_the_language_asked_for(language: str, heading: str) -> None:
    root = page(language)
    assert root.get("lang") == language
    assert heading in [cell.text_content().strip() for cell in root.xpath("//thead//th")]
    assert root.xpath("//nav/a[@aria-current]/@lang") == [language]
    assert ROWS.rows[0].title[language] in root.text_content()


def test_what_is_modelled_says_so() -> None:
    root = page()
    rows = {row.xpath("string(th)").strip(): row for row in root.xpath("//tbody/tr[td]")}
    modelled = [title for title in rows if title.endswith("modelled")]
    assert len(modelled) == 1
    assert modelled[0].startswith("Earnings-related benefit data")
    assert "modelled" in root.xpath("string(//details//tr[td/code='unemployment.earnings-data'])")


def test_titles_are_text_and_never_markup() -> None:
    assert "&lt;b&gt;Earnings" in RENDERER.page(figures(), Rates(), "en")


def test_every_table_has_headings_with_a_scope() -> None:
    root = page()
    assert root.xpath("//table")
    assert root.xpath("//th[not(@scope)]") == []


def test_nothing_on_the_page_comes_from_elsewhere_or_is_inline() -> None:
    root = page()
    assert all(
        str(address).startswith(("/", "#", "?")) and not str(address).startswith("//")
        for address in root.xpath("//@href | //@src")
    )
    assert root.xpath("//@style | //style | //script[not(@src)] | //@onclick") == []


def test_an_event_carries_every_text_that_changes() -> None:
    event = json.loads(RENDERER.event(figures(received=2000), Rates(), "fi"))
    assert event["texts"]["luova.received"] == "2\u00a0000"
    assert set(event["sparks"]) == {"luova", "quiet"}


def test_the_days_that_are_compared_begin_and_end_as_late() -> None:
    """Clocks went forward on 29 March 2026 at 3."""
    assert spans(1_774_774_830_000) == {
        "today": ("2026-03-29T00:00:00+02:00", ""),
        "yesterday": ("2026-03-28T00:00:00+02:00", "2026-03-28T12:00:00+02:00"),
        "last-week": ("2026-03-22T00:00:00+02:00", "2026-03-22T12:00:00+02:00"),
        "lately": ("2026-03-29T12:00:20+03:00", "2026-03-29T12:00:30+03:00"),
    }
    assert json.loads(RENDERER.event(figures(), Rates(), "fi"))["spans"].keys() == spans(0).keys()


def test_every_text_of_the_templates_has_its_translations() -> None:
    environment = Environment(extensions=["jinja2.ext.i18n"])
    for template in TEMPLATES.glob("*.html"):
        for _line, _function, message in environment.extract_translations(
            template.read_text(encoding="utf-8")
        ):
            # (A name that is a value is told by what it may be, below.)
            assert message is None or set(words()[str(message)]) == set(LANGUAGES), message
    for name in (*(name for _, name in MENU), *STATES, "up", "failing", "paused", *BASES):
        assert set(words()[name]) == set(LANGUAGES), name


def test_a_word_without_translation_stays_english() -> None:
    assert gettext("fi")("Something new") == "Something new"
    assert (
        gettext("fi")("x" * 2000 + " is viewer; the role admin or a higher one is wanted")[0] == "x"
    )


def test_a_text_with_values_in_it_is_said_with_them() -> None:
    said = "since is a time as in 2026-11-29T08:00:00Z, not 'to, not {given!r}'"
    assert gettext("sv")(said) == "'to, not {given!r}' är ingen tid; en tid är som 2026-11-29T08:00"
    for text, entry in words().items():
        places = set(re.findall(r"\{.*?\}", text))
        for language in LANGUAGES:
            assert set(re.findall(r"\{.*?\}", entry[language])) <= places, text


def test_dates_and_times_of_messages_are_written_as_the_language_does() -> None:
    written = [
        [day(text, language) for language in ("fi", "sv", "en")]
        for text in ("2026-11-02", "2026-11-02T22:30:00.123Z", "2026-13-02", "r-1")
    ]
    assert written == [
        ["2.11.2026", "2.11.2026", "2 Nov 2026"],
        ["3.11.2026 klo 00.30.00", "3.11.2026 kl. 00.30.00", "3 Nov 2026 00:30:00 EET"],
        ["2026-13-02"] * 3,
        ["r-1"] * 3,
    ]


@pytest.mark.parametrize(
    "asked, accepted, language",
    [
        ("sv", "fi", "sv"),
        (None, "fi-FI,fi;q=0.9,en;q=0.8", "fi"),
        (None, "de, sv;q=0.5, fi;q=0.7", "fi"),
        ("xx", "", "en"),
        (None, "en;q=nan, sv;q=x", "en"),
        (None, "fi;q=0", "en"),
    ],
)
def test_the_reader_gets_the_language_wanted(
    asked: str | None, accepted: str, language: str
) -> None:
    assert wanted_language(asked, accepted) == language


def test_rates_are_of_the_last_ten_seconds() -> None:
    rates = Rates()
    assert rates.per_second("luova", "received") is None
    for second in range(30):
        rates.add(figures(second * 1000, 1000 + (10 if second < 15 else 50) * second))
    assert rates.per_second("luova", "received") == pytest.approx(50)
    assert rates.per_second("quiet", "received") == 0
    rates.add(figures(1000, 5))
    assert rates.per_second("luova", "received") == pytest.approx(50)


def test_a_line_ends_at_the_right_edge_and_stays_in_its_picture() -> None:
    assert spark([1.0]) == ""
    points = [
        tuple(map(float, point.split(",")))
        for point in spark([0, 5, 10, 5] * (POINTS // 4)).split()
    ]
    assert points[0][0] == 0
    assert points[-1][0] == SPARK_WIDTH
    assert all(0 <= y <= SPARK_HEIGHT for _x, y in points)


def test_times_and_rates_are_written_for_people() -> None:
    assert [moment(1_732_406_400_000, language) for language in ("fi", "sv", "en")] == [
        "24.11.2024 klo 02.00.00",
        "24.11.2024 kl. 02.00.00",
        "24 Nov 2024 02:00:00 EET",
    ]
    assert moment(0, "fi") == ""
    assert (rate_text(12.345, "fi"), rate_text(1234.5, "en"), rate_text(0, "sv")) == (
        "12,3",
        "1\u00a0234",
        "0",
    )


def test_the_script_and_the_style_name_no_other_place() -> None:
    for asset in (TEMPLATES.parent / "assets").iterdir():
        addresses = re.findall(r"https?://[^\s\"')]+", asset.read_text(encoding="utf-8"))
        assert set(addresses) <= {"http://www.w3.org/2000/svg"}

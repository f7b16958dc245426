"""Tests of the HTML report: whole in one file, readable without network, script, colours or eyes;
in a real browser too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from lxml import html
from playwright.sync_api import Page, sync_playwright

from exchange.publication.page import to_html
from exchange.publication.palette import DARK, LIGHT
from exchange.publication.side_by_side import FILES, beside
from exchange.statistics.report import Report
from exchange.statistics.rows import LANGUAGES
from exchange.statistics.suppression import as_open_data
from tests.exchange.publication.test_runs import sides

#: The rules of WCAG 2.1, A and AA.
AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}


@pytest.fixture(scope="module")
def page_text(year_report: Report) -> str:
    """The English page."""
    return to_html(year_report, "en")


def contrast(one: str, other: str) -> float:
    """The contrast of two colours (WCAG 2.2, relative luminance)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_nothing_comes_from_elsewhere(page_text: str) -> None:
    root = html.document_fromstring(page_text)
    assert root.xpath("//script | //link | //img | //iframe | //object") == []
    assert all(address.startswith("#") for address in root.xpath("//@href | //@src"))
    assert set(re.findall(r"https?://[^\s\"'<)]+", page_text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_tables_have_headings_and_pictures_have_texts(page_text: str) -> None:
    root = html.document_fromstring(page_text)
    assert root.xpath("//th[not(@scope)]") == []
    assert len(root.xpath("//figure")) == 4
    for figure in root.xpath("//figure"):
        assert len(figure.xpath("string(figcaption)").strip()) > 40
        (picture,) = figure.xpath(".//*[local-name()='svg']")
        labels = picture.get("aria-labelledby").split()
        assert all(root.xpath(f"//*[@id='{label}']") for label in labels)
    ids = root.xpath("//@id")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_can_be_told_from_the_ground(palette: dict[str, str]) -> None:
    for name in ("ink", "quiet"):
        assert contrast(palette[name], palette["ground"]) >= 4.5, name
        assert contrast(palette[name], palette["band"]) >= 4.5, name
    for name in ("counted", "published", "outside"):
        assert contrast(palette[name], palette["ground"]) >= 3, name
        assert contrast(palette[name], palette["band"]) >= 3, name
    steps = [contrast(palette[f"heat-{step}"], palette["ground"]) for step in range(1, 7)]
    assert steps == sorted(steps), "more is further from the ground"


def test_the_colours_of_charts_are_the_pages(page_text: str) -> None:
    pictures = "".join(re.findall(r"<svg.*?</svg>", page_text, re.DOTALL))
    assert re.findall(r'(?:fill|stroke)="#[0-9a-f]{6}"', pictures) == []


def test_open_data_says_its_rule_and_shows_no_day(year_report: Report) -> None:
    written = to_html(as_open_data(year_report), "fi")
    assert "kynnyssääntö" in written
    assert 'id="days"' not in written


@pytest.fixture
def page(browser_path: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser.new_context(
            offline=True, color_scheme="dark", viewport={"width": 1280, "height": 900}
        ).new_page()
        browser.close()


@pytest.mark.browser
def test_chromium_shows_it_without_network(page: Page, year_report: Report, tmp_path: Path) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on(
        "request",
        lambda request: (
            complaints.append(request.url) if not request.url.startswith("file:") else None
        ),
    )
    for language in LANGUAGES:
        path = tmp_path / f"report.{language}.html"
        path.write_text(to_html(year_report, language, others=True), encoding="utf-8")
    page.goto((tmp_path / "report.fi.html").as_uri())
    page.get_by_role("link", name="English").click()
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.get_by_role("img").count() == 4
    assert page.locator("h1").inner_text() == "Exchange statistics"
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == width, (
            "nothing sticks out of the window"
        )
    box = page.locator(".rows tbody td.number").first.bounding_box()
    assert box, "a row has figures"
    assert box["x"] + box["width"] <= 390, "what was counted is seen on a phone's first screen"
    assert box["y"] + box["height"] <= 900
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 26)"
    page.set_viewport_size({"width": 1280, "height": 900})
    for language in LANGUAGES:
        page.goto((tmp_path / f"report.{language}.html").as_uri())
        assert page.evaluate(OUTSIDE) == [], "every text of a picture is within it"
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.screenshot(path=tmp_path / "report.png", full_page=True)
    assert complaints == []


@pytest.mark.drill
@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_report_is_for_everybody(
    page: Page, year_report: Report, tmp_path: Path, language: str
) -> None:
    runs = sides()
    written = {
        "report": to_html(year_report, language, others=True),
        "open": to_html(as_open_data(year_report), language),
        "side-by-side": FILES["html"](runs, beside(runs), language).decode(),
    }
    for name, text in written.items():
        path = tmp_path / f"{name}.html"
        path.write_text(text, encoding="utf-8")
        page.goto(path.as_uri())
        page.set_viewport_size({"width": 320, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, name
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # it is one of those
            found = Axe().run(page, options=AXE)
            assert found.violations_count == 0, (name, scheme, found.generate_report())


OUTSIDE = """() => Array.from(document.querySelectorAll("svg")).flatMap(svg => {
  const picture = svg.getBoundingClientRect(), room = svg.parentElement.getBoundingClientRect();
  const frame = {left: Math.max(picture.left, room.left), right: picture.right, bottom: picture.bottom};
  return Array.from(svg.querySelectorAll("text")).filter(text => {
    const box = text.getBoundingClientRect();
    return box.width && (box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1);
  }).map(text => text.textContent);
})"""

"""`make screenshots`: a picture of each page in light, dark and as on a phone, of an exchange with
some traffic, written to reports/screenshots; no test.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from exchange import discovery
from exchange.partners.sender import send_traffic
from exchange.publication.runs import tell
from tests.conftest import find_browser
from tests.exchange.publication.test_runs import TOLD, WHAT, document, lived
from tests.journeys.pages.conftest import RECEIVER, filled
from tests.journeys.pages.test_caseworkers import COUNTY, read, signed_in
from tests.journeys.pages.test_caseworkers_tasks import address, done, from_kela
from tests.journeys.running import Running, running
from tests.journeys.test_eessi import OWNER, claim, submit

FOLDER = Path("reports/screenshots")
#: Color scheme, width and height of each kind of picture.
KINDS = {"light": ("light", 1280, 900), "dark": ("dark", 1280, 900), "phone": ("light", 390, 844)}
LANGUAGES = {"light": "fi", "dark": "sv", "phone": "en"}
TRAFFIC_SECONDS = 5.0


async def main() -> int:
    """Make all of them; 2 when there is no browser."""
    path = find_browser()
    if path is None:
        print("no Chromium is on this machine: make browser", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        years = a_pair(Path(folder, "years"))
        async with (
            running(Path(folder), simulations={"folder": str(years)}) as served,
            async_playwright() as playwright,
        ):
            shown = await filled(served)
            await send_traffic(
                discovery.stubs(), served.exchange.directory, served.url, 40, TRAFFIC_SECONDS, 7
            )
            (letter, *_) = await served.exchange.ledger.dead(1)
            rejected = (await shown.page("/messages?state=rejected"))[1].split("/messages/")[1]
            pages = {
                "overview": "/",
                "messages": "/messages",
                "refused-message": f"/messages/{rejected[:32]}",
                "dead-message": f"/messages/{letter.message.id:032x}",
                "dead-letters": "/dead-letters",
                "partners": "/partners",
                "partner": f"/partners/{RECEIVER}",
                "statistics": "/statistics",
                "runs": "/statistics/runs?run=tax/without&run=tax/with",
                "no-filter": "/messages?state=rejcted",
                "no-message": f"/messages/{'f' * 32}",
                "case": await a_case(served),
                "kelmu": "/kelmu/",
                "kelmu-query": signed_in(COUNTY),
                "kelmu-requests": address("requests"),
                "kelmu-answer": await an_answer(served),
                "kelmu-document": address("document"),
                "kelmu-log": await a_log(served),
                "stubs": "/stubs",
                "nodes": "/nodes",
                "disclosures": "/disclosures",
                "validate": "/validate",
                "audit": "/audit",
                "docs": "/docs",
            }
            browser = await playwright.chromium.launch(
                executable_path=path, args=["--no-sandbox", "--disable-gpu"]
            )
            for kind in KINDS:
                await pictures(browser, kind, served.url, pages)
            await browser.close()
    print(f"{len(KINDS) * len(pages)} pictures in {FOLDER}")
    return 0


def a_pair(folder: Path) -> Path:
    """A folder with a year without and with a change, and one that is being lived."""
    changed = {**WHAT, "what_if": ["tax.requests-sent=+25%"]}
    lived(folder / "tax" / "without", 2, WHAT, document(80, 600))
    lived(folder / "tax" / "with", 2, changed, document(100, 600))
    lived(folder / "running", 1)
    tell(folder / "running", TOLD)
    return folder


async def a_case(served: Running) -> str:
    """The address of a case that was answered."""
    play = claim()
    await submit(served, play.opening_bytes, OWNER)
    await served.stubs.settle()
    return f"/cases/eessi/{play.opening.case_id}"


async def an_answer(served: Running) -> str:
    """The address of the answer to a county's request, which is open."""
    sample = "information-request--two-statements"
    await from_kela(served, "information-requests", sample, "r-1")
    statements = "social-care-statement", "service-needs-assessment"
    named = "".join(f"&statements={each}" for each in statements)
    return f"{address('answer')}&information_request=r-1{named}"


async def a_log(served: Running) -> str:
    """The address of a worker's own log, with something in it."""
    await done(served, await read(served, address("requests")))
    return address("log")


async def pictures(browser: Browser, kind: str, url: str, pages: dict[str, str]) -> None:
    """Every page in one kind."""
    scheme, width, height = KINDS[kind]
    context = await browser.new_context(
        color_scheme=scheme,  # type: ignore[arg-type]  # it is one of those that are known
        viewport={"width": width, "height": height},
    )
    page = await context.new_page()
    for name, path in pages.items():
        mark = "&" if "?" in path else "?"
        await page.goto(f"{url}{path}{mark}lang={LANGUAGES[kind]}", timeout=120_000)
        await page.screenshot(path=FOLDER / f"{name}-{kind}.png", full_page=True)
    await context.close()


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    sys.exit(asyncio.run(main()))

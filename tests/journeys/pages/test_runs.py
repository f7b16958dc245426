"""The page of simulated years: runs with their progress, some of them side by side, and as files."""

from __future__ import annotations

import json
from pathlib import Path

from lxml import html

from exchange.publication.runs import tell
from tests.exchange.publication.test_runs import TOLD, WHAT, document, lived
from tests.journeys.running import running

ASKED = "run=pair/without&run=pair/with"


async def test_runs_are_shown_with_their_progress_and_side_by_side(tmp_path: Path) -> None:
    folder = tmp_path / "years"
    async with running(tmp_path, simulations={"folder": str(folder)}) as gateway:
        status, _, body = await gateway.get("/statistics/runs?lang=en")
        assert (status, b"No run is there" in body) == (200, True)
        lived(folder / "pair" / "without", 3_000, statistics=document(80, 600))
        changed = {**WHAT, "what_if": ["tax.requests-sent=+25%"]}
        lived(folder / "pair" / "with", 3_000, changed, document(100, 600))
        lived(folder / "running", 1_000)
        tell(folder / "running", TOLD)
        _, _, body = await gateway.get(f"/statistics/runs?lang=fi&{ASKED}")
        page = html.document_fromstring(body.decode())
        (progress,) = page.xpath("//progress")
        assert float(progress.get("value")) == 100 * 64 / 1464
        assert "4.3.2024" in progress.getparent().text_content()
        names = [str(each) for each in page.xpath("//input[@name='run']/@value")]
        assert names == ["pair/without", "pair/with"], "what is not done can't be compared"
        (row,) = page.xpath("//table[@class='rows']//tr[@class='differs']")
        assert [each.text_content() for each in row.xpath("td")] == [
            *("80\u00a0000", "80", "80", "100", "+20", "+25,0")
        ]
        files = {str(each) for each in page.xpath("//p[@class='files']/a/@href")}
        assert len(files) == 4
        for address in files:
            status, headers, body = await gateway.get(address)
            assert (status, headers["X-Content-Type-Options"]) == (200, "nosniff")
            if ".json?" in address:
                assert [each["name"] for each in json.loads(body)["runs"]] == names
        for asked in ("run=pair/with", "run=running&run=pair/with", "run=../years/pair/with&run=x"):
            status, _, body = await gateway.get(f"/statistics/runs?lang=sv&{asked}")
            assert (status, b'role="alert"' in body) == (400, True), asked
            assert (await gateway.get(f"/statistics/runs/side-by-side.csv?{asked}"))[0] == 400
        assert (await gateway.get(f"/statistics/runs/side-by-side.exe?{ASKED}"))[0] == 404

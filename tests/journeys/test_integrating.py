"""The integrator's page, run line by line in an empty folder and on free ports; the lines of
Luova's page on files; and the operator's commands of docs/operating.md.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from exchange.schemas.directory import load
from exchange.schemas.envelope import public_id
from tests.exchange.journey.way import FIRST
from tests.exchange.web.dead import die
from tests.journeys.running import running
from tests.journeys.shell import free_port, said_by

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```sh (\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^```(?:python|toml) file=(\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
STATUS = re.compile(r"  # ([0-9]{3})$", re.MULTILINE)


def blocks(page: str, kind: str) -> str:
    """The lines of a page, as one script."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return "".join(lines for name, lines in BLOCK.findall(text) if name == kind)


def test_the_integrators_page_goes_as_it_says(tmp_path: Path) -> None:
    port, partners_port = free_port(), free_port()

    def placed(text: str) -> str:
        return text.replace("8080", str(port)).replace("8081", str(partners_port))

    page = (DOCS / "integrating.md").read_text(encoding="utf-8")
    for name, text in FILE.findall(page):
        (tmp_path / name).write_text(placed(text), encoding="utf-8")
    script = blocks("docs/integrating.md", "page")
    said = said_by(placed(script), tmp_path, port, partners_port)
    assert "received unemployment.benefit-data benefit-1" in said
    called = sorted(re.findall(r"called population.births birth-[0-9]", said))
    assert called == [f"called population.births birth-{number}" for number in (1, 2)], said
    assert '"state":"accepted","deliveries":[' in said
    printed, told = re.findall(r"^[0-9]{3}$", said, re.MULTILINE), STATUS.findall(script)
    assert printed == told, said
    assert len(told) >= 10
    headings = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert headings == ["1. Send", "2. Receive", "3. Be called", "4. What each status means"]


def said_by_page(name: str, language: str, folder: Path, ports: Sequence[str]) -> str:
    """What the lines of a page print, with the files that it shows beside them; the ports that it
    names are free ones here; 8080 and 8081 are the exchange's and the stubs'.
    """
    free = {number: str(free_port()) for number in {*ports, "8080", "8081"}}

    def placed(text: str) -> str:
        return re.sub("|".join(ports), lambda found: free[found[0]], text)

    page = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    for file, text in FILE.findall(page):
        (folder / file).write_text(placed(text), encoding="utf-8")
    script = placed(blocks(f"docs/{name}.md", language))
    return said_by(script, folder, int(free["8080"]), int(free["8081"]))


@pytest.mark.drill
def test_onboarding_goes_as_its_page_says(tmp_path: Path) -> None:
    said = said_by_page("onboarding", "onboarding", tmp_path, ("9000", "9100"))
    assert "14 passed, 0 failed, 9 not tried" in said
    assert "9 passed, 0 failed, 19 not tried" in said
    assert "received unemployment.benefit-data" in said
    assert "5 pushes of unemployment.benefit-data in pushes/pushes.calls.jsonl" in said
    assert {each.suffix for each in (tmp_path / "reports").iterdir()} == {".html", ".xml"}


@pytest.mark.drill
def test_a_partner_of_ones_own_goes_as_its_page_says(tmp_path: Path) -> None:
    said = said_by_page("own-partner", "own", tmp_path, ("8080", "8081", "9000", "9001"))
    assert f"{len(load()) + 1} partners, 1 of them added: all right" in said
    assert said.count("stored unemployment.earnings-data") == 3
    assert "wrong at line" in said
    assert "received unemployment.benefit-data" in said
    assert "answered kelmu.information-request-answer" in said
    assert "the register knows" in said
    assert "3 passed" in said


@pytest.mark.drill
def test_scenarios_go_as_their_page_says(tmp_path: Path) -> None:
    said = said_by_page("scenarios", "scenarios", tmp_path, ("8080", "8081"))
    assert "not busy: it is call 2 of its kind, and the override was met 1 times" in said
    assert "1 removed" in said
    assert re.search(r"[1-9][0-9]* as before, 0 otherwise, [0-9]+ not sent\n", said)
    assert re.search(r"[1-9][0-9]* alike, 0 otherwise\n", said)
    assert "delivered, receiver fund.pro: 5 (expected: 5)" in said
    assert "twice-and-broken: " in said
    assert '"met": true' in said


@pytest.mark.drill
def test_certificates_go_as_their_page_says(tmp_path: Path) -> None:
    ports = {number: str(free_port()) for number in ("8080", "8443", "8444")}

    def placed(text: str) -> str:
        return re.sub("|".join(ports), lambda found: ports[found[0]], text)

    page = (DOCS / "certificates.md").read_text(encoding="utf-8")
    for name, text in FILE.findall(page):
        (tmp_path / name).write_text(placed(text), encoding="utf-8")
    script = blocks("docs/certificates.md", "certificates")
    said = said_by(placed(script), tmp_path, int(ports["8080"]), free_port())
    printed, told = re.findall(r"^[0-9]{3}$", said, re.MULTILINE), STATUS.findall(script)
    assert printed == told, said
    assert len(told) == 7
    for line in ("the handshake refused", "status 3", "it has ended", "(income-register, kelmu)"):
        assert line in said, said


def test_files_go_as_luovas_page_says(tmp_path: Path) -> None:
    script = blocks("adapters/luova/README.md", "files")
    said = said_by(script, tmp_path, free_port(), free_port())
    assert '"messageId":"benefit-1","sender":"kela.unemployment"' in said
    assert '{"accepted":1,"duplicate":0,"rejected":0,"outcomes":[' in said
    assert "not taken: a message is a regular file TYPE~ID" in said


async def test_the_operators_commands_go_as_the_page_says(tmp_path: Path) -> None:
    async with running(tmp_path) as served:
        exchange = served.exchange
        ids = [await die(exchange, f"m-{number}", "http-503") for number in range(4)]
        ids.append(await die(exchange, "refused", "refused: no such person", FIRST))
        script = blocks("docs/operating.md", "operators")
        first, last = public_id(ids[0]), public_id(ids[-1])
        script = script.replace("FIRST_ID", first).replace("SECOND_ID", last)
        port = int(served.url.rpartition(":")[2])
        said = await asyncio.to_thread(said_by, script, tmp_path, port, 1)
    assert "5 dead letters: 4 http-503, 1 refused" in said
    assert "done: 3 of 3 resent" in said
    assert "fund.pro is paused" in said
    assert '"reason": "moving house on Sunday"' in said
    assert "fund.pro is up" in said
    assert "1 skipped" in said
    assert said.count("1 resent") == 1

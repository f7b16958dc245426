"""Reports of what was found: readable by what reads them, whatever a partner answered, and without
keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from lxml import etree
from typer.testing import CliRunner

from exchange.cli import app
from exchange.schemas.call import Call, Reply
from exchange.schemas.directory import partner_of
from exchange.schemas.identifiers import CHECK_CHARACTERS
from exchange.testing.onboarding.demands import demands, failed, not_tried, passed
from exchange.testing.onboarding.redaction import (
    A_PERSON,
    BODY_CHARACTERS_MAX,
    NOT_SHOWN,
    Shown,
    shown,
)
from exchange.testing.onboarding.reports import GITB, Report

KEY = "a-key-that-nobody-sees"
REAL = f"131052-308{CHECK_CHARACTERS[131052308 % 31]}"
A_PERSON_AND_HEADERS = f"Content-Type: text/plain\nSet-Cookie: {NOT_SHOWN}\n\n{A_PERSON}"
HOSTILE = b"\x00\x1b[2J<script>alert(1)</script>]]>\xff"


def call(body: bytes = HOSTILE, headers: Mapping[str, str] | None = None) -> Shown:
    """A call with a key that was answered with that body."""
    sent = {"X-API-Key": KEY, "authorization": KEY, "X-Message-Type": "a.b"}
    reply = Reply(500, body, "text/plain", {"Set-Cookie": KEY, **(headers or {})})
    return shown(Call("POST", "/x", sent, b"{}"), reply)


@pytest.fixture
def report() -> Report:
    partner = partner_of({"id": "fund.mine", "name": "<b>A fund</b>", "sector": "bank"})
    found = [
        passed("repeat.once", "luova"),
        failed("right", "a.b", f"http-500\n{HOSTILE.decode('latin-1')[2:]}", [call()]),
        not_tried("order.kept", "luova", "no journal was named"),
    ]
    return Report(partner, 1_800_000_000_000, 1_800_000_001_500, found)


def test_the_three_files_are_read_and_show_no_key(report: Report, tmp_path: Path) -> None:
    html, junit, tar = (path.read_bytes() for path in report.write(tmp_path / "new"))
    for content in (html, junit, tar):
        assert KEY.encode() not in content
        assert b"<script" not in content
        assert demands()["right"].mend.encode() in content
        assert demands()["order.kept"].mend.encode() not in content
    assert b"1 passed, 1 failed, 1 not tried" in html
    (suite,) = etree.fromstring(junit)
    assert [suite.get(name) for name in ("tests", "failures", "skipped", "time")] == [
        *("3", "1", "1", "1.500")
    ]
    assert [case[0].tag for case in suite] == ["system-out", "failure", "skipped"]
    root = etree.fromstring(tar)
    names = [etree.QName(each).localname for each in root]
    assert names == ["date", "result", "overview", "counters", "reports"]
    assert root.findtext(f"{{{GITB}}}result") == "FAILURE"
    assert root.findtext(f".//{{{GITB}}}profileID") == report.partner.id
    assert [etree.QName(each).localname for each in root[-1]] == ["info", "error", "warning"]
    assert [each.text for each in root[3]] == ["3", "1", "1"]


def test_nobody_real_and_no_more_than_needed_is_shown() -> None:
    assert REAL not in str(call(f'{{"person": "{REAL}"}}'.encode()))
    assert REAL not in str(call(b"", {"X-Person": REAL}))
    # (In UTF-16 it reads as itself with a sign between each two of its own.)
    assert call(REAL.encode("utf-16")).answer == A_PERSON_AND_HEADERS
    long = call(b"x" * 100_000)
    assert len(long.answer) < BODY_CHARACTERS_MAX + 200
    assert "100000 bytes in all" in long.answer


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--partner", "fund.mine"], "say --sector for a new one"),
        (["--partner", "fund.mine", "--sector", "fnud"], "is none of"),
        (["--partner", "dvv", "--url", "not a url"], "is no address"),
        (
            ["--partner", "a", "--sector", "bank", "--url", "http://127.0.0.1:1"],
            "give the secret as EXCHANGE_CALLBACK_SECRET",
        ),
    ],
)
def test_who_can_not_be_tried_is_told(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EXCHANGE_CALLBACK_SECRET", raising=False)
    done = CliRunner().invoke(app, ["onboard", *arguments], env={"COLUMNS": "300"})
    assert done.exit_code == 2
    assert said in done.output

"""Claims to Kela: what they ask of the payer is of the whole delivery, what they ask of an earner
of one report.
"""

from __future__ import annotations

import re

from tests.adapters.income_register.judging import judged_anew
from tests.adapters.income_register.rules.test_every_code import KIND, claim
from tests.adapters.income_register.rules.test_years import errors_of, paid_on


def with_one_claim() -> bytes:
    """A delivery of six reports, one of them with a claim in which nothing is wrong."""
    body = paid_on("2026-03-02")
    assert b"<FaultyControl>1</FaultyControl>" in body
    for report in re.findall(rb"<Report>.*?</Report>", body):
        claimed = body.replace(report, claim(report, b"1", KIND % b"1", b"2026-03-02"))
        if not errors_of(claimed):
            return claimed
    raise AssertionError("none of the reports can have a claim")


def test_what_a_claim_asks_of_the_payer_rejects_the_delivery() -> None:
    body = with_one_claim()
    unreachable = re.sub(rb"<Email>[^<]*</Email>", b"", body)
    accepted, detail, *_ = judged_anew(unreachable)
    assert (accepted, detail["status"]) == (False, 5)
    assert [code for _, code, _ in detail["errors"]] == ["AV0300"]


def test_what_a_claim_asks_of_the_earner_rejects_its_report() -> None:
    body = with_one_claim().replace(KIND % b"1", KIND % b"999")
    accepted, detail, *_ = judged_anew(body)
    assert (accepted, detail["status"], len(detail["invalid"])) == (True, 3, 1)
    assert {code for code, _ in detail["invalid"][0][4]} >= {"AV0200"}

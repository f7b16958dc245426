"""Kelmu's queries the whole way over sockets: answers cut to the right, the two interfaces counted
apart, and registers that fail.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from exchange.partners.faults import Fault, Faults
from tests.adapters.kelmu.judging import COUNTY, PENSIONS, QUERY
from tests.adapters.kelmu.test_requests import REQUEST
from tests.journeys.running import Running, running

REGISTER, FUND = "kela.benefit-register", "fund.ytk"


async def ask(
    exchange: Running,
    document: Any,
    partner: str = COUNTY,
    endpoint: str = "queries",
    message_id: str = "q-1",
) -> tuple[int, Any]:
    """Status and answer of a query."""
    status, _, body = await exchange.post(
        f"/kelmu/v1/{endpoint}", json.dumps(document), partner, X_Message_Id=message_id
    )
    return status, json.loads(body)


async def test_an_answer_holds_what_the_right_allows_and_says_what_was_left_out(
    tmp_path: Path,
) -> None:
    asked = {
        **QUERY,
        "purpose": "earnings-related-unemployment-benefit",
        "legal_ground": "1290/2002",
        "benefits": ["unemployment-security", "insurance-matters"],
        "data_groups": ["decision", "insurance"],
        "from": "2001-01-01",
    }
    async with running(tmp_path) as exchange:
        status, answer = await ask(exchange, asked, FUND)
        assert status == 200
        assert answer["benefits"] == ["unemployment-security"]
        assert answer["data_groups"] == ["decision"]
        assert answer["from"] > "2001-01-01"
        assert [each["what"] for each in answer["left_out"]] == ["benefit", "data-group", "time"]
        assert all(set(entry) == {"person", "decision"} for entry in answer["results"])
        _, again = await ask(exchange, asked, FUND)
        assert again == answer, "the same query gets the same answer"
        status, refused = await ask(exchange, {**asked, "user": "other"}, FUND)
        assert (status, refused["reason"]) == (409, "message-id-reused")


async def test_the_interfaces_are_counted_apart_and_queries_without_an_id_are_never_duplicates(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as exchange:
        for endpoint, partner in (
            ("queries", COUNTY),
            ("ui/queries", COUNTY),
            ("ui/queries", COUNTY),
        ):
            status, _ = await ask(exchange, QUERY, partner, endpoint, "")
            assert status == 200
        rows = await exchange.exchange.ledger.totals(("channel", "endpoint", "kind"))
        accepted = {
            endpoint: count for (_, endpoint, kind), count, _, _ in rows if kind == "accepted"
        }
        assert accepted == {"api": 1, "ui": 2}


async def test_a_bulk_query_tells_of_those_whom_the_register_knows(tmp_path: Path) -> None:
    asked = {
        **QUERY,
        "persons": ["140890-9423", "061185V952C", "061185V952D"],
        "purpose": "pension-determination",
        "legal_ground": "395/2006",
    }
    asked = {name: value for name, value in asked.items() if name != "person"} | {
        "benefits": ["pensions"]
    }
    async with running(tmp_path) as exchange:
        status, answer = await ask(exchange, asked, PENSIONS, "queries/bulk")
        assert status == 200
        assert {entry["person"] for entry in answer["results"]} <= set(asked["persons"][:2])
        assert answer["left_out"] == [
            {"what": "person", "value": "061185V952D", "reason": "no-valid-code"}
        ]


@pytest.mark.parametrize(
    ("kind", "status", "reason"),
    [
        ("down", 504, "no-answer"),
        ("garbage", 504, "no-answer"),
        ("drop", 504, "no-answer"),
        ("refuse", 502, "http-403"),
    ],
)
async def test_a_register_that_fails_is_told_in_time_and_nothing_stays_open(
    tmp_path: Path, kind: str, status: int, reason: str
) -> None:
    async with running(
        tmp_path, Faults([Fault(REGISTER, kind, 1.0)], 1), deliveries={"ask_seconds": 0.6}
    ) as exchange:
        found, answer = await ask(exchange, QUERY)
        assert found == status
        assert answer["reason"] == reason or answer["reason"].startswith("http-4")
        assert answer["message_id"] == "q-1"
        await exchange.settled()
        counts = await exchange.counts("kelmu")
        assert (counts["accepted"], counts["dead-lettered"]) == (1, 1)
        assert await resent(exchange) == (0, 1), "nobody waits for its answer any more"
        again, answer = await ask(exchange, QUERY)
        assert (again, answer["message_id"]) == (status, "q-1"), "it is not in progress for ever"
        assert not [check for check in exchange.verify().checks if check.broken]


async def resent(exchange: Running) -> tuple[int, int]:
    """How many dead letters were sent again, and how many refused."""
    letters = json.loads((await exchange.get("/api/v1/dead-letters"))[2])
    wanted = {"deliveries": [each["id"] for each in letters]}
    _, _, body = await exchange.post(
        "/api/v1/dead-letters/resend", json.dumps(wanted), Content_Type="application/json"
    )
    answer = json.loads(body)
    return len(answer["resent"]), len(answer["refused"])


async def test_a_register_that_comes_to_itself_is_asked_again_within_the_call(
    tmp_path: Path,
) -> None:
    faults = Faults([Fault(REGISTER, "down", 0.5)], 2)
    async with running(tmp_path, faults, deliveries={"probe_seconds_max": 0.1}) as exchange:
        answers = [await ask(exchange, QUERY, message_id=f"q-{number}") for number in range(8)]
        assert {status for status, _ in answers} == {200}
        counts = await exchange.counts("kelmu")
        assert counts["attempt-failed"] > 0
        assert (counts["delivered"], counts["answered"]) == (8, 8)


async def test_a_request_of_kela_goes_to_the_county_and_its_answer_back(tmp_path: Path) -> None:
    async with running(tmp_path) as exchange:
        request = {**REQUEST, "answer_by": "2126-03-16"}
        status, receipt = await ask(
            exchange, request, "kela.benefits", "information-requests", "r-7"
        )
        assert (status, receipt["message_id"]) == (202, "r-7")
        await exchange.settled()
        counts = await exchange.counts("kelmu")
        assert (counts["accepted"], counts["delivered"]) == (2, 2), "the county's stub has answered"
        assert not [check for check in exchange.verify().checks if check.broken]

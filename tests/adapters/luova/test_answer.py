"""What Luova answers and sends: receipts that are the same each time, statuses by reason,
signatures, and what a response means.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.adapters.luova import answer
from exchange.adapters.luova.deliver import judge, request
from exchange.ports import Delivered, Delivery, TryAgain
from exchange.ports.desk import Leased, Outcome
from exchange.schemas.call import Reply
from exchange.schemas.envelope import Envelope
from exchange.schemas.violation import Violation
from tests.adapters.luova.judging import DIRECTORY, NOW

ENVELOPE = Envelope(
    42, "luova", "population.changes", "dvv", "m-1", NOW, "application/json", "api", "c-1", 3
)
SENDER, RECEIVER = (partner for partner in DIRECTORY if partner.id in ("dvv", "kela.core-data"))
DELIVERY = Delivery(7, ENVELOPE, SENDER, RECEIVER, b'{"a":1}')


def test_a_duplicate_gets_the_same_receipt_byte_for_byte() -> None:
    first, again = (answer.submitted(Outcome(kind, ENVELOPE)) for kind in ("accepted", "duplicate"))  # type: ignore[arg-type]
    assert (first.status, again.status) == (202, 200)
    assert first.body == again.body
    receipt = json.loads(first.body)
    assert receipt["id"] == ENVELOPE.public_id
    assert receipt["receivedAt"] == "2026-03-02T12:00:00.000Z"
    assert receipt["receivers"] == ["kela.core-data"]


@given(st.text(max_size=40), st.integers(0, 4_102_444_800_000))
def test_a_receipt_is_json_whatever_the_warnings_say(text: str, now: int) -> None:
    warning = Violation("x.y", text, found=text, severity="warning").as_dict()
    receipt = json.loads(
        answer.receipt_text(replace(ENVELOPE, received_at=now, detail={"warnings": [warning]}))
    )
    assert receipt["warnings"] == [warning]


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("malformed", 400),
        ("real-person", 403),
        ("message-id-reused", 409),
        ("schema", 422),
        ("rule", 422),
        ("receiver-missing", 422),
    ],
)
def test_a_rejection_has_its_status_reason_and_violations(reason: str, status: int) -> None:
    violation = Violation("a.b", "wrong", "/x", 2, 3, "this", "that", "source")
    reply = answer.submitted(Outcome("rejected", ENVELOPE, [violation], reason))
    problem = json.loads(reply.body)
    assert (reply.status, reply.content_type, problem["status"]) == (
        status,
        "application/problem+json",
        status,
    )
    assert (problem["reason"], problem["id"]) == (reason, ENVELOPE.public_id)
    assert problem["violations"] == [violation.as_dict()]
    assert problem["detail"]


def test_a_sender_that_may_not_send_is_forbidden() -> None:
    reply = answer.submitted(
        Outcome("rejected", ENVELOPE, [Violation("luova.sender", "not you")], "rule")
    )
    assert reply.status == 403
    assert "may not send" in json.loads(reply.body)["detail"]


def test_what_names_a_real_person_is_not_said_to_be_forbidden_to_its_sender() -> None:
    reply = answer.submitted(Outcome("rejected", ENVELOPE, [], "real-person"))
    assert (reply.status, json.loads(reply.body)["detail"]) == (403, answer.DETAILS["real-person"])


def test_a_batch_tells_of_each_in_order() -> None:
    outcomes = [
        Outcome("accepted", ENVELOPE),
        Outcome("rejected", ENVELOPE, [Violation("a.b", "x")], "rule"),
        Outcome("duplicate", ENVELOPE),
    ]
    told = json.loads(answer.batch(outcomes).body)
    assert (told["accepted"], told["rejected"], told["duplicate"]) == (1, 1, 1)
    assert [(entry["index"], entry["status"]) for entry in told["outcomes"]] == [
        (0, 202),
        (1, 422),
        (2, 200),
    ]
    assert json.loads(answer.batch([]).body)["outcomes"] == []


@pytest.mark.parametrize(
    ("body", "encoding", "shown"), [("ä".encode(), "utf-8", "ä"), (b"\xff\xfe", "base64", "//4=")]
)
def test_a_letter_shows_its_body_as_text_or_in_base64(
    body: bytes, encoding: str, shown: str
) -> None:
    (letter,) = json.loads(answer.mailbox([Leased(7, ENVELOPE, body, NOW + 60_000, 1)]).body)[
        "deliveries"
    ]
    assert (letter["encoding"], letter["body"], letter["conversation"]) == (encoding, shown, "c-1")
    assert letter["leaseUntil"] == "2026-03-02T12:01:00.000Z"


def test_a_state_shows_times_and_ids_as_receipts_do() -> None:
    rows = [
        {
            "id": 7,
            "receiver": "r",
            "mode": "push",
            "state": "waiting",
            "attempts": 2,
            "items": 3,
            "reason": "x",
            "next_at": NOW,
            "ended_at": 0,
        }
    ]
    told = json.loads(answer.state(ENVELOPE, rows).body)
    (delivery,) = told["deliveries"]
    assert (told["state"], delivery["id"], delivery["nextAt"]) == (
        "accepted",
        f"{7:032x}",
        "2026-03-02T12:00:00.000Z",
    )
    assert "endedAt" not in delivery
    rejected = replace(ENVELOPE, detail={"reason": "rule", "violations": [{"rule": "a.b"}]})
    assert json.loads(answer.state(rejected, []).body)["violations"] == [{"rule": "a.b"}]


def test_a_delivery_carries_the_body_as_sent() -> None:
    call = request(DELIVERY)
    assert call.body is DELIVERY.body
    assert call.path.endswith(f"/{DELIVERY.id:032x}")
    assert (call.headers["X-Sender"], call.headers["X-Conversation-Id"]) == ("dvv", "c-1")


@given(st.integers(100, 599))
def test_every_status_means_something(status: int) -> None:
    attempted = judge(DELIVERY, Reply(status))
    if status // 100 == 2 or status == 409:
        assert attempted == Delivered()
    else:
        about = "message" if status in (400, 410, 422) else "receiver"
        assert attempted == TryAgain(f"http-{status}", about=about)

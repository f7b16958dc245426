"""Routes, deliveries, receipts, refusals and what participants see; pure, no exchange."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

from exchange.adapters.eessi import answer, view
from exchange.adapters.eessi.channel import CHANNEL
from exchange.adapters.eessi.deliver import judge, request
from exchange.adapters.eessi.generate.messages import KELA
from exchange.adapters.eessi.parse import parse
from exchange.errors import Unroutable
from exchange.ports import (
    Delivered,
    Delivery,
    Inbound,
    Outcome,
    RefusedByPartner,
    TryAgain,
    Verdict,
)
from exchange.schemas.call import Reply, json_reply
from exchange.schemas.envelope import Envelope
from exchange.schemas.violation import Finding, Violation
from tests.adapters.eessi.access_point import DIRECTORY, ESTONIA, NOON, SWEDEN, Play
from tests.schemas.codes import code_of

MOMENT = int(NOON.timestamp() * 1000) + 39
SENDER, RECEIVER = DIRECTORY.by_eessi_id(ESTONIA), DIRECTORY.by_eessi_id(KELA)
DETAIL = {"sender": ESTONIA, "receivers": [KELA], "action": "Start", "version": 1}
ENVELOPE = Envelope(
    77,
    "eessi",
    "eessi.p2000",
    "eessi.ee.ska",
    "a" * 32,
    MOMENT,
    "text/xml",
    conversation="c" * 32,
    detail=DETAIL,
)


def delivery() -> Delivery:
    """A delivery from Estonia to Kela."""
    assert SENDER is not None
    assert RECEIVER is not None
    return Delivery(1, ENVELOPE, SENDER, RECEIVER, b"<x/>")


def rejection(reason: str, *violations: Violation) -> tuple[int, Any]:
    """The answer to a rejected message: status and body."""
    reply = answer.rejected(Outcome("rejected", ENVELOPE, list(violations), reason))
    return reply.status, json.loads(reply.body)


def test_a_message_is_identified_by_its_header_and_goes_to_each_receiver() -> None:
    play = Play("H_BUC_01", "H001", counterparties=(KELA, SWEDEN))
    assert SENDER is not None
    parsed = parse(Inbound(SENDER, play.opening_bytes, "text/xml", "api"))
    identity = CHANNEL.identify(parsed)
    assert (identity.sender_message_id, identity.conversation) == (
        play.opening.message_id,
        play.opening.case_id,
    )
    assert identity.ordered, (
        "the documents of a case arrive in the order that they were accepted in"
    )
    verdict = CHANNEL.verdict(
        parsed, identity, [Finding("some.rule", "a warning", severity="warning")]
    )
    assert verdict.accepted
    assert verdict.detail["receivers"] == [KELA, SWEDEN]
    assert verdict.detail["created"] == "2026-03-02T12:00:00.000Z"
    assert not CHANNEL.verdict(parsed, identity, [Finding("some.rule", "an error")]).accepted
    routed = CHANNEL.route(parsed, identity, verdict, DIRECTORY)
    assert [destination.receiver for destination in routed] == ["kela.international", "eessi.se.fk"]
    for receivers in (("ZZ:1",), ()):
        identity.receivers = receivers
        with pytest.raises(Unroutable, match=r"No institution|no receiver"):
            CHANNEL.route(parsed, identity, Verdict(True), DIRECTORY)


def test_the_acknowledgement_is_made_of_the_envelope_alone() -> None:
    reply = answer.acknowledged(Outcome("accepted", ENVELOPE))
    assert (reply.status, json.loads(reply.body)) == (
        202,
        {
            "id": f"{77:032x}",
            "date": "2026-03-02T12:00:00.039+0000",
            "sender": ESTONIA,
            "receivers": [KELA],
            "messageId": "a" * 32,
            "caseId": "c" * 32,
            "status": "SENT",
        },
    )
    assert answer.acknowledged(Outcome("duplicate", ENVELOPE)).body == reply.body


@pytest.mark.parametrize(
    "reason, status, code",
    [
        ("malformed", 400, "EBMS:0009"),
        ("type-unknown", 422, "EBMS:0001"),
        ("receiver-unknown", 422, "EBMS:0001"),
        ("message-id-reused", 409, "EBMS:0003"),
        ("real-person", 422, "EBMS:0103"),
        ("schema", 422, "EBMS:0004"),
    ],
)
def test_each_reason_has_its_status_and_its_error_code(reason: str, status: int, code: str) -> None:
    for violations in ((), (Violation("some.rule", "this is wrong"),)):
        got, body = rejection(reason, *violations)
        assert (got, body["reason"]) == (status, reason)
        assert [error["errorCode"] for error in body["errors"]] == [code]
        assert body["errors"][0]["refToMessageInError"] == "a" * 32


def test_a_violations_own_code_goes_before_that_of_the_reason_and_warnings_are_no_errors() -> None:
    _, body = rejection(
        "schema",
        Violation("w", "only a warning", severity="warning"),
        Violation("a", "The first.", code="EBMS:0003"),
        Violation("b", "The second."),
    )
    assert [error["errorCode"] for error in body["errors"]] == ["EBMS:0003", "EBMS:0004"]
    assert body["errors"][0]["shortDescription"] == "ValueInconsistent"
    assert len(body["violations"]) == 3
    assert body["detail"] == "The first, and 1 more error."


def test_a_delivery_carries_the_bytes_and_names_them_in_headers() -> None:
    call = request(delivery())
    assert (call.method, call.path, call.body) == ("POST", "/eessi/inbox", b"<x/>")
    assert call.headers["X-EESSI-Message-Id"] == "a" * 32
    assert call.headers["X-EESSI-Exchange-Id"] == ENVELOPE.public_id
    assert (call.headers["X-EESSI-Sender"], call.headers["X-EESSI-Receiver"]) == (ESTONIA, KELA)


ACK = {"id": "1", "date": "2026-03-02T12:00:00.000+0000", "sender": ESTONIA, "receiver": KELA}


@pytest.mark.parametrize(
    "reply, ended",
    [
        (json_reply(ACK), Delivered),
        (json_reply({**ACK, "receiver": SWEDEN}), TryAgain),
        (json_reply({**ACK, "id": ""}), TryAgain),
        (Reply(200, b"OK"), TryAgain),
        (Reply(200, b"[" * 100_000), TryAgain),
        (Reply(200, b'{"id":"' + b"x" * 100_000 + b'"}'), TryAgain),
        (json_reply({"errors": [{"errorCode": "EBMS:0005"}]}, 500), TryAgain),
        (json_reply({"errors": [{"errorCode": "EBMS:0003"}]}, 400), RefusedByPartner),
        (
            json_reply({"errors": [{"errorCode": "EBMS:0003", "severity": "warning"}]}, 503),
            TryAgain,
        ),
        (json_reply({"errors": "none"}, 400), TryAgain),
        (Reply(429), TryAgain),
        (Reply(302), TryAgain),
        (Reply(404), TryAgain),
    ],
    ids=lambda value: (
        "" if isinstance(value, type) else f"{value.status} {value.body[:40].decode()}"
    ),
)
def test_a_response_is_an_acknowledgement_or_tells_what_else_it_is(
    reply: Reply, ended: type
) -> None:
    assert isinstance(judge(delivery(), reply), ended)


@pytest.mark.parametrize(
    "state, attempts, status, sent, error",
    [
        ("waiting", 0, None, False, None),
        ("waiting", 2, "SENT", True, "EBMS:0301"),
        ("dead", 5, "SENT", True, "EBMS:0202"),
        ("delivered", 1, "DELIVERED", True, None),
    ],
)
def test_a_message_shows_how_far_each_delivery_is(
    state: str, attempts: int, status: str | None, sent: bool, error: str | None
) -> None:
    row = {
        "receiver": "kela.international",
        "state": state,
        "attempts": attempts,
        "ended_at": MOMENT,
        "reason": "http-503",
    }
    shown = view.conversation(ENVELOPE, [row], DIRECTORY)
    (message,) = shown["userMessages"]
    assert (message["status"], message["isSent"]) == (status, sent)
    assert (message["error"] or {}).get("id") == error
    assert (message["ack"] is not None) == (state == "delivered")
    assert (message["sender"]["id"], message["receiver"]["id"]) == (ESTONIA, KELA)
    assert [participant["role"] for participant in shown["participants"]] == ["Sender", "Receiver"]


def test_each_participant_sees_its_own_copy_of_a_case() -> None:
    play = Play("P_BUC_01", "P2000")
    question, _ = play.send("P8000", KELA)
    case = play.point.case(play.opening)
    owners, others = (
        view.case_of(case, institution, play.point.now, DIRECTORY)
        for institution in (ESTONIA, KELA)
    )
    assert (owners["applicationRoleId"], others["applicationRoleId"]) == ("PO", "CP")
    assert [document["direction"] for document in owners["documents"]] == ["OUT", "IN"]
    assert [document["direction"] for document in others["documents"]] == ["IN", "OUT"]
    answers = [action for action in owners["actions"] if action["documentType"] == "P9000"]
    assert [(action["parentDocumentId"], action["status"]) for action in answers] == [
        (question.set_id, "ACTIVE")
    ]
    assert not [action for action in others["actions"] if action["documentType"] == "P9000"]
    updates = [
        action["documentType"] for action in others["actions"] if action["operation"] == "Update"
    ]
    assert updates == ["P8000"]
    assert owners["documents"][0]["displayName"] == "Old age pension claim"


def test_an_action_that_has_to_wait_says_until_when() -> None:
    play = Play("LA_BUC_04", "A009", counterparties=("FI:0200000010",))
    shown = view.case_of(play.point.case(play.opening), ESTONIA, play.point.now, DIRECTORY)
    (close,) = [action for action in shown["actions"] if action["documentType"] == "X001"]
    assert (close["status"], close["notBefore"]) == ("SUSPENDED", "2026-04-01T12:00:00.000+0000")


def test_of_an_error_is_kept_what_can_be_stored_and_names_nobody() -> None:
    def kept(body: bytes) -> str:
        ended = judge(delivery(), Reply(400, b'{"errors":[{"errorCode":"EBMS:0003",%b}]}' % body))
        assert isinstance(ended, RefusedByPartner)
        return ended.detail

    assert kept(b'"description":"%b"' % (b"x" * 300)) == "x" * 200
    assert (
        kept(rb'"shortDescription":"half of one: \ud800, none: \u0000"') == "half of one: ?, none: "
    )
    code = code_of(datetime.date(1950, 1, 1), 123, "-").encode()
    # (Cut short, the rest of it is easily computed.)
    assert kept(b'"description":"%b %b"' % (b"x" * 190, code)) == ""

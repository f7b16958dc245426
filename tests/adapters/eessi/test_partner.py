"""The institutions' stubs: what opens cases, what is answered to what, and what a stub says to a
document it can't take.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

import pytest
from lxml import etree

from exchange.adapters.eessi.generate.messages import KELA, SBDH
from exchange.adapters.eessi.partner import STUB
from exchange.partners.stub import Sending, Situation
from exchange.schemas.call import Call
from tests.adapters.eessi.access_point import DIRECTORY, ESTONIA, NOON, AccessPoint, Play

NOW = int(NOON.timestamp() * 1000)


def situation(seed: int) -> Situation:
    """A moment and a source of chance."""
    return Situation(random.Random(seed), NOW, seed, DIRECTORY)


def deliver(
    content: bytes, institution: str, seed: int = 1
) -> tuple[int, dict[str, object], Sequence[Sending]]:
    """What the institution's stub says to a document, and what it sends then."""
    partner = DIRECTORY.by_eessi_id(institution)
    assert partner is not None
    served = STUB.serve(
        partner, Call("POST", "/eessi/inbox", {"X-EESSI-Message-Id": "m"}, content), situation(seed)
    )
    assert served is not None
    return served.reply.status, json.loads(served.reply.body), served.then


def test_every_flow_opens_a_case_that_the_exchange_takes() -> None:
    flows = STUB.flows(DIRECTORY)
    assert {flow.message_type for flow in flows} == {"eessi.p2000", "eessi.h001", "eessi.a009"}
    for number, flow in enumerate(flows):
        partner = DIRECTORY.get(flow.partner)
        assert partner is not None
        sending = flow.make(situation(number))
        assert sending.call.headers["X-API-Key"] == partner.key
        judgement = AccessPoint().take(sending.call.body, partner.eessi_id)
        assert judgement.verdict.accepted, [
            violation.as_text() for violation in judgement.violations
        ]


def test_the_year_comes_out_as_it_was_published() -> None:
    """A foreign claim brings 2.25 messages from the Finnish side and 0.25 from the foreign one, a
    request one answer.
    """
    weights = {
        (flow.message_type, flow.name.endswith("to Finland")): 0.0 for flow in STUB.flows(DIRECTORY)
    }
    for flow in STUB.flows(DIRECTORY):
        weights[flow.message_type, flow.name.endswith("to Finland")] += flow.weight
    posting, claims, requests = ("eessi.a009", "eessi.p2000", "eessi.h001")
    received = (
        weights[posting, True]
        + 1.25 * weights[claims, True]
        + weights[requests, True]
        + 2.25 * weights[claims, False]
        + weights[requests, False]
    )
    sent = (
        weights[posting, False]
        + 1.25 * weights[claims, False]
        + weights[requests, False]
        + 2.25 * weights[claims, True]
        + weights[requests, True]
    )
    assert (round(received), round(sent)) == (1_114_360, 320_541)


def test_a_claim_is_acknowledged_and_answered_as_the_process_allows() -> None:
    questions = 0
    for seed in range(40):
        play = Play("P_BUC_01", "P2000", rng=random.Random(seed))
        status, ack, then = deliver(play.opening_bytes, KELA, 1000 + seed)
        assert (status, ack["sender"], ack["receiver"]) == (200, ESTONIA, KELA)
        seds = []
        for sending in then:
            judgement = play.point.take(sending.call.body, KELA)
            assert judgement.verdict.accepted, [
                violation.as_text() for violation in judgement.violations
            ]
            seds.append(etree.fromstring(sending.call.body)[1].tag.rpartition("}")[2])
        assert seds[-2:] == ["P5000", "P6000"]
        questions += seds[0] == "P8000"
    assert 0 < questions < 40, "one claim in four is asked about"


@pytest.mark.parametrize(
    "process, opening, sed, reply",
    [
        ("P_BUC_01", "P2000", "P8000", "P9000"),
        ("P_BUC_01", "P2000", "H020", "H021"),
        ("P_BUC_01", "P2000", "X009", "X010"),
    ],
)
def test_a_question_gets_its_reply_about_it(
    process: str, opening: str, sed: str, reply: str
) -> None:
    play = Play(process, opening)
    asked = play.letter(sed, KELA)
    content = play.write(asked)
    assert play.point.take(content, KELA).verdict.accepted
    _, _, (sending,) = deliver(content, ESTONIA)
    assert sending.call.body.count(asked.set_id.encode()) == 1
    assert f"{reply.lower()}:{reply}".encode() in sending.call.body
    assert play.point.take(sending.call.body, ESTONIA).verdict.accepted


def test_a_document_that_can_not_be_taken_is_answered_with_an_error() -> None:
    play = Play("P_BUC_01", "P2000")
    without_header = etree.tostring(etree.fromstring(play.opening_bytes)[1])
    for content, institution, code in (
        (b"<a", KELA, "EBMS:0009"),
        (without_header, KELA, "EBMS:0009"),
        (play.opening_bytes, "SE:1001", "EBMS:0003"),
    ):
        status, body, then = deliver(content, institution)
        assert (status, list(then)) == (400, [])
        errors = body["errors"]
        assert isinstance(errors, list)
        assert errors[0]["errorCode"] == code
    partner = DIRECTORY.by_eessi_id(KELA)
    assert partner is not None
    assert STUB.serve(partner, Call("POST", "/other", {}, b""), situation(1)) is None


def test_a_file_is_sent_as_the_institution_sends() -> None:
    partner = DIRECTORY.by_eessi_id(ESTONIA)
    assert partner is not None
    call = STUB.submit(partner, "eessi.p2000", "", f"<x xmlns='{SBDH}'/>".encode(), "")
    assert (call.method, call.path, call.headers["X-API-Key"]) == (
        "POST",
        "/eessi/v1/messages",
        partner.key,
    )

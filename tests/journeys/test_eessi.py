"""EESSI over sockets: a claim and its answers between institutions, the state that the sender sees,
and what is refused on the way.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from exchange.adapters.eessi.generate.messages import KELA
from exchange.partners.faults import Fault, Faults
from exchange.ports import Inbound
from exchange.schemas.identifiers import CHECK_CHARACTERS
from tests.adapters.eessi.access_point import ESTONIA, LONG_AGO, SWEDEN, Play
from tests.journeys.running import Running, running

OWNER, COUNTERPARTY, OUTSIDER = "eessi.ee.ska", "kela.international", "eessi.no.nav"
XML = {"Content_Type": "text/xml"}


async def submit(gateway: Running, content: bytes, partner: str) -> tuple[int, Any]:
    """Send a message: status and body."""
    status, _, body = await gateway.post("/eessi/v1/messages", content, partner, **XML)
    return status, json.loads(body)


async def look(gateway: Running, path: str, partner: str) -> tuple[int, Any]:
    """Look at a case or a message."""
    status, _, body = await gateway.get(f"/eessi/v1/{path}", partner)
    return status, json.loads(body)


def claim(seed: int = 1) -> Play:
    """A claim of Estonia's towards Kela."""
    return Play("P_BUC_01", "P2000", rng=random.Random(seed), created_at=LONG_AGO)


async def test_a_claim_is_acknowledged_answered_and_seen_by_its_participants(
    gateway: Running,
) -> None:
    play = claim()
    status, receipt = await submit(gateway, play.opening_bytes, OWNER)
    assert status == 202
    assert (receipt["messageId"], receipt["caseId"]) == (
        play.opening.message_id,
        play.opening.case_id,
    )
    await gateway.settled()
    status, message = await look(gateway, f"messages/{play.opening.message_id}", OWNER)
    assert status == 200
    (delivered,) = message["userMessages"]
    assert (delivered["isSent"], delivered["status"], delivered["error"]) == (
        True,
        "DELIVERED",
        None,
    )
    assert (delivered["ack"]["sender"], delivered["ack"]["receiver"]) == (ESTONIA, KELA)
    status, case = await look(gateway, f"cases/{play.opening.case_id}", OWNER)
    assert status == 200
    assert case["applicationRoleId"] == "PO"
    types = [document["type"] for document in case["documents"]]
    assert types[0] == "P2000"
    assert {"P5000", "P6000"} <= set(types), "Kela's stub answered the claim"
    status, _ = await look(gateway, f"cases/{play.opening.case_id}", COUNTERPARTY)
    assert status == 200
    assert await submit(gateway, play.opening_bytes, OWNER) == (202, receipt), (
        "a duplicate gets the same receipt"
    )
    assert gateway.verify().clean
    counts = await gateway.counts("eessi")
    assert counts["received"] == counts["accepted"] + counts["duplicate"]
    totals = await gateway.exchange.ledger.totals(("kind", "process"))
    by_process = {values: how_many for values, how_many, _, _ in totals}
    assert by_process["begun", "P_BUC_01"] == 1, "the case, once, whatever came after and again"
    assert by_process["delivered", "P_BUC_01"] == counts["delivered"]
    assert counts["duplicate"] == 1


async def test_a_receiver_finds_a_message_by_the_exchanges_id_and_nobody_else_does(
    gateway: Running,
) -> None:
    play = claim()
    _, receipt = await submit(gateway, play.opening_bytes, OWNER)
    status, message = await look(gateway, f"messages/{receipt['id']}", COUNTERPARTY)
    assert (status, message["id"]) == (200, receipt["id"])
    for path in (
        f"messages/{receipt['id']}",
        f"messages/{play.opening.message_id}",
        f"cases/{play.opening.case_id}",
    ):
        status, problem = await look(gateway, path, OUTSIDER)
        assert (status, problem["reason"]) == (404, "not-found")
    for nonsense in ("messages/x", f"messages/{'f' * 32}", "messages/%01", "cases/x"):
        assert (await look(gateway, nonsense, OWNER))[0] == 404


async def test_a_receiver_that_is_down_leaves_the_message_sent_and_then_dead(
    tmp_path: Path,
) -> None:
    faults = Faults([Fault(COUNTERPARTY, "down", 1.0)], 1)
    deliveries = {"first_backoff_seconds": 0.05, "poll_seconds": 0.02, "attempts_max": 2}
    async with running(tmp_path, faults, deliveries=deliveries) as gateway:
        play = claim()
        status, _ = await submit(gateway, play.opening_bytes, OWNER)
        assert status == 202
        await gateway.settled()
        _, message = await look(gateway, f"messages/{play.opening.message_id}", OWNER)
        (entry,) = message["userMessages"]
        assert (entry["status"], entry["ack"], entry["error"]["id"]) == ("SENT", None, "EBMS:0202")
        assert gateway.verify().clean


async def test_a_wrong_turn_names_what_the_case_would_take_and_leaves_it_as_it_was(
    gateway: Running,
) -> None:
    play = claim()
    await submit(gateway, play.opening_bytes, OWNER)
    await gateway.settled()
    before = await look(gateway, f"cases/{play.opening.case_id}", OWNER)
    status, problem = await submit(
        gateway, play.write(play.letter("P9000", ESTONIA, play.opening)), OWNER
    )
    assert (status, problem["reason"]) == (422, "rule")
    (violation,) = problem["violations"]
    assert violation["rule"] in ("eessi.process.not-allowed", "eessi.process.parent")
    assert violation["line"] > 0
    assert problem["errors"][0]["errorCode"] == "EBMS:0003"
    status, problem = await submit(gateway, play.write(play.letter("P5000", SWEDEN)), "eessi.se.fk")
    assert [violation["rule"] for violation in problem["violations"]] == [
        "eessi.process.not-participant"
    ]
    assert await look(gateway, f"cases/{play.opening.case_id}", OWNER) == before
    assert (await gateway.counts("eessi"))["rejected"] == 2
    assert gateway.verify().clean


async def test_a_rejected_message_is_no_message_to_look_at(gateway: Running) -> None:
    channel, partner = gateway.exchange.channels["eessi"], gateway.exchange.directory.get(OUTSIDER)
    assert partner is not None
    rejected = await gateway.exchange.desk(channel).accept(
        Inbound(partner, claim().opening_bytes, "text/xml", "api")
    )
    assert rejected.kind == "rejected"
    assert (await look(gateway, f"messages/{rejected.envelope.public_id}", OUTSIDER))[0] == 404


async def test_nobody_sends_in_anothers_name(gateway: Running) -> None:
    status, problem = await submit(gateway, claim().opening_bytes, OUTSIDER)
    assert status == 422
    (violation,) = problem["violations"]
    assert (violation["rule"], violation["expected"], violation["found"]) == (
        "eessi.sbdh.sender",
        "NO:1001",
        ESTONIA,
    )
    assert (await look(gateway, f"cases/{claim().opening.case_id}", OWNER))[0] == 404


async def test_an_id_used_for_other_content_is_a_conflict(gateway: Running) -> None:
    play = claim()
    await submit(gateway, play.opening_bytes, OWNER)
    letter = play.letter("P5000", ESTONIA, message_id=play.opening.message_id)
    status, problem = await submit(gateway, play.write(letter), OWNER)
    assert (status, problem["reason"], problem["errors"][0]["errorCode"]) == (
        409,
        "message-id-reused",
        "EBMS:0003",
    )


async def test_a_code_of_a_real_person_is_refused_and_not_repeated(gateway: Running) -> None:
    digits = "010150" + "123"
    code = f"010150-123{CHECK_CHARACTERS[int(digits) % 31]}"
    play = claim()
    body = play.opening_bytes.replace(play.who.pins[0][1].encode(), code.encode())
    assert code.encode() in body
    status, problem = await submit(gateway, body, OWNER)
    assert (status, problem["reason"], problem["errors"][0]["errorCode"]) == (
        422,
        "real-person",
        "EBMS:0103",
    )
    assert code not in json.dumps(problem)


async def test_bad_bodies_each_get_a_clear_answer_in_the_channels_form(gateway: Running) -> None:
    deep = b"<a>" * 10_000 + b"</a>" * 10_000
    bomb = b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>'
    utf16 = claim().opening_bytes.decode().encode("utf-16")
    for body, rule in (
        (b"", "xml.empty"),
        (b"%PDF-1.7", "xml.malformed"),
        (deep, "xml.depth"),
        (bomb, "xml.doctype"),
    ):
        status, problem = await submit(gateway, body, OWNER)
        assert (status, problem["reason"]) == (400, "malformed")
        assert [violation["rule"] for violation in problem["violations"]] == [rule]
        assert problem["errors"][0]["errorCode"] == "EBMS:0009"
    assert (await submit(gateway, utf16, OWNER))[0] == 400, "the declaration says UTF-8"
    status, _, body = await gateway.post(
        "/eessi/v1/messages", b"{}", OWNER, Content_Type="application/json"
    )
    assert (status, json.loads(body)["errors"][0]["errorCode"]) == (415, "EBMS:0007")
    status, _, _ = await gateway.post("/eessi/v1/messages", claim().opening_bytes, **XML)
    assert status == 401
    assert gateway.verify().clean

"""Who sends: no key, a key of nobody, somebody else's key; and what belongs to another partner
stays out of sight.
"""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from multidict import CIMultiDict

from exchange.adapters import kelmu
from exchange.partners.stub import Situation
from exchange.schemas.call import Call, Reply
from tests.journeys.bad_input.conftest import Target
from tests.journeys.bad_input.forms import (
    DIRECTORY,
    FORMS,
    SERIALS,
    STUBS,
    Form,
    with_body,
    with_header,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

SAMPLES = Path(kelmu.__file__).parent / "samples" / "valid"
#: Who may send nothing of what the forms send, and the rules that say so.
STRANGER = "municipality.sodankyla"
STRANGER_RULES = {"luova.sender", "kelmu.rights.purpose", "sender-not-partner", "eessi.sbdh.sender"}
BENEFITS = b"""<BenefitData xmlns="urn:exchange:unemployment:1"><InReplyTo>req-1</InReplyTo><CreatedAt>2026-03-02T09:04:40Z</CreatedAt>
<Person><PersonalIdentityCode>061185V952C</PersonalIdentityCode></Person></BenefitData>"""


def key(partner: str) -> dict[str, str]:
    """The header of that partner's key."""
    found = DIRECTORY.get(partner)
    assert found is not None
    return {"X-API-Key": found.key}


@pytest.mark.parametrize(
    "wrong", ["", "key-of-nobody", "KEY-240A4C0149235E8EAEEEBB15", "*", "%00", "ä"]
)
async def test_a_key_of_nobody_is_refused_before_anything_is_counted(
    target: Target, form: Form, wrong: str
) -> None:
    call = form.sending().call
    headers = {name: value for name, value in call.headers.items() if name != "X-API-Key"} | (
        {"X-API-Key": wrong} if wrong else {}
    )
    async with target.counting(form):
        status, told, body = await target.refused(form, replace(call, headers=headers))
    assert status == 401
    assert "unauthorized" in told
    assert b"key-of" not in body, "a key is never repeated"


async def test_another_partners_key_does_not_send_this(target: Target, form: Form) -> None:
    call = form.sending().call
    async with target.counting(form, received=1, rejected=1):
        _, told, _ = await target.refused(
            form, replace(call, headers={**call.headers, **key(STRANGER)})
        )
    assert told & STRANGER_RULES


async def test_a_key_beside_the_senders_own_decides(target: Target, form: Form) -> None:
    """The same id from another partner is another message: nobody learns of anybody's ids."""
    call = form.sending().call
    async with target.counting(form, received=2, accepted=1, rejected=1):
        await target.call(call)
        _, told, body = await target.refused(
            form, replace(call, headers={**call.headers, **key(STRANGER)})
        )
    # The register's ids are unique among an owner's deliveries, whoever sends them: there, who has
    # the delivery may be told.
    assert form.channel == "income-register" or form.reused_rule not in told
    assert b"duplicate" not in body


async def put_into_mailbox(target: Target, receiver: str) -> str:
    """A message of Kela's to a fund that fetches; the public id of the message."""
    message_id = f"ben-{next(SERIALS)}"
    kela = DIRECTORY.get("kela.unemployment")
    assert kela is not None
    call = STUBS["luova"].submit(kela, "unemployment.benefit-data", message_id, BENEFITS, receiver)
    status, _, body = await target.call(call)
    assert status == 202, body
    found = json.loads(body)["id"]
    assert isinstance(found, str)
    return found


async def read(target: Target, partner: str, seconds: int = 60) -> list[dict[str, str]]:
    """What a reading of a mailbox gives."""
    call = Call("GET", "/luova/v1/mailbox", key(partner), query={"lease_seconds": str(seconds)})
    status, _, body = await target.call(call)
    assert status == 200, body
    found = json.loads(body)["deliveries"]
    assert isinstance(found, list)
    return found


async def acknowledge(target: Target, partner: str, letter: dict[str, str]) -> tuple[int, Any]:
    """The answer to an acknowledgement."""
    held = {"id": letter["id"], "lease": letter["lease"]}
    status, _, answer = await target.call(
        Call(
            "POST",
            "/luova/v1/mailbox/acknowledgements",
            key(partner),
            json.dumps({"deliveries": [held]}).encode(),
        )
    )
    return status, json.loads(answer)


async def test_another_partners_mailbox(target: Target) -> None:
    message = await put_into_mailbox(target, "fund.super")
    assert await read(target, "fund.finka") == []
    (letter,) = await read(target, "fund.super")
    assert letter["body"].encode() == BENEFITS
    status, told = await acknowledge(target, "fund.finka", letter)
    assert (status, told["acknowledged"]) == (409, [])
    assert told["violations"][0]["rule"] == "luova.lease-unknown"
    state = Call("GET", f"/luova/v1/messages/{message}")
    for other in ("fund.finka", "fund.super", STRANGER):
        status, _, body = await target.call(replace(state, headers=key(other)))
        assert (status, json.loads(body)["title"]) == (404, "No such message")
    status, _, body = await target.call(replace(state, headers=key("kela.unemployment")))
    assert (status, json.loads(body)["deliveries"][0]["state"]) == (200, "waiting")
    assert await acknowledge(target, "fund.super", letter) == (
        200,
        {"acknowledged": [letter["id"]]},
    )
    status, told = await acknowledge(target, "fund.super", letter)
    assert (status, told["violations"][0]["rule"]) == (409, "luova.lease-ended"), "only once"
    async with target.counting(FORMS[0]):
        pass


async def test_another_institutions_messages_and_cases(target: Target) -> None:
    eessi = next(form for form in FORMS if form.channel == "eessi")
    _, _, body = await target.call(eessi.sending().call)
    receipt = json.loads(body)
    for path in (
        f"messages/{receipt['id']}",
        f"messages/{receipt['messageId']}",
        f"cases/{receipt['caseId']}",
    ):
        status, _, body = await target.call(Call("GET", f"/eessi/v1/{path}", key(eessi.partner)))
        assert status == 200, body
        for other in ("eessi.de.drv-bund", STRANGER):
            if DIRECTORY.get(other) is not None:
                status, _, body = await target.call(Call("GET", f"/eessi/v1/{path}", key(other)))
                assert status == 404, body


async def test_another_countys_information_request(target: Target) -> None:
    kela, request_id = DIRECTORY.get("kela.benefits"), f"r-{next(SERIALS)}"
    assert kela is not None
    made = json.loads((SAMPLES / "kelmu.information-request--two-statements.json").read_text()) | {
        "county": "county.lappi"
    }
    call = STUBS["kelmu"].submit(
        kela, "kelmu.information-request", request_id, json.dumps(made).encode(), ""
    )
    assert (await target.call(call))[0] == 202
    given = {
        "information_request": request_id,
        "user": "sos1",
        "given": [{"statement": "service-needs-assessment", "known": False}],
    }
    path = f"/kelmu/v1/information-requests/{request_id}/answers"
    answer = Call(
        "POST",
        path,
        {**key("county.kainuu"), "Content-Type": "application/json"},
        json.dumps(given).encode(),
    )
    kelmu = next(form for form in FORMS if form.channel == "kelmu")
    before = await target.running.counts("kelmu")
    _, told, body = await target.refused(kelmu, answer)
    assert told == {"rule", "kelmu.information-request-answer.unknown"}
    none = with_body(
        replace(answer, path=path.replace(request_id, "none")),
        answer.body.replace(request_id.encode(), b"none"),
    )
    _, _, of_none = await target.refused(kelmu, none)
    assert json.loads(of_none)["detail"] == json.loads(body)["detail"], (
        "another county's request is as good as none"
    )
    after = await target.running.counts("kelmu")
    assert after["rejected"] - before.get("rejected", 0) == 2


async def test_the_status_of_another_partners_delivery(target: Target) -> None:
    register = next(form for form in FORMS if form.name == "register deferred")
    sending = register.sending()
    while sending.then is None:
        sending = register.sending()
    status, _, body = await target.call(sending.call)
    assert b"<DeliveryDataStatus>2<" in body
    later = Situation(random.Random(1), 0, 1, DIRECTORY)
    asked, *_ = sending.then(Reply(status, body), later)
    _, _, own = await target.call(asked.call)
    assert b"<DeliveryDataStatus>3<" in own, own
    _, _, others = await target.call(
        replace(asked.call, headers={**asked.call.headers, **key(STRANGER)})
    )
    assert b"<DeliveryDataStatus>0<" in others or b"IR2009" in others, others


async def test_a_header_that_says_one_thing_stands_once(target: Target, form: Form) -> None:
    call = form.sending().call
    async with target.counting(form):
        for name in ("X-API-Key", "X-Message-Id"):
            headers = CIMultiDict(call.headers)
            while len(headers.getall(name, ())) < 2:
                headers.add(name, "other")
            status, answered, body = await target.call(replace(call, headers=headers))
            assert (status, b"header-twice" in body) == (400, True), (name, body)
            assert answered["Content-Type"].startswith(form.error_type)


async def test_a_header_that_is_too_long_is_refused_before_any_endpoint(
    target: Target, form: Form
) -> None:
    call = with_header(form.sending().call, "X-Message-Id", "x" * 20_000)
    async with target.counting(form):
        status, headers, body = await target.call(call)
    assert status == 431
    assert headers["Content-Type"].startswith(form.error_type)
    assert b"head-too-large" in body

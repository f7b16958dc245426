"""Kelmu's handlers: queries and lists that wait for the register, work lists that the exchange
answers, and all that is delivered later; reads headers, judges nothing.
"""

from __future__ import annotations

import hashlib
import itertools

from pydantic_core import to_json

from exchange.adapters.kelmu import answer
from exchange.adapters.kelmu.identify import (
    LIST,
    QUERY,
    REQUEST_ANSWER,
    TRANSFER,
    WITHDRAWAL,
    WORK_LIST,
)
from exchange.adapters.kelmu.work_lists import work_list
from exchange.ports import Answered, Desk, Inbound, Parsed
from exchange.ports.disclosures import disclosures
from exchange.schemas.attachments import is_split
from exchange.schemas.call import JSON, Call, Reply
from exchange.schemas.directory import Partner

#: How long a query waits for the benefit register.
ANSWER_DEADLINE_SECONDS = 10.0
BULK_ANSWER_DEADLINE_SECONDS = 30.0
#: Under which hint the id in an address stands, by what the message is about.
ABOUT = {
    REQUEST_ANSWER: "information-request",
    WITHDRAWAL: "information-request",
    TRANSFER: "notice",
}

_NUMBERS = itertools.count(1)


def _given_id(call: Call) -> str:
    """The sender's id, empty without one. An id in the form of ours must not be mistaken for one; a
    NUL never matches the form of an id.
    """
    given = call.headers.get("X-Message-Id", "")
    return given if not given.startswith("~") else f"\0{given}"


def _message_id(call: Call, desk: Desk) -> str:
    """The sender's id, or one of ours: time, number and digest, so that equal queries without an id
    are not duplicates.
    """
    if given := _given_id(call):
        return given
    digest = hashlib.blake2b(call.body, digest_size=4).hexdigest()
    return f"~{desk.now():x}-{next(_NUMBERS):x}-{digest}"


def _hints(message_type: str, call: Call) -> dict[str, str]:
    """What the address says: the request or the notice that the message is about."""
    reference = call.parameters.get("id", "")
    if not reference or message_type not in ABOUT:
        return {}
    return {ABOUT[message_type]: reference, "conversation": reference[:64]}


def _inbound(endpoint: str, message_type: str, call: Call, partner: Partner, desk: Desk) -> Inbound:
    hints = {"type": message_type, "id": _message_id(call, desk), **_hints(message_type, call)}
    # A body in parts is told by the whole header: it names the boundary.
    content_type = (
        call.headers.get("Content-Type", "") if is_split(call.content_type) else call.content_type
    )
    return Inbound(
        partner=partner, body=call.body, content_type=content_type, endpoint=endpoint, hints=hints
    )


def said(endpoint: str, message_type: str, call: Call, partner: Partner) -> Inbound:
    """What a call says that is refused unread."""
    hints = {"type": message_type, "id": _given_id(call), **_hints(message_type, call)}
    return Inbound(
        partner=partner, body=b"", content_type=call.content_type, endpoint=endpoint, hints=hints
    )


async def ask(endpoint: str, message_type: str, call: Call, partner: Partner, desk: Desk) -> Reply:
    """A query or a list that the benefit register answers in the same call."""
    inbound = _inbound(endpoint, message_type, call, partner, desk)
    seconds = ANSWER_DEADLINE_SECONDS if message_type == QUERY else BULK_ANSWER_DEADLINE_SECONDS
    outcome, register_answer = await desk.ask(inbound, seconds)
    if outcome.kind == "rejected":
        return answer.rejected(outcome)
    envelope = outcome.envelope
    if register_answer is None:
        return answer.unanswered(envelope, await desk.deliveries(envelope.id), seconds)
    if message_type != LIST:
        return answer.answered(envelope, partner, inbound.body, register_answer)
    told = answer.listed(envelope, partner, register_answer)
    # Whom a list is about is known now only; asked again, it is noted already.
    await desk.note(disclosures(answer.persons_listed(register_answer), envelope.id), envelope.id)
    return told


async def accept(
    endpoint: str, message_type: str, call: Call, partner: Partner, desk: Desk
) -> Reply:
    """Anything that is delivered later."""
    outcome = await desk.accept(_inbound(endpoint, message_type, call, partner, desk))
    if outcome.kind == "rejected":
        return answer.rejected(outcome)
    return answer.accepted(outcome.envelope)


async def read_work_list(endpoint: str, call: Call, partner: Partner, desk: Desk) -> Reply:
    """An official reads the work list."""

    async def answering(parsed: Parsed) -> Answered:
        page = await work_list(parsed.document, partner.id, desk)
        persons = [entry["person"] for entry in page["entries"] if "person" in entry]
        return Answered(to_json(page), {"persons": persons})

    inbound = _inbound(endpoint, WORK_LIST, call, partner, desk)
    outcome, answered = await desk.answer(inbound, answering)
    if answered is None:
        return answer.rejected(outcome)
    message_id = outcome.envelope.id
    await desk.note(disclosures(answered.told["persons"], message_id), message_id)
    return Reply(200, answered.body, JSON)

"""Kelmu's endpoints: queries that wait for their answer, information requests and their
answers; reads headers, judges nothing.
"""

from __future__ import annotations

import hashlib
import itertools
from functools import partial

from exchange.adapters.kelmu import answer, interface
from exchange.adapters.kelmu.identify import BULK, QUERY, REQUEST, REQUEST_ANSWER
from exchange.ports import Desk, Endpoint, Inbound
from exchange.schemas.call import Call, Reply
from exchange.schemas.directory import Partner

#: How long a query waits for the benefit register.
ANSWER_DEADLINE_SECONDS = 10.0
BULK_ANSWER_DEADLINE_SECONDS = 30.0

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


def _inbound(
    call: Call, partner: Partner, desk: Desk, endpoint: str, message_type: str, **hints: str
) -> Inbound:
    hints |= {"type": message_type, "id": _message_id(call, desk)}
    return Inbound(
        partner=partner,
        body=call.body,
        content_type=call.content_type,
        endpoint=endpoint,
        hints=hints,
    )


def _said(endpoint: str, message_type: str, call: Call, partner: Partner) -> Inbound:
    """What a call says that is refused unread."""
    hints = {"type": message_type, "id": _given_id(call)}
    if reference := call.parameters.get("id", ""):
        hints |= {"information-request": reference, "conversation": reference[:64]}
    return Inbound(
        partner=partner, body=b"", content_type=call.content_type, endpoint=endpoint, hints=hints
    )


async def _ask(inbound: Inbound, desk: Desk, deadline_seconds: float) -> Reply:
    outcome, register_answer = await desk.ask(inbound, deadline_seconds)
    if outcome.kind == "rejected":
        return answer.rejected(outcome)
    envelope = outcome.envelope
    if register_answer is not None:
        return answer.answered(envelope, inbound.partner, inbound.body, register_answer)
    return answer.unanswered(envelope, await desk.deliveries(envelope.id), deadline_seconds)


async def _accept(inbound: Inbound, desk: Desk) -> Reply:
    outcome = await desk.accept(inbound)
    return (
        answer.rejected(outcome)
        if outcome.kind == "rejected"
        else answer.accepted(outcome.envelope)
    )


async def query(call: Call, partner: Partner, desk: Desk) -> Reply:
    """A query by a partner's system."""
    return await _ask(_inbound(call, partner, desk, "api", QUERY), desk, ANSWER_DEADLINE_SECONDS)


async def query_by_hand(call: Call, partner: Partner, desk: Desk) -> Reply:
    """A query by an official at the user interface."""
    return await _ask(_inbound(call, partner, desk, "ui", QUERY), desk, ANSWER_DEADLINE_SECONDS)


async def query_bulk(call: Call, partner: Partner, desk: Desk) -> Reply:
    """A query about several persons by a partner's system."""
    return await _ask(
        _inbound(call, partner, desk, "api", BULK), desk, BULK_ANSWER_DEADLINE_SECONDS
    )


async def request_information(call: Call, partner: Partner, desk: Desk) -> Reply:
    """Kela asks a county."""
    return await _accept(_inbound(call, partner, desk, "api", REQUEST), desk)


async def answer_information_request(call: Call, partner: Partner, desk: Desk) -> Reply:
    """A county answers at the user interface; `{id}` is the message id of Kela's request."""
    reference = call.parameters.get("id", "")
    hints = {"information-request": reference, "conversation": reference[:64]}
    return await _accept(_inbound(call, partner, desk, "ui", REQUEST_ANSWER, **hints), desk)


ENDPOINTS = (
    Endpoint(
        "POST",
        "/kelmu/v1/queries",
        "Query one person's benefit data (technical interface)",
        query,
        takes_messages=True,
        said=partial(_said, "api", QUERY),
        interface=interface.ASK,
    ),
    Endpoint(
        "POST",
        "/kelmu/v1/queries/bulk",
        "Query the benefit data of at most 1,000 persons",
        query_bulk,
        takes_messages=True,
        said=partial(_said, "api", BULK),
        interface=interface.ASK_BULK,
    ),
    Endpoint(
        "POST",
        "/kelmu/v1/ui/queries",
        "Query one person's benefit data (user interface)",
        query_by_hand,
        takes_messages=True,
        said=partial(_said, "ui", QUERY),
        interface=interface.ASK,
    ),
    Endpoint(
        "POST",
        "/kelmu/v1/information-requests",
        "Kela asks a county for statements",
        request_information,
        takes_messages=True,
        said=partial(_said, "api", REQUEST),
        interface=interface.REQUEST_INFORMATION,
    ),
    Endpoint(
        "POST",
        "/kelmu/v1/information-requests/{id}/answers",
        "A county answers Kela's request",
        answer_information_request,
        takes_messages=True,
        said=partial(_said, "ui", REQUEST_ANSWER),
        interface=interface.ANSWER,
    ),
)

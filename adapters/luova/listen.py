"""The endpoints of Luova: submit one or many, ask for a state, and those of the mailbox (see
`mailbox`); bytes in, bytes out, no judgement.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from exchange.adapters.luova import answer, batch, interface, mailbox
from exchange.adapters.luova.parse import inbound_of
from exchange.ports.channel import Endpoint
from exchange.ports.desk import Desk, Outcome
from exchange.ports.message import Inbound
from exchange.schemas.call import Call, Reply, media_type
from exchange.schemas.directory import Partner
from exchange.schemas.envelope import id_from_public
from exchange.schemas.violation import Malformed, Violation

NDJSON_TYPES = ("application/x-ndjson", "application/ndjson", "application/jsonl")
NO_BATCH = Violation(
    "luova.batch-type",
    "not the media type of a batch",
    expected="application/x-ndjson or multipart/mixed",
)
EMPTY = Violation(
    "luova.batch-empty",
    "a batch without a message",
    expected="a message a line, or parts parted by the boundary that Content-Type names",
)
TOO_MANY = Violation(
    "luova.batch-size", "too many messages in a batch", expected=f"at most {batch.MESSAGES_MAX}"
)


async def submit(call: Call, partner: Partner, desk: Desk) -> Reply:
    """One message: the body is the message, the headers its envelope."""
    return answer.submitted(await desk.accept(inbound_of(call, partner, "api")))


async def submit_batch(call: Call, partner: Partner, desk: Desk) -> Reply:
    """Many messages: each is accepted or rejected by itself."""
    found = await take_batch(_whole(call, partner), desk)
    return found if isinstance(found, Reply) else answer.batch(found)


async def take_batch(whole: Inbound, desk: Desk) -> list[Outcome] | Reply:
    """What became of each message of a batch, or what is told of one that can't be taken apart: it
    counts as one message.
    """
    body, named, partner = whole.body, whole.content_type, whole.partner
    content_type = media_type(named)
    try:
        if content_type in NDJSON_TYPES:
            inbounds = await desk.beside(partner.id, len(body), batch.ndjson, body, partner)
        elif content_type == "multipart/mixed":
            inbounds = await desk.beside(
                partner.id, len(body), batch.multipart, body, named, partner
            )
        else:
            return answer.no_batch(await desk.refuse(whole, "unsupported", [NO_BATCH]), 415)
    except batch.TooMany:
        return answer.no_batch(await desk.refuse(whole, "too-large", [TOO_MANY]), 413)
    except Malformed as error:
        return answer.no_batch(await desk.refuse(whole, "malformed", error.violations), 400)
    if not inbounds:
        return answer.no_batch(await desk.refuse(whole, "malformed", [EMPTY]), 400)
    return await desk.accept_many([replace(each, endpoint=whole.endpoint) for each in inbounds])


def _whole(call: Call, partner: Partner) -> Inbound:
    """A batch as it came."""
    return Inbound(partner, call.body, call.headers.get("Content-Type", ""), batch.ENDPOINT)


async def read_state(call: Call, partner: Partner, desk: Desk) -> Reply:
    """A message that the caller sent, by the id of its receipt, with its deliveries."""
    try:
        message_id = id_from_public(call.parameters["id"])
    except ValueError:
        return answer.not_found()
    envelope = await desk.message(message_id)
    if envelope is None or envelope.sender != partner.id:
        return answer.not_found()
    return answer.state(envelope, await desk.deliveries(message_id))


ENDPOINTS = (
    Endpoint(
        "POST",
        "/luova/v1/messages",
        "Submit one message; its envelope is in the headers",
        submit,
        takes_messages=True,
        said=partial(inbound_of, endpoint="api"),
        interface=interface.SUBMIT,
    ),
    Endpoint(
        "GET",
        "/luova/v1/messages/{id}",
        "The state of a message of one's own and its deliveries",
        read_state,
        interface=interface.STATE,
    ),
    Endpoint(
        "POST",
        "/luova/v1/batches",
        "Submit many messages (NDJSON or multipart/mixed), each accepted or rejected by itself",
        submit_batch,
        takes_messages=True,
        said=_whole,
        interface=interface.BATCH,
    ),
    Endpoint(
        "GET",
        "/luova/v1/mailbox",
        "Lease the oldest waiting deliveries of one's own mailbox, or wait for some",
        mailbox.read,
        waits=True,
        interface=interface.MAILBOX,
    ),
    Endpoint(
        "POST",
        "/luova/v1/mailbox/acknowledgements",
        "Acknowledge leased deliveries",
        mailbox.acknowledge,
        interface=interface.ACKNOWLEDGE,
    ),
    Endpoint(
        "POST",
        "/luova/v1/mailbox/refusals",
        "Refuse leased deliveries for a reason: they go to the dead letters",
        mailbox.refuse,
        interface=interface.REFUSE,
    ),
    Endpoint(
        "POST",
        "/luova/v1/mailbox/extensions",
        "Have leases last longer",
        mailbox.extend,
        interface=interface.EXTEND,
    ),
)

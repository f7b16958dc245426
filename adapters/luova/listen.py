"""The endpoints of Luova: submit one or many, read and acknowledge a mailbox, ask for a state; bytes
in, bytes out, no judgement.
"""

from __future__ import annotations

from exchange.adapters.luova import answer, batch
from exchange.adapters.luova.parse import inbound_of
from exchange.ports.channel import Endpoint, Inbound
from exchange.ports.desk import Desk
from exchange.schemas import guard, json
from exchange.schemas.call import Call, Reply
from exchange.schemas.directory import Partner
from exchange.schemas.envelope import id_from_public
from exchange.schemas.violation import Malformed, Violation

NDJSON_TYPES = ("application/x-ndjson", "application/ndjson", "application/jsonl")
#: Most deliveries that one reading of a mailbox or one acknowledgement is about.
PAGE_MAX = 100
LEASE_SECONDS = 60
LEASE_SECONDS_MAX = 3_600
NO_BATCH = Violation(
    "luova.batch-type",
    "not the media type of a batch",
    expected="application/x-ndjson or multipart/mixed",
)
TOO_MANY = Violation(
    "luova.batch-size", "too many messages in a batch", expected=f"at most {batch.MESSAGES_MAX}"
)


async def submit(call: Call, partner: Partner, desk: Desk) -> Reply:
    """One message: the body is the message, the headers its envelope."""
    return answer.submitted(await desk.accept(inbound_of(call, partner, "api")))


async def submit_batch(call: Call, partner: Partner, desk: Desk) -> Reply:
    """Many messages: each is accepted or rejected by itself."""
    content_type, size = call.content_type, len(call.body)
    try:
        if content_type in NDJSON_TYPES:
            inbounds = await desk.beside(size, batch.ndjson, call.body, partner)
        elif content_type == "multipart/mixed":
            named = call.headers.get("Content-Type", "")
            inbounds = await desk.beside(size, batch.multipart, call.body, named, partner)
        else:
            return answer.no_batch(
                await desk.refuse(_whole(call, partner), "unsupported", [NO_BATCH]), 415
            )
    except batch.TooMany:
        return answer.no_batch(
            await desk.refuse(_whole(call, partner), "too-large", [TOO_MANY]), 413
        )
    except Malformed as error:
        return answer.no_batch(
            await desk.refuse(_whole(call, partner), "malformed", error.violations), 400
        )
    return answer.batch(await desk.accept_many(inbounds) if inbounds else [])


def _whole(call: Call, partner: Partner) -> Inbound:
    """A batch that can't be taken apart: it counts as one message."""
    return Inbound(partner, call.body, call.headers.get("Content-Type", ""), batch.ENDPOINT)


async def read_mailbox(call: Call, partner: Partner, desk: Desk) -> Reply:
    """The oldest waiting deliveries of the caller's own mailbox, leased to it for a while."""
    violations: list[Violation] = []
    most = _number(call, "most", PAGE_MAX, PAGE_MAX, violations)
    seconds = _number(call, "lease_seconds", LEASE_SECONDS, LEASE_SECONDS_MAX, violations)
    if violations:
        return answer.bad_request(violations)
    return answer.mailbox(await desk.lease(partner.id, most, float(seconds)))


def _number(call: Call, name: str, default: int, most: int, violations: list[Violation]) -> int:
    text = call.query.get(name)
    if text is None:
        return default
    if len(text) <= 9 and text.isascii() and text.isdigit() and 1 <= int(text) <= most:
        return int(text)
    found = "" if guard.in_text(text) else text[:20]
    violations.append(
        Violation(
            "luova.query",
            f"query parameter {name} is out of range",
            f"?{name}",
            expected=f"1-{most}",
            found=found,
        )
    )
    return default


async def acknowledge(call: Call, partner: Partner, desk: Desk) -> Reply:
    """End leases: what is acknowledged counts as delivered and does not come back."""
    try:
        asked = _delivery_ids(json.parse(call.body))
    except Malformed as error:
        return answer.bad_request(error.violations)
    return answer.acknowledged(asked, await desk.acknowledge(partner.id, asked))


def _delivery_ids(data: object) -> list[int]:
    """The ids of `{"deliveries": [...]}`.

    Raises:
        Malformed: when it is of another form, or an id can't be one.
    """
    texts = data.get("deliveries") if isinstance(data, dict) else None
    if not isinstance(texts, list) or len(data) != 1 or len(texts) > PAGE_MAX:  # type: ignore[arg-type]
        expected = f'{{"deliveries": [...]}} with at most {PAGE_MAX} ids'
        raise Malformed(
            [Violation("luova.acknowledgement", "not an acknowledgement", expected=expected)]
        )
    ids: list[int] = []
    violations: list[Violation] = []
    for index, text in enumerate(texts):
        try:
            ids.append(id_from_public(text))
        except (TypeError, ValueError):
            path = f"/deliveries/{index}"
            violations.append(
                Violation(
                    "luova.acknowledgement",
                    "no delivery's id",
                    path,
                    expected="32 hexadecimal digits",
                )
            )
    if violations:
        raise Malformed(violations)
    return ids


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
    ),
    Endpoint(
        "GET",
        "/luova/v1/messages/{id}",
        "The state of a message of one's own and its deliveries",
        read_state,
    ),
    Endpoint(
        "POST",
        "/luova/v1/batches",
        "Submit many messages (NDJSON or multipart/mixed), each accepted or rejected by itself",
        submit_batch,
        takes_messages=True,
    ),
    Endpoint(
        "GET",
        "/luova/v1/mailbox",
        "Lease the oldest waiting deliveries of one's own mailbox",
        read_mailbox,
    ),
    Endpoint(
        "POST", "/luova/v1/mailbox/acknowledgements", "Acknowledge leased deliveries", acknowledge
    ),
)

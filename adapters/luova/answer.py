"""What a sender or a reader of a mailbox is told, as bytes: receipts, rejections, mailbox pages,
states; no decisions and no I/O.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from json import dumps
from typing import Any

from exchange.adapters.luova.deliver import versioned
from exchange.adapters.luova.routing import receiver_of
from exchange.ports.desk import Leased, Outcome
from exchange.ports.ledger import Hold
from exchange.schemas.call import Reply, json_reply, problem
from exchange.schemas.envelope import Envelope, public_id
from exchange.schemas.instants import instant
from exchange.schemas.violation import Violation

ACCEPTED = 202
DUPLICATE = 200
#: Status by the reason of a rejection; a reason that is not here is 422.
STATUS = {"malformed": 400, "real-person": 403, "message-id-reused": 409}
#: The rule whose violation means that the sender may not send this at all.
SENDER_RULE = "luova.sender"
#: The rule whose violation means that the type has no such version.
VERSION_RULE = "luova.version"
TITLES = {
    400: "Malformed message",
    403: "Message not allowed",
    409: "Message id reused",
    422: "Message rejected",
}
DETAILS = {
    "malformed": "The body can't be read as its type's format.",
    "type-unknown": "It can't be told which message type this is; name it in header "
    "X-Message-Type.",
    "schema": "The message does not follow its type's schema.",
    "rule": "The message breaks a rule of its type or of the channel.",
    "real-person": "The message holds a personal identity code that could be a living person's; "
    "only artificial ones are taken.",
    "message-id-reused": "Another message was accepted with this id before; a repeated message "
    "must be the same: its body, byte for byte, its type and version, receiver, "
    "conversation and order.",
    "receiver-missing": "The type has no default receiver; name one in header X-Receiver.",
    "receiver-unknown": "No partner has the id that header X-Receiver names.",
    "receiver-not-allowed": "The receiver that header X-Receiver names does not take this type "
    "from this sender.",
}


def receipt_text(envelope: Envelope) -> str:
    """The receipt as JSON; of the envelope alone, so that a duplicate gets the same, byte for byte.

    Everything in it but the warnings is plain (ids are checked, types and partners are ours), so
    nothing needs escaping.
    """
    detail = envelope.detail
    warnings = dumps(detail["warnings"], ensure_ascii=False) if "warnings" in detail else "[]"
    return (
        f'{{"id":"{envelope.id:032x}","messageId":"{envelope.sender_message_id}",'
        f'"messageType":"{envelope.message_type}",'
        f'"receivedAt":"{instant(envelope.received_at)}","items":{envelope.items},'
        f'"receivers":["{receiver_of(envelope.message_type, detail)}"],"warnings":{warnings}}}'
    )


def submitted(outcome: Outcome) -> Reply:
    """The answer to one message: 202 with a receipt, 200 with the same receipt for a duplicate,
    else a problem.
    """
    if outcome.kind == "accepted":
        return Reply(ACCEPTED, receipt_text(outcome.envelope).encode())
    if outcome.kind == "duplicate":
        return Reply(DUPLICATE, receipt_text(outcome.envelope).encode())
    return _rejected(outcome)


def status_of(outcome: Outcome) -> int:
    """The HTTP status that one message alone gets."""
    if outcome.kind == "full":
        return 429 if outcome.reason == "receiver.full" else 503
    if outcome.kind != "rejected":
        return ACCEPTED if outcome.kind == "accepted" else DUPLICATE
    if outcome.reason in STATUS:
        return STATUS[outcome.reason]
    if any(violation.rule == SENDER_RULE for violation in outcome.violations):
        return 403
    return 422


def _rejected(outcome: Outcome) -> Reply:
    status = status_of(outcome)
    forbidden = status == 403 and outcome.reason != "real-person"
    detail = (
        "The sender may not send messages of this type."
        if forbidden
        else DETAILS.get(outcome.reason, "")
    )
    if any(violation.rule == VERSION_RULE for violation in outcome.violations):
        detail = "The type has no such version, or the document is of another one."
    return problem(status, TITLES[status], detail, **_told(outcome))


def _told(outcome: Outcome) -> dict[str, Any]:
    """What a rejection says besides its title: the stable reason, what could be told of the
    message, every violation. An entry of a batch whose receiver is full has no id: it was not kept.
    """
    members: dict[str, Any] = {"reason": outcome.reason}
    if outcome.kind != "full":
        members["id"] = outcome.envelope.public_id
    if outcome.envelope.sender_message_id:
        members["messageId"] = outcome.envelope.sender_message_id
    if outcome.envelope.message_type:
        members["messageType"] = outcome.envelope.message_type
    members["violations"] = [violation.as_dict() for violation in outcome.violations]
    return members


def batch(outcomes: Sequence[Outcome]) -> Reply:
    """The answer to a batch: counts, and for each entry, in order, its receipt or what is wrong
    with it, with its own status.
    """
    entries = []
    for index, outcome in enumerate(outcomes):
        told = (
            receipt_text(outcome.envelope)
            if outcome.kind in ("accepted", "duplicate")
            else dumps(_told(outcome), ensure_ascii=False)
        )
        entries.append(f'{{"index":{index},"status":{status_of(outcome)},{told[1:]}')
    kinds = [outcome.kind for outcome in outcomes]
    names = [*("accepted", "duplicate", "rejected"), *(["full"] if "full" in kinds else [])]
    counts = ",".join(f'"{name}":{sum(kind == name for kind in kinds)}' for name in names)
    return Reply(200, f'{{{counts},"outcomes":[{",".join(entries)}]}}'.encode())


def mailbox(leased: Iterable[Leased]) -> Reply:
    """A page of a mailbox. `body` is the message's text when `encoding` is `utf-8`, else its bytes
    in base64.
    """
    return json_reply(
        {
            "deliveries": [
                letter(delivery)
                | {
                    "lease": public_id(delivery.lease),
                    "leaseUntil": instant(delivery.lease_until),
                }
                for delivery in leased
            ]
        }
    )


def letter(delivery: Leased) -> dict[str, Any]:
    """A delivery from a mailbox, without its lease."""
    envelope = delivery.envelope
    try:
        body, encoding = delivery.body.decode(), "utf-8"
    except UnicodeDecodeError:
        body, encoding = base64.b64encode(delivery.body).decode("ascii"), "base64"
    told = {
        "id": public_id(delivery.delivery_id),
        "messageType": versioned(envelope),
        "messageId": envelope.sender_message_id,
        "sender": envelope.sender,
        "receivedAt": instant(envelope.received_at),
        "attempts": delivery.attempts,
        "contentType": envelope.content_type,
        "encoding": encoding,
        "body": body,
    }
    if envelope.conversation:
        told["conversation"] = envelope.conversation
    if attachments := envelope.detail.get("attachments"):
        told["attachments"] = attachments
    return told


#: What is wrong with a lease that somebody shows, and what would have been right.
NO_LEASE = {
    "unknown": (
        "luova.lease-unknown",
        "nothing of this mailbox was leased under that id",
        "a delivery of your own mailbox, as it gave it",
    ),
    "held-by-another": (
        "luova.lease-over",
        "the lease is over and another one was taken since",
        "the newest lease of the delivery",
    ),
    "delivered": (
        "luova.lease-ended",
        "the delivery was acknowledged before",
        "each delivery acknowledged or refused once",
    ),
    "dead": (
        "luova.lease-ended",
        "the delivery is a dead letter: it was refused, or its deadline is over",
        "each delivery acknowledged or refused once, before its deadline",
    ),
    "twice": (
        "luova.lease-twice",
        "the delivery stands twice in this call",
        "each delivery once",
    ),
    "limit": (
        "luova.lease-limit",
        "the lease would last too long",
        "a lease of at most so long in all as a reading may ask for: acknowledge it, or let it go",
    ),
}


def held(
    what: str, holds: Sequence[Hold], told: Sequence[str], lease_until: int | None = None
) -> Reply:
    """What became of leases: 200 when all that was asked for is done, else 409 with what is wrong
    with each of the others; `what` lists those of which it is done all the same.
    """
    done = [public_id(hold.delivery_id) for hold, why in zip(holds, told, strict=True) if not why]
    members: dict[str, Any] = {what: done}
    if lease_until is not None and done:
        members["leaseUntil"] = instant(lease_until)
    if not any(told):
        return json_reply(members)
    violations = []
    for index, (hold, why) in enumerate(zip(holds, told, strict=True)):
        if why:
            rule, message, expected = NO_LEASE[why]
            lease = public_id(hold.lease)
            violations.append(
                Violation(rule, message, f"/deliveries/{index}", expected=expected, found=lease)
            )
    return problem(
        409,
        "Not leased",
        f"Nothing was changed of what the violations name; the others are {what}.",
        reason="not-leased",
        **members,
        violations=[violation.as_dict() for violation in violations],
    )


def state(envelope: Envelope, deliveries: Sequence[Mapping[str, object]]) -> Reply:
    """A message of one's own: its receipt and how far its deliveries are, or why it was
    rejected.
    """
    told: dict[str, Any] = {
        "state": "accepted",
        "deliveries": [_progress(delivery) for delivery in deliveries],
    }
    if attachments := envelope.detail.get("attachments"):
        told["attachments"] = attachments
    if "violations" in envelope.detail:
        told = {
            "state": "rejected",
            "reason": envelope.detail.get("reason", ""),
            "violations": envelope.detail["violations"],
        }
    text = dumps(told, ensure_ascii=False, separators=(",", ":"))
    return Reply(200, f"{receipt_text(envelope)[:-1]},{text[1:]}".encode())


def _progress(delivery: Mapping[str, object]) -> dict[str, object]:
    """A delivery as its sender sees it: ids and times in the forms of the receipt, times that have
    not come left out.
    """
    shown = {
        key: value
        for key, value in delivery.items()
        if key in ("receiver", "mode", "state", "attempts", "items", "reason")
    }
    if isinstance(number := delivery.get("id"), int):
        shown = {"id": public_id(number), **shown}
    for key, name in (("next_at", "nextAt"), ("ended_at", "endedAt")):
        if isinstance(at := delivery.get(key), int) and at:
            shown[name] = instant(at)
    return shown


def not_found() -> Reply:
    """The same for a message that is not there and one that is another's."""
    return problem(404, "No such message", "No message of yours has that id.", reason="not-found")


def bad_request(violations: Sequence[Violation]) -> Reply:
    """A call that is not about one message and can't be understood."""
    return problem(
        400,
        "Bad request",
        reason="malformed",
        violations=[violation.as_dict() for violation in violations],
    )


def no_batch(outcome: Outcome, status: int) -> Reply:
    """A body that can't be taken apart as a batch: none of its messages was taken in."""
    status = STATUS.get(outcome.reason, status)
    detail = (
        DETAILS.get(outcome.reason)
        if outcome.reason == "real-person"
        else "Nothing of the batch was taken in."
    )
    return problem(
        status, "No batch" if status != 403 else TITLES[403], detail or "", **_told(outcome)
    )

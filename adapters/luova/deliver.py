"""A delivery as a call to the partner, and what its response means; no network and no retries.

Modelled: the path and the headers are ours, since Luova has no public wire
description.
"""

from __future__ import annotations

from exchange.adapters.luova.routing import ROUTES
from exchange.ports.channel import Push
from exchange.ports.delivery import (
    CONFLICT,
    Attempted,
    Delivered,
    Delivery,
    conflicted,
    failed_with,
)
from exchange.schemas.call import JSON, Call, Reply
from exchange.schemas.envelope import Envelope, public_id

PUSHES = (
    Push(
        path="/luova/deliveries/{id}",
        summary="A message for the partner, with the body as its sender sent it",
        headers={
            "X-Message-Type": "The message type, with ;v= where the sender named a version",
            "X-Message-Id": "The sender's own id of the message",
            "X-Conversation-Id": "The conversation, where the message is part of one",
        },
        media_types=("text/xml", JSON, "multipart/related", "multipart/form-data"),
        types=tuple(ROUTES),
        answer="Delivered; so is 409, unless the directory says that the partner refuses by it",
    ),
)


def request(delivery: Delivery) -> Call:
    """`POST /luova/deliveries/{delivery id}` with the body as the sender sent it; the journey adds
    the delivery's id and the signature.
    """
    envelope = delivery.envelope
    delivery_id = public_id(delivery.id)
    headers = {
        "Content-Type": envelope.content_type or "application/octet-stream",
        "X-Message-Type": versioned(envelope),
        "X-Message-Id": envelope.sender_message_id,
        "X-Sender": envelope.sender,
    }
    if envelope.conversation:
        headers["X-Conversation-Id"] = envelope.conversation
    return Call("POST", f"/luova/deliveries/{delivery_id}", headers, delivery.body)


def versioned(envelope: Envelope) -> str:
    """The message type, with the version that the sender named."""
    version = envelope.detail.get("version")
    return f"{envelope.message_type};v={version}" if version else envelope.message_type


def judge(delivery: Delivery, reply: Reply) -> Attempted:
    """2xx, and 409 (it has it already) of a partner that means that by it: delivered; 409 of one
    that refuses by it: refused for good; the rest, redirects too: try again.
    """
    status = reply.status
    if 200 <= status < 300:
        return Delivered()
    if status == CONFLICT:
        return conflicted(delivery.receiver)
    return failed_with(status)

"""A delivery as a call to the partner, and what its response means; no network and no retries.

Modelled: the path, the headers and the signature are ours, since Luova has no public wire
description.
"""

from __future__ import annotations

import hmac

from exchange.ports.delivery import Attempted, Delivered, Delivery, failed_with
from exchange.schemas.call import Call, Reply
from exchange.schemas.envelope import public_id

#: The partner has it already.
CONFLICT = 409


def signature(body: bytes, secret: str) -> str:
    """The value of `X-Signature`: `sha256=` and the hexadecimal HMAC-SHA256 of the body under the
    receiver's callback secret.
    """
    return "sha256=" + hmac.digest(secret.encode(), body, "sha256").hex()


def request(delivery: Delivery) -> Call:
    """`POST /luova/deliveries/{delivery id}` with the body as the sender sent it; signed when the
    receiver has a callback secret.
    """
    envelope = delivery.envelope
    delivery_id = public_id(delivery.id)
    headers = {
        "Content-Type": envelope.content_type or "application/octet-stream",
        "X-Message-Type": envelope.message_type,
        "X-Message-Id": envelope.sender_message_id,
        "X-Sender": envelope.sender,
        "X-Delivery-Id": delivery_id,
    }
    if secret := delivery.receiver.callback_secret:
        headers["X-Signature"] = signature(delivery.body, secret)
    if envelope.conversation:
        headers["X-Conversation-Id"] = envelope.conversation
    return Call("POST", f"/luova/deliveries/{delivery_id}", headers, delivery.body)


def judge(delivery: Delivery, reply: Reply) -> Attempted:
    """2xx and 409 (it has it already): delivered; the rest, redirects too: try again."""
    status = reply.status
    if 200 <= status < 300 or status == CONFLICT:
        return Delivered()
    return failed_with(status)

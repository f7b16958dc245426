"""What every call to a partner carries, whatever its channel: the message type, the delivery's id,
the sender and its message id, the trace that it belongs to, and a signature over id, time and body.
"""

from __future__ import annotations

import hmac

from exchange.journey import trace
from exchange.ports import Delivery
from exchange.schemas.call import Call
from exchange.schemas.envelope import public_id


def signature(delivery_id: str, timestamp: str, body: bytes, secret: str) -> str:
    """The value of `X-Signature`: `v1=` and the hexadecimal HMAC-SHA256, under the receiver's
    callback secret, of delivery id, full stop, timestamp, full stop, body.
    """
    signed = f"{delivery_id}.{timestamp}.".encode() + body
    return "v1=" + hmac.digest(secret.encode(), signed, "sha256").hex()


def signed(call: Call, delivery: Delivery, now: int) -> Call:
    """The call with what identifies the delivery; signed when the receiver has a callback secret.
    `now` in milliseconds; `X-Timestamp` is in seconds since 1970 UTC and new with each attempt.
    """
    delivery_id = public_id(delivery.id)
    headers = {
        "X-Sender": delivery.sender.id,
        "X-Message-Type": delivery.envelope.message_type,
        **call.headers,
        "X-Sender-Message-Id": delivery.envelope.sender_message_id,
        "X-Delivery-Id": delivery_id,
        **trace.handed_on(delivery.envelope.detail),
    }
    if secret := delivery.receiver.callback_secret:
        timestamp = str(now // 1000)
        headers["X-Timestamp"] = timestamp
        headers["X-Signature"] = signature(delivery_id, timestamp, call.body, secret)
    return Call(
        method=call.method, path=call.path, headers=headers, body=call.body, query=call.query
    )

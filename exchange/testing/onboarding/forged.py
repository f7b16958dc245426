"""Pushes that the exchange would not make, of one that it made: another delivery, signed rightly or
not; sends nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace

from exchange.journey.deliver.sign import signature
from exchange.schemas.call import Call

DELIVERY = "X-Delivery-Id"
SIGNATURE = "X-Signature"
#: What names the message, where its body does not.
MESSAGE_IDS = ("X-Message-Id", "X-Sender-Message-Id")
#: A push that is older than 300 seconds is not new (docs/integrating.md, 3).
AN_HOUR_SECONDS = 3600


def repeat(call: Call, secret: str, now: float) -> Call:
    """The same delivery, signed now (seconds since 1970 UTC)."""
    timestamp = str(int(now))
    made = signature(call.headers[DELIVERY], timestamp, call.body, secret)
    return replace(call, headers={**call.headers, "X-Timestamp": timestamp, SIGNATURE: made})


def another(call: Call, secret: str, now: float, body: bytes | None = None) -> Call:
    """The same message, or one with that body, as a delivery that never came; signed now."""
    was, delivery, message = call.headers[DELIVERY], uuid.uuid4().hex, uuid.uuid4().hex
    ids = {name: message for name in MESSAGE_IDS if name in call.headers}
    new = replace(
        call,
        path=call.path.replace(was, delivery),
        headers={**call.headers, **ids, DELIVERY: delivery},
        body=call.body if body is None else body,
    )
    return repeat(new, secret, now)


def forgeries(call: Call, secret: str, now: float) -> Mapping[str, Call]:
    """What must be refused, by the id of the demand that says so; each another delivery."""
    unsigned, changed, signed = (another(call, secret, now) for _ in range(3))
    moved = another(signed, secret, now)
    kept = {name: signed.headers[name] for name in ("X-Timestamp", SIGNATURE)}
    return {
        "signature.missing": replace(
            unsigned,
            headers={name: each for name, each in unsigned.headers.items() if name != SIGNATURE},
        ),
        "signature.other-secret": another(call, f"not {secret}", now),
        "signature.other-body": replace(changed, body=changed.body + b"\n"),
        "signature.other-delivery": replace(moved, headers={**moved.headers, **kept}),
        "signature.old": another(call, secret, now - AN_HOUR_SECONDS),
    }

"""What a partner looks at before it takes a push: that the exchange signed it under the partner's
callback secret, just now. Shares no code with the exchange.
"""

from __future__ import annotations

import hmac

from exchange.schemas.call import Call
from exchange.schemas.directory import Partner

#: How old, or how far ahead, the time of a push may be, in seconds.
AGE_SECONDS_MAX = 300


def fault_of(partner: Partner, call: Call, now: int | None) -> str:
    """What is wrong with a push, empty when nothing is or the partner has no secret to check by.

    `now` is the partner's time in milliseconds; None: it has no clock, and takes pushes of any age.
    """
    if not partner.callback_secret:
        return ""
    headers = call.headers
    timestamp = headers.get("X-Timestamp", "")
    signed = f"{headers.get('X-Delivery-Id', '')}.{timestamp}.".encode() + call.body
    digest = hmac.new(partner.callback_secret.encode(), signed, "sha256").hexdigest()
    given = headers.get("X-Signature", "")
    if not given:
        return "X-Signature is missing"
    if not hmac.compare_digest(given.encode(), f"v1={digest}".encode()):
        return "X-Signature is not that of this delivery, time and body"
    if now is None:
        return ""
    if not timestamp.isdigit() or len(timestamp) > 12:
        return "X-Timestamp is no number of seconds"
    if abs(now / 1000 - int(timestamp)) > AGE_SECONDS_MAX:
        return f"X-Timestamp is more than {AGE_SECONDS_MAX} seconds away"
    return ""

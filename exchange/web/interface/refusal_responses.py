"""What any endpoint of a channel may answer instead of its own answers, for the description; the
refusals themselves are made in `web/endpoints.py` and `web/refusals.py`.
"""

from __future__ import annotations

from exchange.ports.description import Told

REFUSED = {
    400: Told(
        "The request broke off, or has a header twice that says one thing",
        reasons=("broken-off", "left", "header-twice"),
    ),
    401: Told("No partner's key", reasons=("unauthorized",)),
    408: Told("The body did not arrive in time", reasons=("timeout",)),
    413: Told("The body is too large", reasons=("too-large",)),
    415: Told("A compressed body", reasons=("unsupported",)),
    429: Told(
        "Too many calls of this partner, or its receiver is full: again after Retry-After",
        reasons=("busy", "rate", "full"),
    ),
    500: Told("The exchange failed; nothing was taken in", reasons=("internal",)),
    503: Told(
        "The exchange is full or closing, or its ledger can't be written: the same message again "
        "after Retry-After",
        reasons=("busy", "full", "closing", "unavailable", "memory"),
    ),
}

"""The one vocabulary of filters, in a query or in JSON: receiver, type, reason, since."""

from __future__ import annotations

from collections.abc import Mapping

from exchange.ports.ledger import DeadFilter
from exchange.schemas.instants import milliseconds_of

#: By name, what each selects.
FILTERS = {
    "receiver": "The receiver's id",
    "type": "The message type",
    "reason": "The cause: the code that the reason begins with, say http-503",
    "since": "Ended at this time or later, as in 2026-11-29T08:00:00Z",
}


def dead_filter(given: Mapping[str, object]) -> DeadFilter:
    """The filters that are given; other names are passed over.

    Raises:
        ValueError: saying what would be right, when one is no text or `since` is no time.
    """
    for name in FILTERS:
        if not isinstance(given.get(name, ""), str):
            raise ValueError(f"{name} is a text: {FILTERS[name].lower()}")
    receiver, message_type, reason, since = (str(given.get(name, "")) for name in FILTERS)
    return DeadFilter(receiver, message_type, reason, time_of("since", since) if since else 0)


def time_of(name: str, text: str) -> int:
    """Milliseconds since 1970 UTC; a time without an offset is in UTC.

    Raises:
        ValueError: naming the filter, when it is no time.
    """
    try:
        return milliseconds_of(text)
    except ValueError:
        raise ValueError(
            f"{name} is a time as in 2026-11-29T08:00:00Z, not {text[:40]!r}"
        ) from None

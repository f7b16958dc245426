"""The envelope of a message: who sent what to whom over which channel, and the names of the ways
that it came; no behaviour.
"""

from __future__ import annotations

import re
from dataclasses import field
from typing import Any

from exchange.schemas.value import value

#: The process of a message that holds nothing: it is sent so that its receiver knows that there was
#: nothing to send.
EMPTY = "empty"

_PUBLIC_ID = re.compile(r"[0-9A-Fa-f]{32}")


@value
class Envelope:
    """What the exchange knows of an accepted message, apart from its bytes.

    `id` is the exchange's own 63-bit id; `sender_message_id` is the sender's (idempotency key
    together with sender and channel). `received_at` is in milliseconds since 1970 UTC. `endpoint`
    says how it came in (`api`, `ui`, `batch`, `real-time`, ...). `items` counts the accepted
    records inside, `bytes` the length of the body. `detail` is what the channel wants to keep with
    the message (verdicts on items, say), as JSON data. `process` is the kind of business that the
    message is part of, where its channel tells. `position` is its place in the order of commits (0:
    not read from the ledger).
    """

    id: int
    channel: str
    message_type: str
    sender: str
    sender_message_id: str
    received_at: int
    content_type: str
    endpoint: str = ""
    conversation: str = ""
    items: int = 1
    bytes: int = 0
    detail: dict[str, Any] = field(default_factory=dict)
    process: str = ""
    position: int = 0

    @property
    def public_id(self) -> str:
        """The id as partners see it: 32 hexadecimal digits."""
        return public_id(self.id)


def public_id(number: int) -> str:
    """An id of the exchange as 32 hexadecimal digits (the form of a Guid at the Incomes Register
    and in EESSI).
    """
    return f"{number:032x}"


def id_from_public(text: str) -> int:
    """The number behind a public id.

    Raises:
        ValueError: when it is not 32 hexadecimal digits or is out of range.
    """
    if not _PUBLIC_ID.fullmatch(text):
        raise ValueError("an id has 32 hexadecimal digits")
    number = int(text, 16)
    if number >= 1 << 63:
        raise ValueError("no such id")
    return number

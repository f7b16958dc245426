"""What the generators of several families share: ids and moments by chance, and messages that
belong to a conversation.
"""

from __future__ import annotations

import datetime
import random

from exchange.schemas.generated import Generated


def new_id(prefix: str, rng: random.Random, date: datetime.date, serial: int) -> str:
    """An id that tells its day: `prefix-yyyymmdd-chance-serial`."""
    return f"{prefix}-{date:%Y%m%d}-{rng.getrandbits(48):012x}-{serial}"


def moment(rng: random.Random, date: datetime.date) -> str:
    """Some second of a day (UTC, RFC 3339)."""
    chance = rng.random
    return f"{date}T{int(chance() * 24):02d}:{int(chance() * 60):02d}:{int(chance() * 60):02d}Z"


def in_conversation(
    *, body: str, content_type: str, message_id: str, conversation: str, items: int = 1
) -> Generated:
    """A message of that conversation (empty: of none); a question opens one of its own id."""
    return Generated(
        body=body.encode(),
        content_type=content_type,
        message_id=message_id,
        items=items,
        headers={"X-Conversation-Id": conversation} if conversation else {},
    )

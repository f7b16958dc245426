"""Faults between a partner's client and the exchange: the client's calls are noted, and some of
them are not taken, or their receipts are lost or late.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256

from exchange.ports import Channel, Desk, Endpoint, Refusal
from exchange.ports.channel import Handler
from exchange.schemas.call import Call, Reply
from exchange.schemas.directory import Partner
from exchange.testing.onboarding.redaction import Shown, shown

BUSY, LOST, LATE = "busy", "lost", "late"
ACKNOWLEDGEMENT = "/acknowledgements"
RETRY_AFTER_SECONDS = 1
#: Calls that are noted; more are served and not looked at.
CALLS_MAX = 2_000
MESSAGE_ID = "X-Message-Id"
_BUSY = Refusal("busy", 503, "not taken: send it again, as the same message", RETRY_AFTER_SECONDS)
_LOST = Refusal("unavailable", 503, "no answer came from behind: send it again")


@dataclass(frozen=True, slots=True)
class Came:
    """A call of the client: when it came and when it was, or will be, answered (seconds), what
    hindered it; `key` tells it and its repeats from others: address and message id or, without one,
    the digest of the body.
    """

    channel: str
    key: tuple[str, str]
    message_id: str
    body: str
    at: float
    ended: float
    hindrance: str
    shown: Shown


class Hindrances:
    """Around the endpoints of every channel. Each new message of the partner meets the next
    hindrance, in the order busy, lost, late, then none; a repeat meets none. The first
    acknowledgement of a mailbox's letters is not taken.
    """

    def __init__(self, partner_id: str, late_seconds: float) -> None:
        self._partner_id = partner_id
        self._late_seconds = late_seconds
        self._coming = [BUSY, LOST, LATE]
        self._known: set[tuple[str, str]] = set()
        self._acknowledged = False
        self.came: list[Came] = []

    def around(self, channels: Mapping[str, Channel]) -> dict[str, Channel]:
        """The same channels, with the client's calls noted and hindered."""
        return {name: self._around(channel) for name, channel in channels.items()}

    def _around(self, channel: Channel) -> Channel:
        endpoints = tuple(
            replace(each, handler=self._handler(channel, each, each.handler))
            if each.handler is not None
            else each
            for each in channel.endpoints
        )
        return replace(channel, endpoints=endpoints)

    def _handler(self, channel: Channel, endpoint: Endpoint, handler: Handler) -> Handler:
        async def noted(call: Call, partner: Partner, desk: Desk) -> Reply:
            if partner.id != self._partner_id or len(self.came) >= CALLS_MAX:
                return await handler(call, partner, desk)
            message_id, body = call.headers.get(MESSAGE_ID, ""), sha256(call.body).hexdigest()
            key = f"{call.method} {call.path}", message_id or body
            hindrance, at = self._next(endpoint, key), time.monotonic()
            if hindrance == BUSY:
                reply = channel.refuse(_BUSY)
            else:
                reply = await handler(call, partner, desk)
            if reply.status >= 400 and hindrance in (LOST, LATE):
                self._coming.insert(0, hindrance)  # (It was refused: the next one meets it.)
                hindrance = ""
            reply = channel.refuse(_LOST) if hindrance == LOST else reply
            held_seconds = self._late_seconds if hindrance == LATE else 0.0
            self.came.append(
                Came(
                    channel=channel.name,
                    key=key,
                    message_id=message_id,
                    body=body,
                    at=at,
                    ended=time.monotonic() + held_seconds,
                    hindrance=hindrance,
                    shown=shown(call, reply),
                )
            )
            await asyncio.sleep(held_seconds)
            return reply

        return noted

    def _next(self, endpoint: Endpoint, key: tuple[str, str]) -> str:
        if endpoint.path.endswith(ACKNOWLEDGEMENT):
            first, self._acknowledged = not self._acknowledged, True
            return BUSY if first else ""
        if not endpoint.takes_messages or key in self._known:
            return ""
        self._known.add(key)
        return self._coming.pop(0) if self._coming else ""

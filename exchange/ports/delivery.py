"""The second half's shapes: a delivery to be made, how an attempt ended, and the transport that
makes the call; no queue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from exchange.schemas.call import Call, Reply
from exchange.schemas.directory import Partner
from exchange.schemas.envelope import Envelope
from exchange.schemas.value import value


@dataclass(slots=True)
class Delivery:
    """One message to one receiver, with its body at hand. `attempts` counts those already made."""

    id: int
    envelope: Envelope
    sender: Partner
    receiver: Partner
    body: bytes
    items: int = 1
    attempts: int = 0
    mode: str = "push"
    ordered: bool = False


@value
class Delivered:
    """The receiver has it. `answer` is its business reply, if the reply carries one."""

    answer: bytes | None = None
    content_type: str = ""


@value
class TryAgain:
    """It may work later: `reason` is a stable code (`unreachable`, `http-503`, `garbled`), `detail`
    says more.
    """

    reason: str
    detail: str = ""


@value
class RefusedByPartner:
    """The receiver will never take it: straight to the dead letters."""

    reason: str
    detail: str = ""


Attempted = Delivered | TryAgain | RefusedByPartner


class Transport(Protocol):
    """Carries a call to a partner: over HTTP, or straight to a stub in the same process."""

    async def send(self, partner: Partner, call: Call, timeout_seconds: float) -> Reply:
        """The partner's response.

        Raises:
            Unreachable: when there is none within `timeout_seconds`, or it is larger than the
            limit.
        """
        ...

"""The second half's shapes: a delivery to be made, how an attempt ended, and the transport that
makes the call; no queue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from exchange.schemas import guard
from exchange.schemas.call import Call, Reply
from exchange.schemas.directory import Partner
from exchange.schemas.envelope import Envelope
from exchange.schemas.value import value


@dataclass(slots=True)
class Delivery:
    """One message to one receiver, with its body at hand. `attempts` counts those already made;
    `since` is when its time began (milliseconds; 0: not looked up): it was received or, later, sent
    again by an operator; `lane` is whose owner makes it.
    """

    id: int
    envelope: Envelope
    sender: Partner
    receiver: Partner
    body: bytes
    items: int = 1
    attempts: int = 0
    mode: str = "push"
    ordered: bool = False
    since: int = 0
    lane: int = 0


@value
class Delivered:
    """The receiver has it. `answer` is its business reply, if the reply carries one."""

    answer: bytes | None = None
    content_type: str = ""


@value
class TryAgain:
    """It may work later: `reason` is a stable code (`unreachable`, `http-503`, `garbled`), `detail`
    says more. `about` is whom it speaks of: a failure of the message is the message's alone, one
    of the receiver meets whatever is sent to it. `retry_after_seconds` is the wait that the
    receiver asked for (0: none).
    """

    reason: str
    detail: str = ""
    about: Literal["receiver", "message"] = "receiver"
    retry_after_seconds: float = 0.0


@value
class RefusedByPartner:
    """The receiver will never take it: straight to the dead letters."""

    reason: str
    detail: str = ""


#: Statuses of HTTP that speak of the message and not of its receiver.
OF_MESSAGE = frozenset({400, 410, 422})
#: So much of what a partner says in a refusal is kept, in bytes.
SAID_BYTES_MAX = 200

#: The partner has it already, unless the directory says that it means something else by it.
CONFLICT = 409


def conflicted(receiver: Partner) -> Delivered | RefusedByPartner:
    """What 409 means of a partner: that it has the message already or, where the directory says
    that it refuses by it, that it never takes it.
    """
    return Delivered() if receiver.conflict == "delivered" else RefusedByPartner(f"http-{CONFLICT}")


def failed_with(status: int, said: bytes = b"") -> TryAgain:
    """What a status of HTTP that is no delivery means: 400, 410 and 422 speak of the message, all
    others (401, 403, 404, a redirect, 503) of the receiver. `said` is the body of the reply: the
    beginning of a refusal's (4xx) is kept, unless it may name a living person.
    """
    kept = 400 <= status < 500 and not guard.real_person_in(said)
    detail = said[:SAID_BYTES_MAX].decode("utf-8", "replace") if kept else ""
    return TryAgain(f"http-{status}", detail, "message" if status in OF_MESSAGE else "receiver")


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

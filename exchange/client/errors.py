"""What the client raises, as a tree.

- `ClientError`: the root

  - `NoAnswer`: no exchange answered, at any of the attempts

    - `NotTheExchange`: something else answered: a proxy, a page to sign in at, another server

  - `NotSigned`: a push is not from the exchange, was changed or is old
  - `NotYet`: what was waited for did not come in time
  - `Problem`: the exchange answered that it did not do what was asked

    - `Rejected`: the message is wrong, by its `violations`, or its id is another message's
    - `Denied`: the key is unknown, or the partner may not do this
    - `TryLater`: the exchange or the receiver takes no more just now, after all attempts
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from http import HTTPStatus
from typing import Any

from exchange.schemas.call import Reply
from exchange.schemas.violation import Violation

_VIOLATION_FIELDS = {field.name for field in fields(Violation)}
#: How much of an answer that is no exchange's is shown, in bytes.
BEGINNING_BYTES = 120
_DENIED = frozenset((401, 403))
_LATER = frozenset((408, 425, 429))


class ClientError(Exception):
    """The root of what the client raises."""


class NoAnswer(ClientError):
    """No exchange answered. Whether it took what was sent is not known: send it again, under the
    same id.
    """


class NotTheExchange(NoAnswer):
    """What answered, in `reply`, is no exchange, or its answer was changed on the way."""

    def __init__(self, reply: Reply, why: str) -> None:
        self.reply = reply
        begins = reply.body[:BEGINNING_BYTES].decode("utf-8", "replace")
        told = f"{status_text(reply.status)}, {reply.content_type or 'no media type'}"
        super().__init__(
            f"what answered is no exchange: {told}: {why}"
            + (f"; it begins {begins!r}" if begins else "")
            + "; look at the address, and at what stands between (a proxy, a page to sign in at)"
        )


class NotSigned(ClientError):
    """A push is not from the exchange, was changed on its way, or is old."""


class NotYet(ClientError):
    """What was waited for did not come in time; the message says what did."""


class Problem(ClientError):
    """The exchange did not do what was asked. `reason` is its stable code (empty: it told none),
    `violations` all that is wrong with the message; `document` is the answer as it came.
    """

    def __init__(
        self,
        status: int,
        title: str,
        detail: str = "",
        reason: str = "",
        violations: Sequence[Violation] = (),
        document: Mapping[str, Any] | None = None,
    ) -> None:
        self.status = status
        self.title = title
        self.detail = detail
        self.reason = reason
        self.violations = tuple(violations)
        self.document = document or {}
        lines = [f"{status} {title}" + (f": {detail}" if detail else "")]
        super().__init__("\n  ".join([*lines, *(each.as_text() for each in self.violations)]))


class Rejected(Problem):
    """The message is wrong, or its id stands for another one."""


class Denied(Problem):
    """The key is unknown, or the partner may not do this."""


class TryLater(Problem):
    """Nothing more is taken just now; the same again, later."""


def kind_of(status: int) -> type[Problem]:
    """The kind of a problem, by its status."""
    if status in _DENIED:
        return Denied
    return TryLater if status >= 500 or status in _LATER else Rejected


def status_text(status: int) -> str:
    """A status as HTTP writes it: `502 Bad Gateway`."""
    known = status in HTTPStatus.__members__.values()
    return f"{status} {HTTPStatus(status).phrase}" if known else str(status)


def violation_of(told: Mapping[str, Any]) -> Violation:
    """A violation as the exchange tells it."""
    return Violation(**{name: value for name, value in told.items() if name in _VIOLATION_FIELDS})

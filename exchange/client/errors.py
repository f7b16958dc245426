"""What the client raises, as a tree.

- `ClientError`: the root

  - `NoAnswer`: no exchange answered, at any of the attempts
  - `NotSigned`: a push is not from the exchange, was changed or is old
  - `NotYet`: what was waited for did not come in time
  - `Problem`: the exchange answered that it did not do what was asked

    - `Rejected`: the message is wrong, by its `violations`, or its id is another message's
    - `Denied`: the key is unknown, or the partner may not do this
    - `TryLater`: the exchange or the receiver takes no more just now, after all attempts
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from exchange.schemas.call import Reply
from exchange.schemas.violation import Violation

_VIOLATION_FIELDS = {field.name for field in fields(Violation)}
_DENIED = frozenset((401, 403))
_LATER = frozenset((408, 425, 429))


class ClientError(Exception):
    """The root of what the client raises."""


class NoAnswer(ClientError):
    """No exchange answered, at any of the attempts."""


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


def problem_of(reply: Reply) -> Problem:
    """A refusal as it is raised: a problem document (RFC 9457), or whatever came instead."""
    try:
        told = json.loads(reply.body)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        told = {"title": reply.body[:200].decode("utf-8", "replace").strip() or "no answer"}
    return kind_of(reply.status)(
        reply.status,
        str(told.get("title", "")),
        detail=str(told.get("detail", "")),
        reason=str(told.get("reason", "")),
        violations=[violation_of(each) for each in told.get("violations", ())],
        document=told,
    )


def violation_of(told: Mapping[str, Any]) -> Violation:
    """A violation as the exchange tells it."""
    return Violation(**{name: value for name, value in told.items() if name in _VIOLATION_FIELDS})

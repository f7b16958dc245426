"""Whether an answer is an exchange's, and what is raised where it is not, or refuses; anything may
stand at an address or before it: a proxy, a page to sign in at, another server.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from exchange.client.errors import (
    ClientError,
    NotTheExchange,
    Problem,
    TryLater,
    kind_of,
    status_text,
    violation_of,
)
from exchange.schemas.call import Reply

#: What reading a document raises that is another one (lxml's errors of syntax are `SyntaxError`).
_UNREAD = (ValueError, LookupError, TypeError, AttributeError, SyntaxError, RecursionError)


@contextlib.contextmanager
def reading(reply: Reply) -> Iterator[None]:
    """An answer that can't be read inside was not an exchange's.

    Raises:
        NotTheExchange: saying what it lacks.
    """
    try:
        yield
    except _UNREAD as error:
        why = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise NotTheExchange(reply, why) from error


def told_in(reply: Reply) -> Mapping[str, Any]:
    """The JSON object of an answer.

    Raises:
        NotTheExchange: when it is none.
    """
    with reading(reply):
        told: Any = json.loads(reply.body)
        if not isinstance(told, dict):
            raise TypeError("no JSON object")
    return told


def refusal(reply: Reply, read: Callable[[Reply], Problem]) -> ClientError:
    """What is raised for a refusal: as `read` reads it or, where that is not the exchange's own
    form, `NotTheExchange`. What is to be tried later is that whoever says so.
    """
    try:
        with reading(reply):
            return read(reply)
    except NotTheExchange as other:
        if kind_of(reply.status) is not TryLater:
            return other
        return TryLater(reply.status, status_text(reply.status)[4:], detail=str(other))


def problem_of(reply: Reply) -> ClientError:
    """A refusal as a problem document (RFC 9457) tells it."""
    return refusal(reply, _problem)


def _problem(reply: Reply) -> Problem:
    told = told_in(reply)
    return kind_of(reply.status)(
        reply.status,
        str(told["title"]),
        detail=str(told.get("detail", "")),
        reason=str(told.get("reason", "")),
        violations=[violation_of(each) for each in told.get("violations", ())],
        document=told,
    )

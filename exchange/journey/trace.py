"""The trace that a call belongs to: taken from who calls, kept with the message, named in the log,
answered, and handed on to who is called. What is no trace is passed over.

Source: W3C Trace Context (traceparent, version 00); `X-Request-Id` is common usage.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from exchange.schemas import guard

TRACEPARENT, REQUEST_ID = "traceparent", "X-Request-Id"
#: Under what the detail of a message keeps it.
KEPT = "trace"
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_REQUEST_ID = re.compile(r"[0-9A-Za-z._:-]{1,64}")

_NONE: Mapping[str, str] = MappingProxyType({})
_current: ContextVar[Mapping[str, str]] = ContextVar("trace", default=_NONE)


def begin(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Take the trace of a call, which holds for all that is done for it in this task; the headers
    that its answer carries.
    """
    found = {}
    traceparent, request_id = headers.get(TRACEPARENT), headers.get(REQUEST_ID)
    if traceparent is not None and _TRACEPARENT.fullmatch(traceparent):
        found[TRACEPARENT] = traceparent
    if (
        request_id is not None
        and _REQUEST_ID.fullmatch(request_id)
        and not guard.in_text(request_id)
    ):
        found[REQUEST_ID] = request_id
    _current.set(found)
    return found


def enter(traceparent: str) -> None:
    """What is done in this task from now on is below that span."""
    _current.set({**_current.get(), TRACEPARENT: traceparent})


def current() -> Mapping[str, str]:
    """The trace of the call that this task serves; empty where it has none."""
    return _current.get()


def keep(detail: dict[str, Any]) -> None:
    """Put the trace of this task's call into what is kept with a message."""
    if traced := current():
        detail[KEPT] = dict(traced)


def handed_on(detail: Mapping[str, Any]) -> Mapping[str, str]:
    """The headers by which a delivery of a message with that detail goes on with its trace."""
    kept = detail.get(KEPT)
    return kept if isinstance(kept, dict) else _NONE

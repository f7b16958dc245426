"""Calls as reports show them: no key, nothing that may be a real person's, and not all of a large
body.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from exchange.schemas import guard
from exchange.schemas.call import Call, Reply

BODY_CHARACTERS_MAX = 2_000
HEADER_CHARACTERS_MAX = 500
HEADERS_MAX = 64
#: What opens something; the rest of a call may be seen.
SECRET_HEADERS = frozenset(
    ("authorization", "x-authorization", "x-api-key", "cookie", "set-cookie", "proxy-authorization")
)
NOT_SHOWN = "(not shown)"
A_PERSON = "(not shown: it holds a personal identity code that could be a living person's)"
#: What stands in no document of XML, and moves a terminal.
_CONTROL = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Shown:
    """A call and its answer in words; `status` 0: there was none, and `answer` says why."""

    asked: str
    sent: str
    status: int
    answer: str


def shown(call: Call, reply: Reply | None, why: str = "", address: str = "") -> Shown:
    """A call to the partner at `address`, or of the partner to the exchange."""
    sent = _message(call.headers, call.body)
    if reply is None:
        return Shown(f"{call.method} {text(address + call.path)}", sent, 0, text(why))
    headers = {"Content-Type": reply.content_type, **reply.headers}
    return Shown(
        f"{call.method} {text(address + call.path)}",
        sent,
        reply.status,
        _message(headers, reply.body),
    )


def _message(headers: Mapping[str, str], body: bytes) -> str:
    lines = [
        f"{name}: {NOT_SHOWN if name.lower() in SECRET_HEADERS else each[:HEADER_CHARACTERS_MAX]}"
        for name, each in list(headers.items())[:HEADERS_MAX]
    ]
    if guard.real_person_in(body):
        return text("\n".join([*lines, "", A_PERSON]))
    content = body.decode("utf-8", "replace")
    if len(content) > BODY_CHARACTERS_MAX:
        content = f"{content[:BODY_CHARACTERS_MAX]}\n... ({len(body)} bytes in all)"
    return text("\n".join([*lines, "", content]))


def text(given: str) -> str:
    """What may stand in a report: no control characters, nobody real."""
    plain = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", given.replace("\r\n", "\n"))
    return A_PERSON if guard.in_text(plain) else plain

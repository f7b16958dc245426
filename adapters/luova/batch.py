"""Several messages in one body, NDJSON or multipart/mixed, taken apart byte for byte; no verdict on
any of them.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from json import JSONDecodeError, JSONDecoder
from typing import Any

from exchange.adapters.luova.parse import FAULT, HEADERS, hints_of
from exchange.ports.message import Inbound
from exchange.schemas.attachments.multipart import (
    HEADERS_BYTES_MAX,
    Headers,
    NotClosed,
    TooManyParts,
    boundary_of,
    opened,
)
from exchange.schemas.attachments.multipart import spans as parts_of
from exchange.schemas.call import JSON, XML
from exchange.schemas.directory import Partner
from exchange.schemas.document_limits import in_force
from exchange.schemas.violation import Malformed, Violation

ENDPOINT = "batch"
MESSAGES_MAX = 1_000
#: Keys of an NDJSON entry and the hints that they become.
KEYS = {
    "type": "type",
    "id": "id",
    "receiver": "receiver",
    "conversation": "conversation",
    "ordered": "ordered",
    "createdAt": "created_at",
}
#: Headers of a part that say one thing each.
ENVELOPE = (*HEADERS.values(), "Content-Type")
_SPACE = re.compile(r"[ \t\r]*")
#: Half of a surrogate pair, which JSON can escape by itself: no character.
_HALF = re.compile("[\ud800-\udfff]")
_SIGN = re.compile(rb"\S")
#: Bytes that are searched at once, because a search holds the interpreter.
_WINDOW_BYTES = 1 << 20
_DECODER = JSONDecoder()


class TooMany(ValueError):
    """The batch holds more than `MESSAGES_MAX` messages."""


def ndjson(body: bytes, partner: Partner) -> list[Inbound]:
    """One message a line; empty lines don't count. A line that holds no message becomes an entry
    that says why.

    Raises:
        TooMany: when there are more than `MESSAGES_MAX`.
    """
    lines: list[bytes] = []
    for line in _lines(body):
        if len(lines) == MESSAGES_MAX:
            raise TooMany
        lines.append(line)
    return [_entry(line, partner) for line in lines]


def _lines(body: bytes) -> Iterator[bytes]:
    """The lines that are not empty, without the white space before them; one at a time, for a body
    may hold millions.
    """
    at = 0
    while at < len(body):
        sign = _SIGN.search(body, at, at + _WINDOW_BYTES)
        if sign is None:
            at += _WINDOW_BYTES
            continue
        end = body.find(b"\n", sign.start())
        at = len(body) if end < 0 else end
        yield body[sign.start() : at]


def _entry(line: bytes, partner: Partner) -> Inbound:
    most = in_force().json_body_bytes_max
    if len(line) > most:
        return _faulty(line, partner, f"the line is longer than {most} bytes")
    try:
        text = line.decode()
        members = _members(text)
    except UnicodeDecodeError as error:
        return _faulty(line, partner, f"the line is not in UTF-8 from byte {error.start + 1} on")
    except (ValueError, RecursionError):  # not JSON, a number of thousands of digits, or too deep
        marked = line.startswith(BOM_UTF8)
        fault = "begins with a byte order mark" if marked else "is no JSON object"
        return _faulty(line, partner, f"the line {fault}")
    except KeyError as error:
        return _faulty(line, partner, f"the key {error} stands twice")
    if unknown := sorted(set(members) - set(KEYS) - {"body"}):
        return _faulty(line, partner, f"unknown key {unknown[0][:50]!r}")
    hints = {"type": "", "id": ""}
    for key, hint in KEYS.items():
        if key in members:
            said = _said(key, members[key][0])
            if said is None:
                return _faulty(line, partner, f"{key} is not a text")
            hints[hint] = said
    if "body" not in members:
        return _faulty(line, partner, "the key 'body' is missing")
    value, start, end = members["body"]
    is_xml = isinstance(value, str)
    return Inbound(
        partner=partner,
        body=value.encode("utf-8", "surrogatepass") if is_xml else text[start:end].encode(),
        content_type=XML if is_xml else JSON,
        endpoint=ENDPOINT,
        hints=hints,
    )


def _said(key: str, value: Any) -> str | None:
    """What a member other than the body says; None when that is no text."""
    if key == "ordered" and isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) and not _HALF.search(value) else None


def _members(text: str) -> dict[str, tuple[Any, int, int]]:
    """The members of the object that `text` is: value, and where it begins and ends, so that a body
    stays as it was sent.

    Raises:
        JSONDecodeError: when it is no object.
        KeyError: when a key stands twice.
    """
    members: dict[str, tuple[Any, int, int]] = {}
    at = _expect(text, _skip(text, 0), "{")
    while True:
        name, at = _DECODER.raw_decode(text, at)
        if not isinstance(name, str):
            raise JSONDecodeError("a key is expected", text, at)
        if name in members:
            raise KeyError(name[:50])
        start = _expect(text, _skip(text, at), ":")
        value, end = _DECODER.raw_decode(text, start)
        members[name] = (value, start, end)
        at = _skip(text, end)
        if text[at : at + 1] == "}":
            break
        at = _expect(text, at, ",")
    if _skip(text, at + 1) != len(text):
        raise JSONDecodeError("something follows the object", text, at + 1)
    return members


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _expect(text: str, at: int, sign: str) -> int:
    if text[at : at + 1] != sign:
        raise JSONDecodeError(f"{sign} is expected", text, at)
    return _skip(text, at + 1)


def multipart(body: bytes, content_type: str, partner: Partner) -> list[Inbound]:
    """One message a part (RFC 2046): its headers are those of a single message, its body is taken
    byte for byte.

    Raises:
        Malformed: when no boundary is named or the body is not closed by it.
        TooMany: when there are more than `MESSAGES_MAX`.
    """
    boundary = boundary_of(content_type)
    if not boundary:
        raise Malformed(
            [_violation("the content type names no boundary", "multipart/mixed; boundary=...")]
        )
    try:
        spans = parts_of(body, boundary, MESSAGES_MAX)
    except TooManyParts:
        raise TooMany from None
    except NotClosed:
        raise Malformed(
            [_violation("the body is not closed by its boundary", "--boundary--")]
        ) from None
    return [_part(body[start:end], partner) for start, end in spans]


def _part(part: bytes, partner: Partner) -> Inbound:
    if part[:1] in (b"\r", b"\n"):
        return _faulty(part, partner, "the part has no headers")
    found = opened(part)
    if found is None:
        fault = (
            f"no empty line ends the part's headers within {HEADERS_BYTES_MAX} bytes, or a control "
            "character stands in them"
        )
        return _faulty(part, partner, fault)
    headers, content = Headers(found[0]), found[1]
    if name := headers.twice(ENVELOPE):
        return _faulty(part, partner, f"header {name} stands twice in the part, and says one thing")
    return Inbound(
        partner=partner,
        body=content,
        content_type=headers.get("Content-Type", ""),
        endpoint=ENDPOINT,
        hints=hints_of(headers),
    )


def _faulty(raw: bytes, partner: Partner, fault: str) -> Inbound:
    """An entry that holds no message: it goes the whole way, so that it is counted and answered
    like any other.
    """
    hints: Mapping[str, str] = {"type": "", "id": "", FAULT: fault}
    return Inbound(partner=partner, body=raw, content_type="", endpoint=ENDPOINT, hints=hints)


def _violation(message: str, expected: str) -> Violation:
    return Violation("luova.batch", message, expected=expected)

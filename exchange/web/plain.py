"""Plain HTTP/1.1 as bytes: the head of an ordinary request read, a reply written; whatever is less
ordinary is not read here at all.

Ordinary is what every client sends: GET or POST, ASCII, each header once, a length in place of
chunks. What is refused here is not refused: it goes to aiohttp, which knows the rest of RFC 9112
and answers as ever. So this reader may be strict, and small.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus

from multidict import CIMultiDict

from exchange.schemas.call import Reply

_START = re.compile(r"(GET|POST) (/[A-Za-z0-9/._~-]*) HTTP/1\.1\r\n")
_HEADER = re.compile(r"([A-Za-z0-9-]{1,64}): ?([!-~](?:[ -~]*[!-~])?)[ ]?\r\n")
_LENGTH = re.compile(r"[0-9]{1,9}")
#: Headers that change how the message or the connection is to be read; with any of them it is
#: aiohttp's.
_ODD = frozenset(
    (
        "transfer-encoding",
        "content-encoding",
        "expect",
        "upgrade",
        "connection",
        "te",
        "trailer",
        "proxy-connection",
        "keep-alive",
    )
)


@dataclass(slots=True)
class Head:
    """The head of a plain request; `body_bytes` is what its Content-Length says."""

    method: str
    path: str
    headers: CIMultiDict[str]
    body_bytes: int


def read_head(head: bytes) -> Head | None:
    """The head, up to and with its empty line; None when it is not plain."""
    if not head.isascii():
        return None
    text = head.decode("ascii")
    start = _START.match(text)
    if start is None:
        return None
    pairs: list[tuple[str, str]] = []
    names: set[str] = set()
    at, end = start.end(), len(text) - 2
    while at < end:
        line = _HEADER.match(text, at)
        if line is None:
            return None
        name, value = line.groups()
        pairs.append((name, value))
        names.add(name.lower())
        at = line.end()
    if (
        at != end
        or len(names) != len(pairs)
        or "host" not in names
        or (not names.isdisjoint(_ODD) and not _keeps_alive(pairs, names))
    ):
        return None
    headers = CIMultiDict(pairs)
    length = headers.get("Content-Length", "0" if start[1] == "GET" else "")
    if not _LENGTH.fullmatch(length) or (start[1] == "GET" and length != "0"):
        return None
    return Head(start[1], start[2], headers, int(length))


def _keeps_alive(pairs: list[tuple[str, str]], names: set[str]) -> bool:
    """Whether all that is odd is a needless `Connection: keep-alive`."""
    return len(names & _ODD) == 1 and any(
        name.lower() == "connection" and value.lower() == "keep-alive" for name, value in pairs
    )


@lru_cache(maxsize=256)
def _line(status: int, content_type: str) -> bytes:
    if not content_type.isascii() or not content_type.isprintable():
        raise ValueError("a media type would break out of its line")
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\nContent-Type: {content_type}\r\n".encode("ascii")


def reply_bytes(reply: Reply, date: bytes, closes: bool = False) -> bytes:
    """The reply as it goes over the wire; `date` is the line of that header.

    Raises:
        ValueError: when a header would break out of its line.
    """
    body = reply.body
    more = _more(reply.headers) if reply.headers else b""
    end = b"Connection: close\r\n\r\n" if closes else b"\r\n"
    return b"%b%b%bContent-Length: %d\r\n%b%b" % (
        _line(reply.status, reply.content_type),
        more,
        date,
        len(body),
        end,
        body,
    )


def _more(headers: Mapping[str, str]) -> bytes:
    lines = []
    for name, value in headers.items():
        if not (name.isascii() and value.isascii() and name.isprintable() and value.isprintable()):
            raise ValueError("a header of a reply would break out of its line")
        lines.append(f"{name}: {value}\r\n")
    return "".join(lines).encode("ascii")

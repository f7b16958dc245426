"""Bodies in several parts (RFC 2046), taken apart byte for byte; what a part means is for others to
say.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

#: Headers of one part, in bytes.
HEADERS_BYTES_MAX = 16_384
#: White space behind a boundary; a line of RFC 5322 is no longer.
PADDING_MAX = 998
_BOUNDARY = re.compile(r"boundary\s*=\s*(?:\"([^\"]{1,70})\"|([^\s;,]{1,70}))", re.IGNORECASE)
_HEADERS_END = re.compile(rb"\r?\n\r?\n")
#: What is in no header (RFC 9110, 5.5): it would begin another one where a value is sent on.
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)")
_RETURN = ord("\r")
_SPACE = " \t\r"
#: So much is looked through at once, for what looks holds the interpreter.
_WINDOW_BYTES = 1 << 20


class TooManyParts(ValueError):
    """The body has more parts than are taken."""


class NotClosed(ValueError):
    """The body is not closed by its boundary."""


class Headers(dict[str, str]):
    """The headers of a part; names in any case, values as Latin-1, folded lines not taken. Of one
    that stands more than once the first is told.
    """

    def __init__(self, block: bytes) -> None:
        # (Texts have more breaks and spaces than headers: U+0085 is half of a letter in UTF-8.)
        pairs = (line.partition(":") for line in block.decode("latin-1").split("\n"))
        super().__init__()
        self._twice: set[str] = set()
        for name, colon, value in pairs:
            key = name.strip(_SPACE).lower()
            if colon and key in self:
                self._twice.add(key)
            elif colon:
                self[key] = value.strip(_SPACE)

    def twice(self, names: Collection[str]) -> str:
        """The first of these names that stands more than once; empty: none does."""
        return next((name for name in names if name.lower() in self._twice), "")

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a header, whatever the case of its name."""
        return super().get(key.lower(), default)


def boundary_of(content_type: str) -> bytes:
    """The boundary that a multipart content type names; empty when it names none."""
    match = _BOUNDARY.search(content_type)
    return (match[1] or match[2]).encode() if match else b""


def spans(body: bytes, boundary: bytes, most: int) -> list[tuple[int, int]]:
    """Where each part begins and ends.

    Raises:
        NotClosed: when the body is not closed by the boundary.
        TooManyParts: when there are more than `most`.
    """
    found: list[tuple[int, int]] = []
    start = -1
    for before, after, closes in _delimiters(body, boundary):
        if start >= 0:
            found.append((start, before))
        if closes:
            return found
        if len(found) >= most:
            raise TooManyParts
        start = after
    raise NotClosed


def opened(part: bytes) -> tuple[bytes, bytes] | None:
    """The block of a part's headers and its body; None when no empty line ends the headers within
    `HEADERS_BYTES_MAX`, or a control character stands in them.
    """
    if part[:1] in (b"\r", b"\n"):
        return b"", part.lstrip(b"\r")[1:]
    end = _HEADERS_END.search(part, 0, HEADERS_BYTES_MAX)
    if end is None or _CONTROL.search(part, 0, end.start()):
        return None
    return part[: end.start()], part[end.end() :]


def _delimiters(body: bytes, boundary: bytes) -> Iterator[tuple[int, int, bool]]:
    """Where each line that is a delimiter begins (with the break before it) and ends (with its
    own), and whether it closes the body.

    The mark is looked for as it is, for a regular expression takes 20 times as long; but where the
    mark stands, a regular expression passes over many that are no delimiters, a window at a time.
    """
    mark = b"--" + boundary
    delimiter = re.compile(
        rb"^%s(--)?[ \t]{0,%d}+(?:\r?\n|\Z)" % (re.escape(mark), PADDING_MAX), re.MULTILINE
    )
    longest = len(mark) + PADDING_MAX + 4
    at, end = body.find(mark), 0
    while at >= 0:
        found = delimiter.search(body, at, at + _WINDOW_BYTES + longest)
        if found is None or found.start() >= at + _WINDOW_BYTES:
            at = body.find(mark, at + _WINDOW_BYTES)
            continue
        before = found.start()
        # A break belongs to one delimiter only.
        if before == 0 or before > end:
            before = max(before - 1, 0)
            if before > end and body[before - 1] == _RETURN:
                before -= 1
            end = found.end()
            yield before, end, found[1] is not None
        at = body.find(mark, found.end())

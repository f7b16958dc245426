"""Where a character stands: lines and columns of a text, and its bytes decoded; no parser and no
rules.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from itertools import chain

from exchange.schemas import large_bytes
from exchange.schemas.violation import (
    EXCERPT_CHARACTERS_MAX,
    Finding,
    Malformed,
    Violation,
    excerpt,
    excerpt_of,
)

_BREAK = re.compile(r"\r\n?|\n")


class Lines:
    """The lines of a text. Lines end with LF, CR LF or CR; lines and columns count from 1, columns
    in characters.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        # (Numbers of the machine's, for a list of as many lines as characters takes 40 bytes each.)
        self._starts = array("L", chain((0,), _line_starts(text)))

    def at(self, offset: int) -> tuple[int, int, tuple[str, int]]:
        """Line, column and the (cut) source line, with the column in it, of the character at
        `offset` (0-based; the end of the text is allowed).
        """
        number = bisect_right(self._starts, offset)
        start = self._starts[number - 1]
        end = self._starts[number] if number < len(self._starts) else len(self.text)
        while end > start and self.text[end - 1] in "\r\n":
            end -= 1
        column = offset - start + 1
        # The excerpt needs only the surroundings: a line may be the whole document, and asked for
        # 200 times.
        left = max(0, min(column - 1, end - start) - EXCERPT_CHARACTERS_MAX)
        right = min(end, start + column + EXCERPT_CHARACTERS_MAX)
        return (
            number,
            column,
            excerpt_of(self.text[start + left : right], column, left, end - start),
        )

    def offset(self, line: int, column: int) -> int:
        """The offset of a line and column (both from 1), kept within the text."""
        start = self._starts[min(max(line, 1), len(self._starts)) - 1]
        return min(start + max(column, 1) - 1, len(self.text))

    def violation(
        self,
        rule: str,
        message: str,
        offset: int,
        path: str = "",
        expected: str = "",
        found: str = "",
    ) -> Violation:
        """A violation at the character at `offset`."""
        line, column, (source, source_column) = self.at(offset)
        return Violation(
            rule=rule,
            message=_cut(message),
            path=path,
            line=line,
            column=column,
            expected=expected,
            found=excerpt(found),
            source=source,
            source_column=source_column,
        )


def _line_starts(text: str) -> Iterator[int]:
    """Where each line but the first begins; a line without an end is looked through in pieces."""
    at = 0
    while at < len(text):
        until = at + large_bytes.PIECE_BYTES
        if text[until - 1 : until + 1] == "\r\n":
            until += 1
        for match in _BREAK.finditer(text, at, until):
            yield match.end()
        at = until


#: Longest message of a violation, in characters: names in it may be as long as a body.
_MESSAGE_CHARACTERS_MAX = 1_000


def _cut(message: str) -> str:
    if len(message) <= _MESSAGE_CHARACTERS_MAX:
        return message
    return message[:_MESSAGE_CHARACTERS_MAX] + "…"


def placed(finding: Finding, path: str, lines: Lines | None, offset: int | None) -> Violation:
    """The violation of a finding that stands at the character at `offset`; without lines or offset
    it has a path only.
    """
    line, column, (source, source_column) = (
        (0, 0, ("", 0)) if lines is None or offset is None else lines.at(offset)
    )
    return Violation(
        rule=finding.rule,
        message=_cut(finding.message),
        path=path,
        line=line,
        column=column,
        expected=finding.expected,
        found=excerpt(finding.found),
        source=source,
        severity=finding.severity,
        code=finding.code,
        item=finding.item,
        source_column=source_column,
    )


def malformed(
    rule: str, message: str, text: str = "", offset: int = 0, expected: str = "", found: str = ""
) -> Malformed:
    """The error for bytes that are no document, with its one violation placed at `offset` of
    `text`.
    """
    return Malformed([Lines(text).violation(rule, message, offset, "", expected, found)])


def decoded(body: bytes, encoding: str, rule: str) -> str:
    """The body as text, without a byte order mark.

    Raises:
        Malformed: when the bytes are not in that encoding; it names the byte and stands at its
        place.
    """
    try:
        return large_bytes.decode(body, encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        text = large_bytes.decode(body[: error.start], encoding).removeprefix("\ufeff")
        rest = body[error.start : error.start + 80].decode(encoding, "replace").partition("\n")[0]
        message = f"byte {error.start} (0x{body[error.start]:02X}) is not valid {encoding.upper()}"
        raise malformed(
            rule, message, text + rest, len(text), encoding.upper(), f"0x{body[error.start]:02X}"
        ) from None

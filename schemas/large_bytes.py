"""Large bytes and texts, worked on in pieces: a call into C holds the interpreter from its first
byte to its last, and meanwhile nobody is served.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from xml.parsers.expat import XMLParserType

#: So much is worked on in one go: some milliseconds.
PIECE_BYTES = 1 << 20
#: The longest tag, comment or instruction that is read to its end, in bytes: libxml2 takes no
#: longer text, and expat begins anew with each piece of one.
TOKEN_BYTES_MAX = 10_000_000


class TokenTooLong(ValueError):
    """A tag, comment or instruction is longer than `TOKEN_BYTES_MAX`."""


def split(body: bytes, size: int = 0) -> Iterator[bytes]:
    """The bytes in pieces of `size` bytes (0: `PIECE_BYTES`)."""
    size = size or PIECE_BYTES
    for at in range(0, len(body), size):
        yield body[at : at + size]


def count(body: bytes, what: bytes, end: int | None = None) -> int:
    """How often `what`, of which no part is both its beginning and its end, stands in the bytes
    before `end`.
    """
    whole = len(body) if end is None else end
    if whole <= PIECE_BYTES:
        return body.count(what, 0, whole)
    beyond = len(what) - 1
    return sum(
        body.count(what, at, min(at + PIECE_BYTES + beyond, whole))
        for at in range(0, whole, PIECE_BYTES)
    )


def find(body: bytes, what: bytes, start: int = 0) -> int:
    """Where `what` stands first from `start` on; -1: nowhere. (One byte is found so quickly that it
    needs no pieces, two are looked for at some nanoseconds a byte.)
    """
    if len(body) <= PIECE_BYTES:
        return body.find(what, start)
    beyond = len(what) - 1
    for at in range(start, len(body), PIECE_BYTES):
        found = body.find(what, at, at + PIECE_BYTES + beyond)
        if found >= 0:
            return found
    return -1


def decode(body: bytes, encoding: str, errors: str = "strict") -> str:
    """The bytes as text, as `bytes.decode` has it.

    Raises:
        UnicodeDecodeError: with the place in the whole.
    """
    if len(body) <= PIECE_BYTES:
        return body.decode(encoding, errors)
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    texts = []
    at = 0
    for piece in (*split(body), b""):
        before = at - len(decoder.getstate()[0])
        try:
            texts.append(decoder.decode(piece, final=not piece))
        except UnicodeDecodeError as error:
            start, end = before + error.start, before + error.end
            raise UnicodeDecodeError(encoding, body, start, end, error.reason) from None
        at += len(piece)
    return "".join(texts)


def encode(text: str, errors: str = "strict") -> bytes:
    """The text in UTF-8."""
    if len(text) <= PIECE_BYTES:
        return text.encode("utf-8", errors)
    return b"".join(
        text[at : at + PIECE_BYTES].encode("utf-8", errors)
        for at in range(0, len(text), PIECE_BYTES)
    )


def feed(parser: XMLParserType, data: bytes) -> None:
    """Feed a whole document to an expat parser, which reads no document after it.

    Raises:
        ExpatError: as the parser does.
        TokenTooLong: when no more of it can be read.
    """
    at = 0
    for piece in split(data):
        parser.Parse(piece, False)
        at += len(piece)
        # It stands where what it has not read yet begins.
        if at - parser.CurrentByteIndex > TOKEN_BYTES_MAX:
            raise TokenTooLong
    parser.Parse(b"", True)

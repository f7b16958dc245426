"""A message with attachments: one body in parts, of which the first is the message and each other
one an attachment with a name; no verdict on either.

It is kept and handed on in the same shape, its parts byte for byte. The boundary is made anew of
their digest, since a sender who repeats a message draws another one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from exchange.schemas.attachments import multipart
from exchange.schemas.call import JSON
from exchange.schemas.document_limits import in_force
from exchange.schemas.value import value
from exchange.schemas.violation import Malformed, Violation

#: The media types of a message with attachments (RFC 2387, RFC 7578).
MEDIA_TYPES = ("multipart/related", "multipart/form-data")
_FILE_NAME = re.compile(r"""(?:^|;)\s*filename\s*=\s*(?:"([^"]*)"|([^\s;]+))""", re.IGNORECASE)
#: Headers of a part that say one thing each.
_ONCE = ("Content-Disposition", "Content-ID", "Content-Type")
#: The same in the form of RFC 5987, which wins where both are given (RFC 6266).
_EXTENDED_NAME = re.compile(r"(?:^|;)\s*filename\*\s*=\s*utf-8''([^\s;]+)", re.IGNORECASE)
_FIELD_NAME = re.compile(r"""(?:^|;)\s*name\s*=\s*(?:"([^"]*)"|([^\s;]+))""", re.IGNORECASE)
#: What may be the name of an attachment: no path, and nothing that a log or a header can't hold.
_NAME = re.compile(r"[^\x00-\x1f\x7f/\\\"<>]{1,100}")
_NAMED = 'Content-Disposition: attachment; filename="...", or a Content-ID'

#: (An attachment has a field `bytes`.)
Content = bytes


@value
class Attachment:
    """What came beside a message: its name, media type, size in bytes and SHA-256 (hexadecimal) of
    the part's body as it was sent; and that body, which is kept with the whole message only.
    """

    name: str
    content_type: str
    bytes: int
    sha256: str
    content: Content = field(default=b"", repr=False)

    def as_dict(self) -> dict[str, Any]:
        """The attachment as JSON."""
        return {
            "name": self.name,
            "content_type": self.content_type,
            "bytes": self.bytes,
            "sha256": self.sha256,
        }


@dataclass(frozen=True, slots=True)
class Split:
    """A body taken apart: the message and its media type, the attachments, and the whole as it is
    kept, with its own content type.
    """

    message: bytes
    message_type: str
    attachments: tuple[Attachment, ...]
    whole: bytes
    whole_type: str


def is_split(content_type: str) -> bool:
    """Whether a body of that content type is a message with attachments."""
    return content_type.partition(";")[0].strip().lower() in MEDIA_TYPES


def split(body: bytes, content_type: str) -> Split:
    """The message and its attachments, by the limits in force.

    Raises:
        Malformed: with every violation. Rules: `attachments.form` (no boundary, not closed, a part
        without headers, or with one twice), `attachments.count`, `attachments.size`,
        `attachments.name`, `attachments.name-twice`, `attachments.type`.
    """
    limits = in_force()
    spans = _spans(body, content_type, limits.attachments_max)
    parts: list[tuple[bytes, bytes]] = []
    for start, end in spans:
        part = multipart.opened(body[start:end])
        if part is None:
            expected = (
                f"an empty line after headers of at most {multipart.HEADERS_BYTES_MAX} bytes "
                "without control characters"
            )
            raise Malformed([_at(body, start, "form", "a part has no headers", expected)])
        if name := multipart.Headers(part[0]).twice(_ONCE):
            why = f"header {name} stands twice in a part"
            raise Malformed([_at(body, start, "form", why, "it once")])
        parts.append(part)
    violations: list[Violation] = []
    attachments: list[Attachment] = []
    for number, ((block, content), (start, _)) in enumerate(zip(parts[1:], spans[1:], strict=True)):
        headers = multipart.Headers(block)
        name, kind = _name(headers), headers.get("Content-Type", "")
        for rule, why, expected in _wrong(name, kind, content, attachments):
            violations.append(_at(body, start, rule, why, expected, number))
        digest = hashlib.sha256(content).hexdigest()
        attachments.append(
            Attachment(
                name=name,
                content_type=kind[:100],
                bytes=len(content),
                sha256=digest,
                content=content,
            )
        )
    if violations:
        raise Malformed(violations)
    block, message = parts[0]
    whole, whole_type = _whole(parts, content_type)
    own = multipart.Headers(block).get("Content-Type", "")
    return Split(
        message=message,
        message_type=own,
        attachments=tuple(attachments),
        whole=whole,
        whole_type=whole_type,
    )


def _spans(body: bytes, content_type: str, most: int) -> list[tuple[int, int]]:
    boundary = multipart.boundary_of(content_type)
    if not boundary:
        message = "the content type names no boundary"
        raise Malformed([Violation("attachments.form", message, expected="boundary=...")])
    try:
        spans = multipart.spans(body, boundary, most + 1)
    except multipart.NotClosed:
        message = "the body is not closed by its boundary"
        raise Malformed([Violation("attachments.form", message, expected="--boundary--")]) from None
    except multipart.TooManyParts:
        message, expected = "too many attachments", f"at most {most}"
        raise Malformed([Violation("attachments.count", message, expected=expected)]) from None
    if not spans:
        message, expected = "the body has no parts", "the message as the first part"
        raise Malformed([Violation("attachments.form", message, expected=expected)])
    return spans


def _wrong(
    name: str, kind: str, content: bytes, before: list[Attachment]
) -> list[tuple[str, str, str]]:
    """What is wrong with an attachment: rule, message and what is expected."""
    found = []
    if not _NAME.fullmatch(name):
        message = "an attachment has no name" if not name else "not a name of an attachment"
        found.append(("name", message, f"{_NAMED}; 1-100 characters, no path"))
    elif any(each.name == name for each in before):
        found.append(("name-twice", "two attachments have the same name", "each name once"))
    if not kind:
        found.append(("type", "an attachment does not say what it is", "Content-Type"))
    most = in_force().attachment_bytes_max
    if len(content) > most:
        found.append(("size", "an attachment is too large", f"at most {most} bytes"))
    return found


def _name(headers: multipart.Headers) -> str:
    """By file name, by Content-ID, or by the field of a form."""
    disposition = headers.get("Content-Disposition", "")
    if (name := file_name(disposition)) is not None:
        return name
    if content_id := headers.get("Content-ID", ""):
        return str(content_id).strip("<>")
    match = _FIELD_NAME.search(_as_utf8(disposition))
    return "" if match is None else match[1] if match[1] is not None else match[2]


def file_name(disposition: str) -> str | None:
    """The name of a file that a part's `Content-Disposition` gives; None where it gives none."""
    told = _as_utf8(disposition)
    if match := _EXTENDED_NAME.search(told):
        return unquote(match[1], errors="replace")
    match = _FILE_NAME.search(told)
    return None if match is None else match[1] if match[1] is not None else match[2]


def joined(message: bytes, files: Iterable[tuple[str, str, bytes]]) -> tuple[str, bytes]:
    """A JSON message and its files (name, media type, content) as one body (RFC 7578): its content
    type, and itself.
    """
    parts = [(_head('name="message"', JSON), message)]
    for name, content_type, content in files:
        told = f"name=\"file\"; filename*=utf-8''{quote(name, safe='')}"
        parts.append((_head(told, content_type), content))
    whole, whole_type = _whole(parts, "multipart/form-data")
    return whole_type, whole


def _head(told: str, content_type: str) -> bytes:
    """The block of headers of a part."""
    head = f"Content-Disposition: form-data; {told}\r\nContent-Type: {content_type}"
    return head.encode()


def _as_utf8(text: str) -> str:
    """Header values are read as Latin-1; file names of forms are in UTF-8 (RFC 7578, 4.2)."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return text


def _at(
    body: bytes, start: int, rule: str, message: str, expected: str, item: int | None = None
) -> Violation:
    """A violation at the beginning of a part."""
    line = body.count(b"\n", 0, start) + 1
    return Violation(
        f"attachments.{rule}", message, line=line, column=1, expected=expected, item=item
    )


def _whole(parts: list[tuple[bytes, bytes]], content_type: str) -> tuple[bytes, str]:
    """The parts as one body again, and its content type."""
    digest = hashlib.sha256()
    for block, content in parts:
        digest.update(b"%d %d " % (len(block), len(content)))
        digest.update(block)
        digest.update(content)
    boundary = digest.hexdigest()[:40]
    pieces = []
    for block, content in parts:
        pieces += [b"--%b\r\n" % boundary.encode(), block, b"\r\n\r\n" if block else b"\r\n"]
        pieces += [content, b"\r\n"]
    pieces.append(b"--%b--\r\n" % boundary.encode())
    kind = content_type.partition(";")[0].strip().lower()
    return b"".join(pieces), f"{kind}; boundary={boundary}"

"""Messages with attachments, taken apart: each part byte for byte whatever ends its lines, and
every wrong attachment told with its rule.
"""

from __future__ import annotations

import pytest

from exchange.schemas import attachments
from exchange.schemas.attachments import multipart
from exchange.schemas.document_limits import DocumentLimits, within
from exchange.schemas.violation import Malformed

NAMED = b'Content-Disposition: attachment; filename="a.txt"\r\nContent-Type: text/plain'
NAMELESS = b"Content-Type: text/plain"
LIMITS = DocumentLimits(attachments_max=3, attachment_bytes_max=100)


def body_of(*blocks: bytes) -> bytes:
    """A message and attachments with those headers, each with a short body."""
    message = b"--b\r\nContent-Type: text/xml\r\n\r\n<a/>\r\n"
    others = b"".join(b"--b\r\n" + block + b"\r\n\r\nx\r\n" for block in blocks)
    return message + others + b"--b--\r\n"


def rules_of(body: bytes) -> list[str]:
    """The rules that taking a body apart breaks."""
    with within(LIMITS):
        try:
            attachments.split(body, "multipart/related; boundary=b")
        except Malformed as error:
            assert all(each.expected for each in error.violations)
            return [each.rule.removeprefix("attachments.") for each in error.violations]
    return []


@pytest.mark.parametrize(
    ("body", "rules"),
    [
        (body_of(NAMED), []),
        (body_of(NAMED, NAMED.replace(b"a.txt", b"b.txt"), b"Content-ID: <c>\r\n" + NAMELESS), []),
        (body_of(NAMELESS), ["name"]),
        (body_of(NAMED.replace(b"a.txt", b"../x")), ["name"]),
        (body_of(NAMED.replace(b"a.txt", b"x" * 101)), ["name"]),
        (body_of(NAMED, NAMED), ["name-twice"]),
        (body_of(b"X: y"), ["name", "type"]),
        (body_of(NAMED, b"A: b", b"Content-ID: <c>"), ["name", "type", "type"]),
        (body_of(NAMED)[:-8], ["form"]),
        (b"--b--\r\n", ["form"]),
        (body_of(NAMED + b"\r\ncontent-disposition: attachment; filename=b.txt"), ["form"]),
        (body_of(NAMED).replace(b"--b\r\n", b"--b\r\nContent-Type: a/b\r\n", 1), ["form"]),
        (body_of(*[NAMED] * 4), ["count"]),
        (body_of(NAMED).replace(b"\r\n\r\nx\r\n", b"\r\n\r\n" + b"x" * 100 + b"\r\n"), []),
        (body_of(NAMED).replace(b"\r\n\r\nx\r\n", b"\r\n\r\n" + b"x" * 101 + b"\r\n"), ["size"]),
    ],
)
def test_each_wrong_attachment_is_told_with_its_rule(body: bytes, rules: list[str]) -> None:
    assert rules_of(body) == rules


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("content", [b"", b"x", b"\r\nx\n\n"])
def test_a_part_is_its_bytes_whatever_ends_the_lines(content: bytes, end: bytes) -> None:
    body = end.join([b"--b", b"A: b", b"", content, b"--b--", b""])
    ((start, stop),) = multipart.spans(body, b"b", 9)
    assert multipart.opened(body[start:stop]) == (b"A: b", content)

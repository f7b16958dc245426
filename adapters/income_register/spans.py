"""Cuts a large delivery into documents of some reports each, so that it need never be a tree as a
whole; judges nothing.

Every piece is the delivery with the same header and end and some of its reports. A delivery that is
not written plainly enough to be cut (comments, character references, a signature before its
reports) is not cut, and one in which anything at all is found is read as a whole after all, since
only then can be told where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from exchange.schemas import large_bytes

TRANSACTION, TRANSACTIONS_END, REPORT_END = b"<Transaction>", b"</Transactions>", b"</Report>"
REPORTS_START, REPORTS_END = b"<Reports>", b"</Reports>"
#: A delivery of fewer bytes is always read as a whole; the tree takes about ten times as many.
LARGE_BYTES = 4 << 20
PIECE_REPORTS = 250

_DATA = re.compile(rb"<Report>\s{0,1000}<ReportData>([^&]{0,600}?)</ReportData>")
_FIELD = re.compile(rb"<([A-Za-z]+)>([^<]*)</")
SIGNATURE = b"Signature"

Fields = dict[bytes, bytes]


@dataclass(frozen=True, slots=True)
class CutDelivery:
    """A cut delivery: its bytes, where its reports begin and end, and where each piece ends."""

    body: bytes
    start: int
    end: int
    cuts: tuple[int, ...]

    def references(self) -> Iterator[Fields]:
        """ReportData of each report, by field."""
        return (
            dict(_FIELD.findall(match[1]))
            for match in _DATA.finditer(self.body, self.start, self.end)
        )

    def __iter__(self) -> Iterator[bytes]:
        """The pieces as documents."""
        head, tail = self.body[: self.start], self.body[self.end :]
        for first, last in zip((self.start, *self.cuts), self.cuts, strict=False):
            yield b"".join((head, self.body[first:last], tail))


def cut(body: bytes, large_bytes: int = LARGE_BYTES) -> CutDelivery | None:
    """The delivery in pieces; None when it is small, or not written so that it can be cut
    safely.
    """
    if len(body) < large_bytes or (around := bounds(body)) is None:
        return None
    start, end = around
    if body.find(SIGNATURE, start, end) >= 0:
        return None
    cuts, at, number = [], start, 0
    while (found := body.find(REPORT_END, at, end)) >= 0:
        at, number = found + len(REPORT_END), number + 1
        if number % PIECE_REPORTS == 0:
            cuts.append(at)
    if not number or body[at:end].strip():
        return None
    if not cuts or cuts[-1] != at:
        cuts.append(at)
    plain = sum(1 for _ in _DATA.finditer(body, start, end)) == number
    return CutDelivery(body, start, end, tuple(cuts)) if plain else None


def bounds(body: bytes) -> tuple[int, int] | None:
    """Where the reports begin and end; None when that can't be told safely from the bytes, or there
    are none.

    Single bytes are looked for first, since that is many times faster.
    """
    if b"!" in body and large_bytes.find(body, b"<!") >= 0:
        return None
    if b"&" in body and large_bytes.find(body, b"&#") >= 0:
        return None
    if body.find(b"?", body.find(b">") + 1) >= 0 and large_bytes.find(body, b"<?", 1) > 0:
        return None
    start, end = body.find(REPORTS_START) + len(REPORTS_START), body.rfind(REPORTS_END)
    if start < len(REPORTS_START) or end < start:
        return None
    around = body[:start] + body[end + len(REPORTS_END) :]
    if (
        around.count(b"<Report") != 1
        or b"</Report" in around
        or body.rfind(REPORT_END, start, end) < 0
    ):
        return None
    return (start, end) if body.find(SIGNATURE, 0, start) < 0 else None


def chunks_of(body: bytes, reports: int) -> tuple[list[bytes], bytes] | None:
    """The bytes of each report without its end tag, and everything around them; None when they
    can't be told apart safely.
    """
    start, end = body.find(REPORTS_START), body.rfind(REPORTS_END)
    if start < 0 or end < start:
        return None
    inside = body[start + len(REPORTS_START) : end]
    if large_bytes.count(inside, REPORT_END) != reports:
        return None
    chunks = inside.split(REPORT_END)
    if len(chunks) != reports + 1 or chunks.pop().strip():
        return None
    around = body[:start] + body[end + len(REPORTS_END) :]
    # Were the reports themselves spelled otherwise (`<Report >`), these would be somebody else's.
    return None if b"<Report" in around or b"</Report" in around else (chunks, around)

"""Abridges a delivery: leaves out the reports in known forms, which are known to be valid; judges
nothing.

What is left (the header, reports that are not known, a signature) is a document of its own with a
few reports, or the first one where all are known. It is read and judged as the delivery would be.
Once anything but a warning about the header is found in it, the delivery is read again as written,
because only then can be told what is wrong where. Bytes that are left out are canonical XML as they
stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from exchange.adapters.income_register.recognition.admission import Admission
from exchange.adapters.income_register.recognition.forms import FormCache, Forms
from exchange.adapters.income_register.recognition.reader import Reader, Written
from exchange.adapters.income_register.recognition.recogniser import Recogniser, earner_code
from exchange.adapters.income_register.recognition.report_schema import reports_schema
from exchange.adapters.income_register.spans import REPORT_END, SIGNATURE, bounds
from exchange.schemas.income_register.codes import plain
from exchange.schemas.xml import XmlSchema

#: A shorter delivery is read as it is written.
ABRIDGED_BYTES_MIN = 6_000
#: Bytes of a body that are looked at at once, so that no second copy of all of it is made.
WINDOW_BYTES = 1 << 20
#: A delivery of which more is left is not abridged: its tree would take ten times as many bytes.
LEFT_BYTES_MAX = 2 << 20
#: At most so many reports, or a quarter of them all, are judged as examples of their forms.
EXAMPLES_MIN = 64
#: When none of so many reports is known, no more are looked at.
TRIED_REPORTS = 100

_KIND = re.compile(rb"<[A-Za-z_][\w.-]*:(Wage|Benefit)Reports?RequestToIR[\s>]")
_END_BYTES = len(REPORT_END)
#: U+FFFE and U+FFFF in UTF-8, which are no characters of XML. Their first byte alone is looked for
#: many times faster than all three.
_NO_CHARACTERS = (b"\xef\xbf\xbe", b"\xef\xbf\xbf")
_NO_CHARACTERS_FIRST = b"\xef"

#: ActionCode and ReportVersion in plain form with ReportId and IRReportId between them, as `Item`
#: has them.
References = tuple[str, str, str, str]


@dataclass(slots=True)
class Abridgement:
    """What is known of a delivery's reports.

    `references` are those of each report, None for those that are left. `left` are the index, the
    start and the end (in the bytes) of each report that is left. `judged` are the places in `left`
    of those that are not known. `forms` are those that reports are in, with the place of one in
    each. `latest` are the latest values that have a limit, `codes` the earners' identifiers.
    """

    wages: bool
    body: bytes
    start: int
    end: int
    references: list[References | None] = field(default_factory=list)
    left: list[tuple[int, int, int]] = field(default_factory=list)
    judged: range = range(0)
    forms: dict[Forms, tuple[int, int]] = field(default_factory=dict)
    latest: dict[str, bytes] = field(default_factory=dict)
    codes: set[bytes] = field(default_factory=set)
    ids: set[bytes] = field(default_factory=set)

    def leave_out(self, written: Written, start: int, end: int) -> bool:
        """Note a report that is in known forms; False when it has no ReportId of its own."""
        forms, pattern, values = written
        action, own, given, version = pattern.references
        report_id = values[own] if own >= 0 else b""
        if not report_id or report_id in self.ids or action < 0:
            return False
        self.ids.add(report_id)
        self.codes.add(earner_code(written))
        if forms not in self.forms:
            self.forms[forms] = (start, end - _END_BYTES)
        said = plain(values[action].decode()) if values[action] != b"1" else "1"
        if given < 0 and version < 0:
            self.references.append((said, report_id.decode(), "", ""))
        else:
            register_id, number = (
                values[place].decode() if place >= 0 else "" for place in (given, version)
            )
            self.references.append((said, report_id.decode(), register_id, plain(number)))
        return True

    def covers(self, schema: XmlSchema) -> bool:
        """Whether what is left out is known to be valid by that schema: by the channel's own, and
        by no other.
        """
        return schema.path == reports_schema(self.wages).path

    def document(self) -> bytes:
        """The abridged delivery."""
        inside = (self.body[start:end] for _, start, end in self.left)
        return b"".join(
            (
                self.body[: self.start],
                *inside,
                self.body[self._last() : self.end],
                self.body[self.end :],
            )
        )

    def around(self) -> bytes:
        """The bytes that are no report."""
        return self.body[: self.start] + self.body[self._last() :]

    def chunks(self) -> Iterator[bytes]:
        """The bytes of each report that is to be judged, without its end tag."""
        for place in self.judged:
            _, start, end = self.left[place]
            yield self.body[start : end - _END_BYTES]

    def holds(self, recogniser: Recogniser) -> bool:
        """Whether the reports that are left out are fine in the delivery as it is."""
        if recogniser.pays(self.codes) or any(
            value > recogniser.limits[name] for name, value in self.latest.items()
        ):
            return False
        examples = max(EXAMPLES_MIN, len(self.references) // 4)
        for forms, (start, end) in self.forms.items():
            # One that was judged before it may have told of this one, too.
            if recogniser.is_fine(forms):
                continue
            examples -= 1
            if (
                examples < 0
                or not recogniser.judge(self.body[start:end])
                or not recogniser.is_fine(forms)
            ):
                return False
        return True

    def restored(self, canonical: bytes) -> Iterator[bytes | memoryview]:
        """The canonical form of the delivery, made of the abridged one's and of the bytes that were
        left out.
        """
        body = memoryview(self.body)
        start, end = (
            canonical.index(b"<Reports>") + len(b"<Reports>"),
            canonical.rindex(b"</Reports>"),
        )
        yield canonical[:start]
        at = self.start
        *reports, space = canonical[start:end].split(REPORT_END)
        for (_, first, last), report in zip(self.left, reports, strict=True):
            yield body[at:first]
            yield report
            yield REPORT_END
            at = last
        yield body[at : self._last()]
        yield space
        yield canonical[end:]

    def _last(self) -> int:
        """Where the last report ends."""
        return self.body.rindex(REPORT_END, self.start, self.end) + _END_BYTES


def abridge(body: bytes, caches: Mapping[bool, FormCache]) -> Abridgement | None:
    """The delivery abridged, by what is remembered of wages (True) and of benefits; None
    when it is small, not written plainly enough, or little of it is known.
    """
    if (
        len(body) < ABRIDGED_BYTES_MIN
        or (kind := _KIND.search(body, 0, 2_000)) is None
        or b"\r" in body
    ):
        return None
    if (around := bounds(body)) is None:
        return None
    found = Abridgement(kind[1] == b"Wage", body, *around)
    admission = Admission(caches[found.wages], found.wages)
    reader = Reader(admission.cache)
    left_bytes = 0
    for at, window in _windows(body, *around):
        chunks = window.split(REPORT_END)
        chunks.pop()
        for written, chunk in zip(reader.read(chunks), chunks, strict=True):
            end = at + len(chunk) + _END_BYTES
            if written is None and admission.admit(chunk):
                written = next(reader.read((chunk,)))
            if written is None or not found.leave_out(written, at, end):
                if SIGNATURE in chunk:
                    return None
                found.left.append((len(found.references), at, end))
                found.references.append(None)
                left_bytes += end - at
            at = end
        known = len(found.references) - len(found.left)
        if left_bytes > LEFT_BYTES_MAX or (not known and len(found.references) >= TRIED_REPORTS):
            return None
        if not window.isascii() and not _is_text(window):
            return None
    if len(found.references) - len(found.left) < 2 or body[found._last() : found.end].strip(
        b" \t\n"
    ):
        return None
    found.latest = reader.latest
    found.judged = range(len(found.left))
    if not found.left:
        found.left = [(0, found.start, body.index(REPORT_END, found.start) + _END_BYTES)]
    return found


def _windows(body: bytes, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """The reports in turn, some at once, and where these begin."""
    last = body.rindex(REPORT_END, start, end) + _END_BYTES
    while start < last:
        cut = last
        if last - start > WINDOW_BYTES:
            cut = body.rfind(REPORT_END, start, start + WINDOW_BYTES)
            cut = (cut if cut >= 0 else body.index(REPORT_END, start)) + _END_BYTES
        yield start, body[start:cut]
        start = cut


def _is_text(window: bytes) -> bool:
    """Whether it is in UTF-8 without what are no characters of XML; control characters are in no
    known form.
    """
    try:
        window.decode()
    except UnicodeDecodeError:
        return False
    return _NO_CHARACTERS_FIRST not in window or not any(each in window for each in _NO_CHARACTERS)

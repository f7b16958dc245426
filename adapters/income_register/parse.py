"""Reads a delivery from its bytes, with or without a SOAP envelope around it; judges nothing but
what it can't open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from lxml import etree

from exchange.adapters.income_register.document import (
    BENEFIT_REPORTS,
    REPORTS,
    ROOTS,
    SUBSCRIPTION_ENDPOINT,
    WAGE_REPORTS,
    Element,
    Item,
    items_of,
    own_schema,
    unwrap,
)
from exchange.adapters.income_register.envelope import (
    OPERATION_HINT,
    check_envelope,
    check_operation,
)
from exchange.adapters.income_register.recognition import Abridgement, RecognitionCache
from exchange.adapters.income_register.register_records import ReportKeys
from exchange.adapters.income_register.spans import (
    LARGE_BYTES,
    REPORT_END,
    REPORTS_END,
    REPORTS_START,
    Fields,
    cut,
)
from exchange.ports import Inbound, Parsed
from exchange.schemas import xml
from exchange.schemas.document_limits import in_force
from exchange.schemas.income_register.codes import plain
from exchange.schemas.large_bytes import find
from exchange.schemas.violation import Malformed
from exchange.schemas.xml import XmlSchema

_DELIVERY_END = b"</DeliveryData>"
_OWN = etree.XMLParser(resolve_entities=False, no_network=True)


@dataclass(slots=True)
class Document(Parsed):
    """A parsed document with its items; `versions` is what the cycle's rules find out: the version
    that each item gets, `invalidated` the versions of the reports that the invalidation of a whole
    delivery invalidates, and `report_keys` where its reports are remembered. `known` are the caches
    of the channel, if they may be used. With `abridged`, the document lacks the reports that are
    known to be valid.
    """

    items: list[Item] = field(default_factory=list)
    versions: dict[int, int] = field(default_factory=dict)
    invalidated: dict[str, int] = field(default_factory=dict)
    report_keys: ReportKeys | None = None
    known: RecognitionCache | None = None
    abridged: Abridgement | None = None

    def read_again(self) -> None:
        """Nothing is recognised any more: headers and reports are known by their bytes, and the
        document does not hold all that stands in those.
        """
        self.known = None

    def become_whole(self) -> None:
        """Read a delivery that was cut into pieces, or abridged, as one."""
        self._become(read_whole(self.inbound))

    def become_unabridged(self) -> None:
        """Read a delivery that was abridged as it is written, a large one in pieces."""
        self._become(read_unabridged(self.inbound))

    def _become(self, other: Document) -> None:
        self.document, self.root, self.items, self.pieces = (
            other.document,
            other.root,
            other.items,
            other.pieces,
        )
        self.abridged = None
        self.versions.clear()


def parse(inbound: Inbound, known: RecognitionCache | None = None) -> Document:
    """The message; a delivery abridged where most of it is known, else a large one in pieces where
    it can be cut. `known` are the caches of the channel; without them nothing is recognised.

    Raises:
        Malformed: when the bytes are no XML, or XML with what the hardened reader forbids.
    """
    document = read_abridged(inbound, known) if known is not None else None
    if document is None:
        document = read_unabridged(inbound)
    document.known = known
    return document


def read_abridged(inbound: Inbound, known: RecognitionCache) -> Document | None:
    """A delivery without the reports that are known to be valid; None when it can't be read so."""
    if len(inbound.body) > in_force().body_bytes_max or (
        (abridged := known.abridged(inbound.body)) is None
    ):
        return None
    try:
        rest = read_whole(replace(inbound, body=abridged.document()))
    except Malformed:
        # Only the whole tells where it is broken.
        return None
    holder = rest.document.find("DeliveryData/Reports")
    if (
        rest.message_type != (WAGE_REPORTS if abridged.wages else BENEFIT_REPORTS)
        or holder is None
        or not len(abridged.left)
        == len(holder)
        == len(rest.items)
        == sum(1 for _ in rest.document.iter("Report"))
    ):
        return None
    items = [Item(None, *(found or ())) for found in abridged.references]
    for place in abridged.judged:
        items[abridged.left[place][0]] = rest.items[place]

    def pieces(schema: XmlSchema) -> Iterable[Element]:
        """The rest, where the schema is known to find nothing in what is left out."""
        return (rest.document if abridged.covers(schema) else read_whole(inbound).document,)

    return Document(
        inbound=inbound,
        message_type=rest.message_type,
        format="xml",
        document=rest.document,
        root=rest.root,
        pieces=pieces,
        items=items,
        abridged=abridged,
    )


def read_unabridged(inbound: Inbound) -> Document:
    """The message; a large delivery in pieces, where it can be cut, and what the register itself
    rendered without its reports.

    Raises:
        Malformed: when the bytes are no XML, or XML with what the hardened reader forbids.
    """
    if inbound.endpoint == SUBSCRIPTION_ENDPOINT:
        return _own(inbound)
    cut_up = cut(inbound.body) if len(inbound.body) >= LARGE_BYTES else None
    if cut_up is None:
        return read_whole(inbound)
    try:
        first = read_whole(replace(inbound, body=next(iter(cut_up))))
    except Malformed:
        # Only the whole tells where it is broken.
        return read_whole(inbound)
    if first.message_type not in REPORTS:
        return read_whole(inbound)
    items = [_written(fields) for fields in cut_up.references()]

    def pieces(_: XmlSchema | None = None) -> Iterator[Element]:
        return (unwrap(xml.parse(piece)) for piece in cut_up)

    return Document(
        inbound=inbound,
        message_type=first.message_type,
        format="xml",
        document=first.document,
        root=first.root,
        pieces=pieces,
        items=items,
    )


def _own(inbound: Inbound) -> Document:
    """What the register rendered, in canonical form: no rule looks at its reports, and the schema
    reads them from the bytes.

    By the channel's own schema it reads the first report of each delivery only. The others begin
    with the same bytes, and what is in them was valid when it came in: the schema of what is handed
    on takes all that the schema of what comes in takes (a test grows and hands on what is valid).
    The register's own signature has no ids, so that none can be there twice.
    """
    body = inbound.body
    start, end = body.find(REPORTS_START), body.rfind(REPORTS_END)
    root = etree.fromstring(
        body[:start] + body[end + len(REPORTS_END) :] if start >= 0 else body, _OWN
    )
    message_type = ROOTS[root.tag]

    def pieces(schema: XmlSchema) -> Iterable[Element]:
        alike = start >= 0 and schema.path == own_schema(message_type).path
        return (
            ()
            if schema.accepts_bytes(first_of_each(body) if alike else body)
            else (read_whole(inbound).document,)
        )

    return Document(
        inbound=inbound,
        message_type=message_type,
        format="xml",
        document=root,
        root=root,
        pieces=pieces,
    )


def first_of_each(document: bytes) -> bytes:
    """What the register rendered with the first report of each delivery only: of those that begin
    with the same DeliveryData.
    """
    start, end = document.find(REPORTS_START) + len(REPORTS_START), document.rfind(REPORTS_END)
    kept, begins = [], b""
    for report in document[start:end].split(REPORT_END):
        if not begins or not report.startswith(begins):
            kept.append(report)
            begins = b"".join(report.partition(_DELIVERY_END)[:2])
    return b"".join((document[:start], REPORT_END.join(kept), document[end:]))


def in_pieces(parsed: Document) -> Iterator[Document]:
    """A delivery that was cut, piece by piece as deliveries of their own."""
    for body in cut(parsed.inbound.body) or ():
        piece = read_whole(replace(parsed.inbound, body=body))
        piece.known = parsed.known
        yield piece


def _written(fields: Fields) -> Item:
    """The references of a report as they are written."""
    action, report_id, register_id, version = (
        fields.get(name, b"").decode("utf-8", "replace").strip()
        for name in (b"ActionCode", b"ReportId", b"IRReportId", b"ReportVersion")
    )
    return Item(
        element=None,
        action=plain(action),
        report_id=report_id,
        register_id=register_id,
        version=plain(version),
    )


def read_whole(inbound: Inbound) -> Document:
    """The envelope as `root` and the document in its body as `document`; the same element twice
    without an envelope.

    Raises:
        Malformed: when the bytes are no XML, or XML with what the hardened reader forbids.
    """
    root = xml.parse(inbound.body)
    if find(inbound.body, b"<!--") >= 0 or find(inbound.body, b"<?", 1) >= 0:
        # A comment inside a value would hide a part of it from the rules, while the schema sees the
        # whole.
        etree.strip_tags(root, etree.Comment, etree.ProcessingInstruction)
    document = unwrap(root)
    taken = inbound.hints.get(OPERATION_HINT, "")
    findings = check_envelope(root) or check_operation(document, taken)
    message_type = "" if findings else ROOTS.get(document.tag, "")
    return Document(
        inbound=inbound,
        message_type=message_type,
        format="xml",
        document=document,
        root=root,
        items=items_of(message_type, document),
        findings=findings,
    )

"""Reads a delivery from its bytes, with or without a SOAP envelope around it; judges nothing but
what it can't open.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lxml import etree

from exchange.adapters.income_register.abridgement import Abridgement, abridge
from exchange.adapters.income_register.memory import Shelf
from exchange.adapters.income_register.pieces import LARGE_BYTES, Fields, cut
from exchange.adapters.income_register.reading import REPORT_END, REPORTS_END, REPORTS_START
from exchange.adapters.income_register.validity import own_schema, reports_schema
from exchange.ports import Inbound, Parsed
from exchange.schemas import income_register as register_schemas
from exchange.schemas import xml
from exchange.schemas.income_register.codes import plain
from exchange.schemas.limits import in_force
from exchange.schemas.violation import Malformed

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
ENVELOPE = f"{{{SOAP}}}Envelope"
BODY = f"{{{SOAP}}}Body"

WAGE_REPORTS = "income-register.wage-reports"
BENEFIT_REPORTS = "income-register.benefit-reports"
PAYER_SUMMARY_REPORTS = "income-register.payer-summary-reports"
INVALIDATIONS = "income-register.invalidations"
SUBSCRIPTIONS = "income-register.subscriptions"
STATUS_REQUEST = "income-register.status-request"
DATA_REQUEST = "income-register.data-request"
ECHO = "income-register.echo"
#: What the register hands on.
FROM_IR = frozenset(
    f"{each}-from-ir" for each in (WAGE_REPORTS, BENEFIT_REPORTS, PAYER_SUMMARY_REPORTS)
)
#: Deliveries of reports.
REPORTS = frozenset((WAGE_REPORTS, BENEFIT_REPORTS, PAYER_SUMMARY_REPORTS))
#: Whatever has a DeliveryId and is taken in.
DELIVERIES = REPORTS | {INVALIDATIONS, SUBSCRIPTIONS}


#: The door of what the register itself extracts for a subscriber.
SUBSCRIPTION_DOOR = "subscription"
_DELIVERY_END = b"</DeliveryData>"
_OWN = etree.XMLParser(resolve_entities=False, no_network=True)
#: What the register itself made, and answers to it: its upload service takes 50 MB.
LIMITS = xml.XmlLimits(body_bytes_max=52_428_800)


@dataclass(slots=True)
class Item:
    """A report, or what an invalidation names: its element and the references in it. `version` is
    what the sender says.
    """

    element: Any
    action: str = ""
    report_id: str = ""
    register_id: str = ""
    version: str = ""


@dataclass(slots=True)
class Document(Parsed):
    """A parsed document with its items; `versions` is what the cycle's rules find out: the version
    that each item gets, `invalidated` the versions of the reports that the invalidation of a whole
    delivery invalidates, and `shelf` where its reports are remembered. With `abridged`, the
    document lacks the reports that are known to be valid.
    """

    items: list[Item] = field(default_factory=list)
    versions: dict[int, int] = field(default_factory=dict)
    invalidated: dict[str, int] = field(default_factory=dict)
    shelf: Shelf | None = None
    abridged: Abridgement | None = None

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


def _read_roots() -> dict[str, str]:
    path = Path(register_schemas.__file__).with_name("message_types.toml")
    types = tomllib.loads(path.read_text(encoding="utf-8"))["message_type"]
    return {root: entry["name"] for entry in types for root in entry["roots"]}


#: Message types by the qualified name of their root elements.
ROOTS = _read_roots()


def unwrap(root: Any) -> Any:
    """The document inside a SOAP envelope: the first element of its body; the root itself when
    there is no envelope.
    """
    if root.tag != ENVELOPE:
        return root
    body = root.find(BODY)
    return root if body is None else next(body.iterchildren("*"), root)


def delivery_data(document: Any) -> Any:
    """The header: DeliveryData, or the document itself where it has none."""
    data = document.find("DeliveryData")
    return document if data is None else data


def parse(inbound: Inbound) -> Document:
    """The message; a delivery abridged where most of it is known, else a large one in pieces where
    it can be cut.

    Raises:
        Malformed: when the bytes are no XML, or XML with what the hardened reader forbids.
    """
    return read_abridged(inbound) or read_unabridged(inbound)


def read_abridged(inbound: Inbound) -> Document | None:
    """A delivery without the reports that are known to be valid; None when it can't be read so."""
    abridged = abridge(inbound.body) if len(inbound.body) <= in_force().body_bytes_max else None
    if abridged is None:
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
    items: list[Any] = [Item(None, *found) if found else None for found in abridged.references]
    for place in abridged.judged:
        items[abridged.left[place][0]] = rest.items[place]
    wages = abridged.wages

    def pieces(schema: Any) -> Iterable[Any]:
        """What is left out is known to be valid by the channel's own schema, and by no other."""
        return (
            (rest.document,)
            if schema.path == reports_schema(wages).path
            else (read_whole(inbound).document,)
        )

    return Document(
        inbound,
        rest.message_type,
        "xml",
        rest.document,
        rest.root,
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
    if inbound.door == SUBSCRIPTION_DOOR:
        return _own(inbound)
    cut_up = cut(inbound.body) if len(inbound.body) >= LARGE_BYTES else None
    if cut_up is None:
        return read_whole(inbound)
    first = read_whole(replace(inbound, body=next(iter(cut_up))))
    if first.message_type not in REPORTS:
        return read_whole(inbound)
    items = [_written(fields) for fields in cut_up.references()]

    def pieces(_: Any = None) -> Iterator[Any]:
        return (unwrap(xml.parse(piece)) for piece in cut_up)

    return Document(
        inbound, first.message_type, "xml", first.document, first.root, pieces=pieces, items=items
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

    def pieces(schema: Any) -> Iterable[Any]:
        alike = start >= 0 and schema.path == own_schema(message_type).path
        return (
            ()
            if schema.accepts_bytes(first_of_each(body) if alike else body)
            else (read_whole(inbound).document,)
        )

    return Document(inbound, message_type, "xml", root, root, pieces=pieces)


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
    for piece in cut(parsed.inbound.body) or ():
        yield read_whole(replace(parsed.inbound, body=piece))


def _written(fields: Fields) -> Item:
    """The references of a report as they are written."""
    action, report_id, register_id, version = (
        fields.get(name, b"").decode("utf-8", "replace").strip()
        for name in (b"ActionCode", b"ReportId", b"IRReportId", b"ReportVersion")
    )
    return Item(None, plain(action), report_id, register_id, plain(version))


def read_whole(inbound: Inbound) -> Document:
    """The envelope as `root` and the document in its body as `document`; the same element twice
    without an envelope.

    Raises:
        Malformed: when the bytes are no XML, or XML with what the hardened reader forbids.
    """
    root = xml.parse(inbound.body)
    if b"<!--" in inbound.body or b"<?" in inbound.body[1:]:
        # A comment inside a value would hide a part of it from the rules, while the schema sees the
        # whole.
        etree.strip_tags(root, etree.Comment, etree.ProcessingInstruction)
    document = unwrap(root)
    message_type = ROOTS.get(document.tag, "")
    return Document(
        inbound, message_type, "xml", document, root, items=items_of(message_type, document)
    )


def items_of(message_type: str, document: Any) -> list[Item]:
    """What a delivery holds: reports, items to invalidate, or the one main subscription."""
    data = document.find("DeliveryData")
    if data is None or message_type not in DELIVERIES:
        return []
    if message_type == SUBSCRIPTIONS:
        return [
            Item(each, report_id=text_of(each, "MainSubscriptionId"))
            for each in data.iterchildren("MainSubscription")
        ]
    holder = data.find("Items" if message_type == INVALIDATIONS else "Reports")
    if holder is None:
        return []
    if message_type == INVALIDATIONS:
        return [_references(each, each) for each in holder.iterchildren("Item")]
    return [_references(each, each.find("ReportData")) for each in holder.iterchildren("Report")]


def text_of(element: Any, path: str) -> str:
    """The text at a path under an element, without surrounding space; empty when there is none."""
    return (element.findtext(path) or "").strip() if element is not None else ""


def _references(element: Any, data: Any) -> Item:
    item = Item(element)
    for child in data if data is not None else ():
        tag, text = child.tag, child.text
        if tag == "ReportId" or tag == "ItemId":
            item.report_id = (text or "").strip()
        elif tag == "ActionCode":
            item.action = plain(text)
        elif tag == "IRReportId" or tag == "IRItemId":
            item.register_id = (text or "").strip()
        elif tag == "ReportVersion" or tag == "ItemVersion":
            item.version = plain(text)
    return item

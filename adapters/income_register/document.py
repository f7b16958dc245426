"""What a document of the register is: its message types and endpoints by name, its
envelope, its header and its items; reads no bytes.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

from lxml import etree

from exchange.schemas import income_register as register_schemas
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.income_register.codes import plain
from exchange.schemas.xml import XmlSchema

#: An element of a document, as lxml has it.
Element = etree._Element

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
ENVELOPE = f"{{{SOAP}}}Envelope"
#: What a SOAP 1.2 client sends.
LATER_ENVELOPE = "{http://www.w3.org/2003/05/soap-envelope}Envelope"
BODY = f"{{{SOAP}}}Body"
#: What the names of its documents' namespaces begin with.
NAMESPACE = "http://www.tulorekisteri.fi/2017/1/"
#: The register itself as a partner, to which Kela reports the benefits that it pays.
REGISTER = "income-register"
#: What is to be done with a report (ActionCode).
NEW, REPLACEMENT = "1", "2"

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
#: What the register answers at once, and keeps with what it answered.
QUESTIONS = frozenset((STATUS_REQUEST, DATA_REQUEST, ECHO))
#: Whatever has a DeliveryId and is taken in.
DELIVERIES = REPORTS | {INVALIDATIONS, SUBSCRIPTIONS}
REAL_TIME_ENDPOINT, DEFERRED_ENDPOINT, FILE_ENDPOINT = "real-time", "deferred", "file"
DEFERRED_ENDPOINTS = frozenset((DEFERRED_ENDPOINT, FILE_ENDPOINT))
ENDPOINTS = frozenset((REAL_TIME_ENDPOINT, DEFERRED_ENDPOINT, FILE_ENDPOINT))
#: The endpoint of questions, always in real time and always signed.
QUERY_ENDPOINT = "query"
#: The endpoint of a document that is only judged: how it would be sent is told by its root element.
CHECK_ENDPOINT = "check"
#: The endpoint of what the register itself extracts for a subscriber.
SUBSCRIPTION_ENDPOINT = "subscription"
#: Who owns, made and sends a delivery, as its header names them.
PARTIES = ("DeliveryDataOwner", "DeliveryDataCreator", "DeliveryDataSender")
#: Types of identifiers that only Finland gives: business id, personal identity code.
FINNISH = ("1", "2")


@dataclass(slots=True)
class Item:
    """A report, or what an invalidation names: its element (None where it was not read as one) and
    the references in it. `version` is what the sender says.
    """

    element: Element | None
    action: str = ""
    report_id: str = ""
    register_id: str = ""
    version: str = ""

    @property
    def read(self) -> Element:
        """The element of an item that was read as one."""
        assert self.element is not None, "it was known, or read in pieces"
        return self.element


def _read_roots() -> dict[str, str]:
    path = Path(register_schemas.__file__).with_name("message_types.toml")
    types = tomllib.loads(path.read_text(encoding="utf-8"))["message_type"]
    return {root: entry["name"] for entry in types for root in entry["roots"]}


#: Message types by the qualified name of their root elements.
ROOTS = _read_roots()


def unwrap(root: Element) -> Element:
    """The document inside a SOAP envelope: the first element of its body; the root itself when
    there is no envelope.
    """
    if root.tag != ENVELOPE:
        return root
    body = root.find(BODY)
    return root if body is None else next(body.iterchildren("*"), root)


def delivery_data(document: Element) -> Element:
    """The header: DeliveryData, or the document itself where it has none."""
    data = document.find("DeliveryData")
    return document if data is None else data


def items_of(message_type: str, document: Element) -> list[Item]:
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


def demanded(element: Element, path: str) -> Element:
    """The element at a path under another one, where the schema demands one."""
    found = element.find(path)
    assert found is not None, f"no {path}, though the schema demands it"
    return found


def parent_of(element: Element) -> Element:
    """The element that another one, which is not the root, stands in."""
    parent = element.getparent()
    assert parent is not None, "the root stands in no element"
    return parent


def text_of(element: Element | None, path: str) -> str:
    """The text at a path under an element, without surrounding space; empty when there is none."""
    return (element.findtext(path) or "").strip() if element is not None else ""


def identifier_of(element: Element) -> tuple[str, str, str]:
    """What tells an identifier from others: its type, its code and its country, which is Finland's
    for a business id and a personal identity code, whether it is written or not.
    """
    kind, country = plain(text_of(element, "Type")), text_of(element, "CountryCode")
    if kind in FINNISH:
        country = country or "FI"
    return kind, text_of(element, "Code"), country


def _references(element: Element, data: Element | None) -> Item:
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


#: What most values are: nothing in them is written otherwise.
_PLAIN = re.compile("[0-9A-Za-z:.+_ -]*").fullmatch
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def text(value: object) -> str:
    """A value as XML text in canonical form; characters that XML can't hold become U+FFFD."""
    written = str(value)
    return (
        written if _PLAIN(written) else escape(_FORBIDDEN.sub("\ufffd", written), {"\r": "&#xD;"})
    )


@cache
def own_schema(message_type: str) -> XmlSchema:
    """The channel's own schema of a message type, whatever stands in its place now."""
    schema = Catalogue.load().schema(message_type)
    assert isinstance(schema, XmlSchema)
    return schema

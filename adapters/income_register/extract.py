"""Renders what the register hands on: reports taken out of stored deliveries, filtered by a query profile, in a FromIR document; reads
no store.

Source: the register's schemas WageReportsFromIR, BenefitReportsFromIR and PayerSummaryReportsFromIR, 2017/1 (vero.fi). The query
profiles are *modelled*: the register agrees on them with each data user, and their contents are not public.
"""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

import schemas.income_register
from adapters.income_register.answer import timestamp
from adapters.income_register.identify import kind_of, owner_of
from adapters.income_register.memory import Shelf
from adapters.income_register.parse import BENEFIT_REPORTS, PAYER_SUMMARY_REPORTS, WAGE_REPORTS, Item, items_of, unwrap
from schemas import xml
from schemas.envelope import Envelope
from schemas.income_register.codes import plain

ROOTS = {
    WAGE_REPORTS: "WageReportsFromIR",
    BENEFIT_REPORTS: "BenefitReportsFromIR",
    PAYER_SUMMARY_REPORTS: "PayerSummaryReportsFromIR",
}
_NAMESPACE = "http://www.tulorekisteri.fi/2017/1/"
_HEAD = ("Timestamp", "Source", "DeliveryId")
_DATES = ("PaymentPeriod", "PaymentDate", "ReportDate")
_REST = ("ContactPersons", "Payer")
_PARTIES = ("DeliveryDataOwner", "DeliveryDataCreator", "DeliveryDataSender")
VALID, INVALIDATED = 1, 2
_CHANNELS = {"real-time": "3", "deferred": "2", "file": "1"}


@cache
def profiles() -> Mapping[str, tuple[str, ...]]:
    """The paths (from Report) that each query profile leaves out."""
    path = Path(schemas.income_register.__file__).with_name("query_profiles.toml")
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["profile"]
    return {row["name"]: tuple(row["leaves_out"]) for row in rows}


@dataclass(slots=True)
class Found:
    """A report inside a stored delivery: `shelf` and `report_id` say which, `version` which version of it this one is."""

    envelope: Envelope
    data: Any
    item: Item
    shelf: Shelf
    report_id: str
    version: int


def reports_in(envelope: Envelope, body: bytes) -> Iterator[Found]:
    """The reports of a delivery that were accepted."""
    document = unwrap(xml.parse(body, xml.XmlLimits(max(len(body), 1))))
    items = items_of(envelope.message_type, document)
    data = document.find("DeliveryData")
    shelf = Shelf(owner_of(data), kind_of(data)) if data is not None else Shelf("", "")
    for index, name, version, _ in envelope.detail.get("valid", ()):
        yield Found(envelope, data, items[index], shelf, name, version)


def render_report(found: Found, status: int, profile: str) -> Any:
    """Report as the register hands it on.

    Raises:
        KeyError: when there is no such profile.
    """
    report = etree.Element("Report")
    head = etree.SubElement(report, "DeliveryData")
    _copy(found.data, head, _HEAD)
    etree.SubElement(head, "IRDeliveryId").text = found.envelope.public_id
    if channel := _CHANNELS.get(found.envelope.door):
        etree.SubElement(head, "DeliveryToIRChannelCode").text = channel
    for names in (_DATES, _REST, _PARTIES):
        _copy(found.data, head, names)
    data = etree.SubElement(report, "ReportData")
    received = timestamp(found.envelope.received_at)
    values = {
        "IRReportId": found.shelf.register_id(found.report_id),
        "ReportId": found.report_id,
        "ReportStatus": str(status),
        "ReportVersion": str(found.version),
        "ReceivedTimestamp": received,
    }
    for name, value in values.items():
        etree.SubElement(data, name).text = value
    for child in found.item.element:
        if child.tag != "ReportData":
            report.append(copy.deepcopy(child))
            report[-1].tail = None
    for path in profiles()[profile]:
        for element in report.findall(path):
            parent = element.getparent()
            assert parent is not None, "what a path finds below the report has a parent"
            parent.remove(element)
    return report


def _copy(source: Any, into: Any, names: Sequence[str]) -> None:
    for name in names:
        if (element := source.find(name)) is not None:
            into.append(copy.deepcopy(element))
            into[-1].tail = None


@dataclass(frozen=True, slots=True)
class Extraction:
    """What a FromIR document says of itself. `span` is the change span in milliseconds; the ids are empty in a real-time query."""

    message_type: str
    query_type: str
    query_id: str
    at: int
    profile: str = ""
    span: tuple[int, int] | None = None
    main_id: str = ""
    part_id: str = ""
    register_ids: tuple[str, str] = ("", "")


def render(extraction: Extraction, reports: Sequence[Any]) -> bytes:
    """The document, not yet signed."""
    name = ROOTS[extraction.message_type]
    root = etree.Element(f"{{{_NAMESPACE}{name}}}{name}", nsmap={"ir": _NAMESPACE + name})
    subscription = {
        "QueryDataType": extraction.query_type,
        "QueryProfile": extraction.profile,
        "ProductionEnvironment": "false",
        "IRMainSubscriptionId": extraction.register_ids[0],
        "IRSubscriptionId": extraction.register_ids[1],
        "MainSubscriptionId": extraction.main_id,
        "SubscriptionId": extraction.part_id,
    }
    parts = {"Subscription": subscription, "Summary": {"NrOfReports": str(len(reports))}}
    if extraction.span is not None:
        start, end = map(timestamp, extraction.span)
        ids = {"IRQueryId": extraction.query_id, "QueryTimestamp": timestamp(extraction.at)}
        query = {**ids, "QueryTimespanStart": start, "QueryTimespanEnd": end}
        parts = {"Subscription": subscription, "Query": query, "Summary": parts["Summary"]}
    for part, values in parts.items():
        holder = etree.SubElement(root, part)
        for field, value in values.items():
            if value:
                etree.SubElement(holder, field).text = value
    if reports:
        etree.SubElement(root, "Reports").extend(reports)
    etree.cleanup_namespaces(root, keep_ns_prefixes=["ir"])
    return etree.tostring(root, method="c14n", exclusive=True)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a query asks for: identifiers of payer and earner (type, code), policy number, register id, payment dates (inclusive)."""

    payer: tuple[str, str] | None = None
    earner: tuple[str, str] | None = None
    policy: str = ""
    register_id: str = ""
    income_type: str = ""
    paid: tuple[str, str] | None = None

    def codes(self) -> list[bytes]:
        """Bytes that every delivery holds that could answer: a quick look before it is parsed."""
        texts = [pair[1] for pair in (self.payer, self.earner) if pair is not None] + [self.policy]
        return [text.encode() for text in texts if (text and text.isalnum()) or "-" in text]

    def fit(self, found: Found) -> bool:
        """Whether a report answers."""
        report, data = found.item.element, found.data
        if self.payer and self.payer not in _ids(data.find("Payer/PayerIds")):
            return False
        if self.earner and self.earner not in _ids(report.find("IncomeEarner/IncomeEarnerIds")):
            return False
        if self.policy and self.policy not in {
            (each.text or "").strip() for each in report.iter("PensionPolicyNo", "AccInsPolicyNo")
        }:
            return False
        if self.register_id and self.register_id != found.shelf.register_id(found.report_id):
            return False
        if self.income_type and self.income_type not in {plain(each.text) for each in report.iter("TransactionCode")}:
            return False
        if self.paid:
            paid = data.findtext("PaymentPeriod/PaymentDate") or data.findtext("PaymentDate") or data.findtext("ReportDate") or ""
            return self.paid[0] <= paid.strip()[:10] <= self.paid[1]
        return True


def _ids(holder: Any) -> set[tuple[str, str]]:
    children = holder.iterchildren("Id") if holder is not None else ()
    return {(plain(each.findtext("Type")), (each.findtext("Code") or "").strip()) for each in children}


_BY_TYPE = {"6": "payer", "7": "earner"}
_BY_VALUE = {"9": "policy", "8": "policy", "17": "register_id", "20": "income_type"}


def conditions(document: Any) -> Conditions:
    """The conditions in a real-time request. Parameters that are not known here (ParameterType) narrow nothing (*modelled*)."""
    values: dict[str, Any] = {}
    for each in document.iterfind("DataRequestParameters/IdCodeParameter"):
        if name := _BY_TYPE.get(plain(each.findtext("ParameterType"))):
            values[name] = (plain(each.findtext("IdType")), (each.findtext("IdCode") or "").strip())
    for each in document.iterfind("DataRequestParameters/ValueParameter"):
        if name := _BY_VALUE.get(plain(each.findtext("ParameterType"))):
            values[name] = (each.findtext("Value") or "").strip()
    for each in document.iterfind("DataRequestParameters/TimespanParameter"):
        if plain(each.findtext("ParameterType")) == "4":
            values["paid"] = ((each.findtext("StartDate") or "")[:10], (each.findtext("EndDate") or "")[:10])
    return Conditions(**values)

"""The rules of the channel: what the schemas can't say, with findings per report; each rule lives in the module of its part."""

from __future__ import annotations

from typing import Any

from adapters.income_register.benefit_rules import check_benefits
from adapters.income_register.document_rules import check_document
from adapters.income_register.field_rules import check_fields
from adapters.income_register.header_rules import check_delivery, check_header, check_sending
from adapters.income_register.parse import BENEFIT_REPORTS, STATUS_REQUEST, WAGE_REPORTS
from adapters.income_register.pay_rules import check_report, check_transactions
from adapters.income_register.report_rules import check_earner, check_insured, check_references
from adapters.income_register.rulebook import Book
from exchange.ports import Context, Identity, Parsed
from schemas.income_register.codes import plain
from schemas.violation import Finding

#: DeliveryDataType by message type.
DELIVERY_TYPES = {WAGE_REPORTS: "100", BENEFIT_REPORTS: "102"}
REAL_TIME_DOOR = "real-time"
#: The door of a delivery that is judged without being sent.
CHECK_DOOR = "check"


def rules(parsed: Parsed, identity: Identity, context: Context) -> list[Finding]:
    """Everything that is wrong with a delivery or a status request, apart from what its schema says."""
    wages, partner = parsed.message_type == WAGE_REPORTS, parsed.inbound.partner
    book = Book(wages)
    check_document(book, parsed.inbound.body, parsed.root if parsed.root is not None else parsed.document)
    if parsed.message_type == STATUS_REQUEST:
        _check_status_request(book, parsed.document)
    elif parsed.message_type in DELIVERY_TYPES:
        data = parsed.document.find("DeliveryData")
        if data is not None:
            if partner.business_id and parsed.inbound.door != CHECK_DOOR:
                check_sending(book, {child.tag: child for child in data}, partner.business_id, context.now)
            _check_delivery_data(book, data, DELIVERY_TYPES[parsed.message_type], context.now, parsed.inbound.door)
    return book.findings


def _check_status_request(book: Book, document: Any) -> None:
    parts = {child.tag: child for child in document}
    check_header(book, parts, plain(document.findtext("DeliveryDataType")))
    if "DeliveryId" not in parts and "IRDeliveryId" not in parts:
        book.add("status-reference-missing", document, "DeliveryId or IRDeliveryId")


def _check_delivery_data(book: Book, data: Any, delivery_type: str, now: int, door: str) -> None:
    parts = {child.tag: child for child in data}
    payer_ids = check_delivery(book, parts, delivery_type, now)
    holder = parts.get("Reports")
    if holder is None:
        return
    if door == REAL_TIME_DOOR and len(holder) > 1:
        book.add("single-report", holder[1], "one Report", str(len(holder)))
    substitute = parts.get("Payer") is not None and parts["Payer"].find("SubstitutePayer/Acts") is not None
    seen: set[str] = set()
    for index, report in enumerate(holder):
        book.item = index
        _check_report(book, report, payer_ids, seen, substitute)
    book.item = None


def _check_report(book: Book, report: Any, payer_ids: frozenset[tuple[str, str]], seen: set[str], substitute: bool) -> None:
    parts = {child.tag: child for child in report}
    check_fields(book, report)
    if (data := parts.get("ReportData")) is not None:
        check_references(book, data, seen)
    earner, transactions = parts.get("IncomeEarner"), parts.get("Transactions")
    if earner is not None:
        check_earner(book, earner, payer_ids)
    if not book.wages:
        if transactions is not None:
            check_benefits(book, transactions)
        return
    lines, insured = check_transactions(book, transactions) if transactions is not None else ([], set())
    if lines:
        check_report(book, lines, earner)
    if earner is not None:
        check_insured(book, earner, frozenset(insured), substitute)

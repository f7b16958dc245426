"""The rules of the channel: what the schemas can't say, with findings per report; each rule lives
in the module of its part.
"""

from __future__ import annotations

from functools import partial

from exchange.adapters.income_register.document import (
    BENEFIT_REPORTS,
    CHECK_ENDPOINT,
    DATA_REQUEST,
    INVALIDATIONS,
    PAYER_SUMMARY_REPORTS,
    REAL_TIME_ENDPOINT,
    STATUS_REQUEST,
    SUBSCRIPTIONS,
    WAGE_REPORTS,
    Element,
)
from exchange.adapters.income_register.findings import Book
from exchange.adapters.income_register.parse import Document
from exchange.adapters.income_register.recognition.header import key_of
from exchange.adapters.income_register.recognition.pattern import is_text
from exchange.adapters.income_register.recognition.recogniser import Recogniser
from exchange.adapters.income_register.rules.abroad import check_abroad
from exchange.adapters.income_register.rules.absence import check_absence
from exchange.adapters.income_register.rules.benefit import check_benefits
from exchange.adapters.income_register.rules.document import check_document
from exchange.adapters.income_register.rules.employment import check_employment
from exchange.adapters.income_register.rules.field import check_fields
from exchange.adapters.income_register.rules.header import (
    check_header,
    check_sending,
    check_standing,
    check_varying,
)
from exchange.adapters.income_register.rules.party import check_earner, check_others
from exchange.adapters.income_register.rules.pay import check_report, check_transactions
from exchange.adapters.income_register.rules.report import check_references
from exchange.adapters.income_register.rules.request import (
    check_data_request,
    check_invalidations,
    check_separate_reports,
    check_subscription,
)
from exchange.adapters.income_register.rules.rights import check_rights
from exchange.ports import Context, Identity, Parsed
from exchange.schemas.income_register.codes import LISTS
from exchange.schemas.violation import Finding, Severity

#: DeliveryDataType by message type.
DELIVERY_TYPES = {WAGE_REPORTS: "100", BENEFIT_REPORTS: "102"}


def rules(parsed: Parsed, identity: Identity, context: Context) -> list[Finding]:
    """Everything that is wrong with a document that is not abridged, apart from what its schema
    says.
    """
    kind, document = parsed.message_type, parsed.document
    book = _book(kind != BENEFIT_REPORTS, context)
    if kind == STATUS_REQUEST:
        _check_status_request(book, document)
    elif kind == DATA_REQUEST:
        check_data_request(book, document, str(document.tag).rpartition("}")[2])
        check_rights(book, parsed)
    elif (data := document.find("DeliveryData")) is None:
        pass
    elif kind in DELIVERY_TYPES:
        _check_delivery_data(book, data, parsed, context)
    elif kind == PAYER_SUMMARY_REPORTS:
        check_separate_reports(book, data)
    elif kind == INVALIDATIONS:
        check_invalidations(book, data)
    elif kind == SUBSCRIPTIONS:
        check_subscription(book, data)
        check_rights(book, parsed)
    check_document(book, parsed.inbound.body, parsed.root if parsed.root is not None else document)
    return book.findings


def rules_of_abridged(parsed: Document, context: Context) -> list[Finding] | None:
    """The same of an abridged delivery: warnings about its header, or nothing; None when all of it
    must be looked at.
    """
    abridged, known = parsed.abridged, parsed.known
    data = parsed.document.find("DeliveryData")
    if abridged is None or known is None or data is None or _is_real_time(parsed):
        return None
    book = _book(abridged.wages, context)
    parts = _check_header(book, data, parsed, context)
    memory = known.reports[abridged.wages]
    if not abridged.holds(Recogniser(book, memory, partial(_is_fine, book))):
        return None
    clean = is_text(abridged.around())
    if abridged.judged:
        seen = {f"ReportId {each.decode()}" for each in abridged.ids}
        for place, report, chunk in zip(
            abridged.judged, parts["Reports"], abridged.chunks(), strict=True
        ):
            book.item = abridged.left[place][0]
            check_one(book, report, seen)
            clean = clean and is_text(chunk)
        book.item = None
    check_document(book, parsed.inbound.body, parsed.root, clean)
    return None if any(map(needs_whole, book.findings)) else book.findings


def _book(wages: bool, context: Context) -> Book:
    newer: Severity = "error" if context.strictness.newer_codes == "refuse" else "warning"
    return Book(wages, context.now, newer, context.as_of)


def needs_whole(finding: Finding) -> bool:
    """Whether a finding can be told only when the whole delivery was read: all but a warning about
    what is before the reports.
    """
    return finding.severity == "error" or finding.item is not None


def _check_status_request(book: Book, document: Element) -> None:
    parts = {child.tag: child for child in document}
    check_header(book, parts, LISTS["DeliveryDataType"])
    if "DeliveryId" not in parts and "IRDeliveryId" not in parts:
        book.add("status-reference-missing", document, "DeliveryId or IRDeliveryId")


def _is_real_time(parsed: Parsed) -> bool:
    """By the endpoint; where there is none, by the root element."""
    endpoint = parsed.inbound.endpoint
    return endpoint == REAL_TIME_ENDPOINT or (
        endpoint == CHECK_ENDPOINT and str(parsed.document.tag).endswith("ReportRequestToIR")
    )


def _check_header(
    book: Book, data: Element, parsed: Parsed, context: Context
) -> dict[str, Element]:
    """What a delivery tells once for all its reports; its parts by name."""
    parts = {child.tag: child for child in data}
    partner = parsed.inbound.partner
    if partner.business_id and parsed.inbound.endpoint != CHECK_ENDPOINT:
        check_sending(book, parts, partner.business_id, context.now)
    check_varying(book, parts)
    kind = DELIVERY_TYPES[parsed.message_type]
    # By the type alone: a day that is not in the future (a date of birth) will not be in it later.
    known = parsed.known if isinstance(parsed, Document) else None
    key = (
        key_of(parsed.inbound.body, data, f"{kind} {book.period.number}")
        if known is not None
        else None
    )
    if known is not None and (payer := known.headers.find(key)) is not None:
        book.payer = payer
        return parts
    before = book.count
    check_standing(book, parts, kind)
    if known is not None and book.count == before:
        known.headers.keep(key, book.payer)
    return parts


def _check_delivery_data(book: Book, data: Element, parsed: Parsed, context: Context) -> None:
    """The delivery and its reports."""
    holder = _check_header(book, data, parsed, context).get("Reports")
    if holder is None:
        return
    if len(holder) > 1 and _is_real_time(parsed):
        book.add("single-report", holder[1], "one Report", str(len(holder)))
    seen: set[str] = set()
    for index, report in enumerate(holder):
        book.item = index
        check_one(book, report, seen)
    book.item = None


def _is_fine(book: Book, report: Element) -> bool:
    """Whether the rules find nothing in a report by itself, under the same payer."""
    probe = book.probe()
    check_one(probe, report, set())
    return not probe.findings


def check_one(book: Book, report: Element, seen: set[str]) -> None:
    """Every rule of one report; `seen` are the keys of the reports before it."""
    parts = {child.tag: child for child in report}
    check_fields(book, report)
    if (data := parts.get("ReportData")) is not None:
        check_references(book, data, seen)
    earner, transactions = parts.get("IncomeEarner"), parts.get("Transactions")
    if earner is not None:
        check_earner(book, earner)
    if not book.wages:
        if transactions is not None:
            check_benefits(book, transactions, earner)
        return
    lines, insured = (
        check_transactions(book, transactions) if transactions is not None else ([], set())
    )
    if lines:
        check_report(book, lines, earner)
    if earner is not None:
        check_employment(book, earner, frozenset(insured))
        check_abroad(book, report, earner)
        check_absence(book, report, earner)
    check_others(book, report)

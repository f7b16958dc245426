"""Rules of what is no delivery of wage or benefit reports: separate reports, invalidations,
subscriptions, requests; no report of pay.

Sources: "Tekninen rajapinta - Tietojen toimittaminen tulorekisteriin 2021", chapters 6, 8 and 9;
"Koodistot 2022", chapters 1.3-1.8 and 1.21; "Palkat - Koodistot - Tulolajit 2022", chapter 2
(vero.fi).
"""

from __future__ import annotations

from exchange.adapters.income_register.document import Element, parent_of
from exchange.adapters.income_register.findings import Book
from exchange.adapters.income_register.orders.query_data_type import (
    ASKED,
    EARNER,
    EARNERS,
    PAYER,
    SUBSCRIBED,
    QueryDataType,
    elements_of,
)
from exchange.adapters.income_register.rules.field import check_code, check_fields
from exchange.adapters.income_register.rules.header import (
    check_header,
    check_payer,
    check_zone,
    read_payer,
)
from exchange.adapters.income_register.rules.report import check_references, is_reference
from exchange.adapters.income_register.rules.subscription import check_main, check_year
from exchange.schemas.income_register.codes import LISTS, is_integer, plain
from exchange.schemas.income_register.in_force import UNDATED, Period, period_of

_INVALIDATIONS = frozenset(("105", "106", "107", "108", "109", "110", "111", "112"))
#: Of these one thing is invalidated at a time: a subscription, or a delivery.
_SINGLE = frozenset(("108", "109", "110", "111", "112"))
_LISTS = {
    "QueryDataType": "QueryDataType",
    "ParameterType": "ParameterType",
    "SubscriptionType": "SubscriptionType",
    "DeliveryChannelCode": "DeliveryChannelCode",
    "PartyType": "PartyType",
    "CodeListType": "CodeListType",
    "IdType": "IdType",
}
_REFERENCES = ("MainSubscriptionId", "SubscriptionId")
_TIMES = ("Time", "ModifiedTimespanStart", "ModifiedTimespanEnd")
#: The kind of data that a request's root element asks for.
QUERY_TYPES = {
    "WageReportsOneIncomeEarnerRequestToIR": "400",
    "WageReportsOnePayerRequestToIR": "401",
    "WageReportsOnePolicyNoRequestToIR": "402",
    "PayerSummaryReportsOnePayerRequestToIR": "403",
    "PayerSummaryReportsOnePolicyNoRequestToIR": "404",
    "WageReportsOnePayerOneIncomeEarnerRequestToIR": "406",
    "BenefitReportsOneIncomeEarnerRequestToIR": "407",
    "BenefitReportsOnePayerOneIncomeEarnerRequestToIR": "408",
    "BenefitReportsOneIRReportIdRequestToIR": "409",
}
_NO_PAY = "101"


def check_separate_reports(book: Book, data: Element) -> None:
    """Employer's separate reports: the header and the payer as in wage reports, one kind of sum
    once in a report.
    """
    parts = {child.tag: child for child in data}
    reports = list(parts.get("Reports", ()))
    # The payer stands for all months: it is judged as the last of them asks (*inferred*).
    periods = [_period_of(book, report) for report in reports]
    book.period = max(periods, key=lambda each: each.number, default=UNDATED)
    check_header(book, parts, frozenset(("101",)))
    for name in ("ContactPersons", "ReportDate", "Payer"):
        if name in parts:
            check_fields(book, parts[name])
    if "Payer" in parts:
        book.payer = read_payer(parts["Payer"], parts.get("ContactPersons"))
        check_payer(book, parts["Payer"], parts)
    seen: set[str] = set()
    for index, (report, period) in enumerate(zip(reports, periods, strict=True)):
        book.item, book.period = index, period
        if (references := report.find("ReportData")) is not None:
            check_fields(book, references)
            check_references(book, references, seen)
        _check_sums(book, report)
    book.item = None


def _period_of(book: Book, report: Element) -> Period:
    """What holds in the month of a separate report."""
    year, month = (plain(report.findtext(f"PaymentMonth/{name}")) for name in ("Year", "Month"))
    if is_integer(year) and is_integer(month):
        return period_of(book.as_of or (int(year), int(month), 1))
    return UNDATED


def _check_sums(book: Book, report: Element) -> None:
    """Code list, once each; no wages paid stands alone and without an amount (*modelled*, from what
    the codes mean).
    """
    year = report.find("PaymentMonth/Year")
    if year is not None and is_integer(plain(year.text)) and int(plain(year.text)) < 2019:
        book.add("payment-month-early", year, "2019 or later", year.text)
    codes: dict[str, Element] = {}
    for element in report.iterfind(
        "Transactions/Transaction/TransactionBasic/SummaryTransactionCode"
    ):
        check_code(book, element, "SummaryTransactionCode")
        code = plain(element.text)
        if code in codes:
            book.add("summary-repeated", element, "each SummaryTransactionCode once", code)
        codes[code] = element
        if code != _NO_PAY and element.getnext() is None:
            book.add("amount-missing", parent_of(element), "Amount")
    if _NO_PAY in codes and len(codes) > 1:
        book.add("no-pay-with-sums", codes[_NO_PAY], "101 alone", ", ".join(sorted(codes)))


def check_invalidations(book: Book, data: Element) -> None:
    """Each item says what is invalidated; of subscriptions and deliveries one at a time."""
    parts = {child.tag: child for child in data}
    check_header(book, parts, _INVALIDATIONS)
    items = list(parts.get("Items", ()))
    for item in items:
        if item.find("IRItemId") is None and item.find("ItemId") is None:
            book.add("invalidation-reference-missing", item, "IRItemId or ItemId")
    kind = plain(data.findtext("DeliveryDataType"))
    if kind in _SINGLE and len(items) > 1:
        book.add("invalidation-single", items[1], "one Item", str(len(items)))


def check_subscription(book: Book, data: Element) -> None:
    """Code lists, references, time zones, what each QueryDataType takes, and the main
    subscription as a whole.
    """
    check_header(book, {child.tag: child for child in data}, frozenset(("103",)))
    _check_query(book, data)
    for element in data.iter(*_REFERENCES):
        if element.text and not is_reference(element.text):
            book.add("subscription-id-characters", element, "0-9 A-Z a-z _ -", element.text)
    for part in data.iterfind("MainSubscription/Subscriptions/Subscription"):
        if (asked := part.find("QueryDataType")) is not None and (
            kind := plain(asked.text)
        ) in LISTS["QueryDataType"]:
            if kind in SUBSCRIBED:
                _check_query_data_type(book, part, SUBSCRIBED[kind])
            else:
                book.add("query-type", asked, " or ".join(SUBSCRIBED), asked.text)
    if (main := data.find("MainSubscription")) is not None:
        check_main(book, main)


def check_data_request(book: Book, document: Element, root: str) -> None:
    """The kind of data is what the root element asks for."""
    check_header(book, {child.tag: child for child in document}, frozenset())
    _check_query(book, document)
    kind, wanted = document.find("QueryDataType"), QUERY_TYPES.get(root, "")
    if kind is not None and wanted and plain(kind.text) != wanted and is_integer(plain(kind.text)):
        book.add("query-type", kind, wanted, kind.text)
    if wanted:
        _check_query_data_type(book, document, ASKED[wanted])


def _check_query_data_type(book: Book, part: Element, data_type: QueryDataType) -> None:
    """What narrows a QueryDataType fits it, and what it must be given is there."""
    given = set()
    for element in part.iter("ParameterType"):
        kind = plain(element.text)
        given.add(kind)
        if kind not in LISTS["ParameterType"]:
            continue
        holder = parent_of(element).tag
        if kind not in data_type.narrowing:
            book.add(
                "parameter-unfit",
                element,
                " or ".join(sorted(data_type.narrowing, key=int)),
                element.text,
            )
        elif holder not in (fitting := elements_of(kind)):
            book.add("parameter-element", element, " or ".join(fitting), holder)
    for element in part.iterfind("IdCodeList/CodeItems/CodeItem/SubscriptionParameters"):
        book.add("parameter-unfit", element, "no conditions of a single customer")
    lists = {plain(element.text) for element in part.iterfind("IdCodeList/CodeListType")}
    missing = [f"ParameterType {kind}" for kind in sorted(data_type.parameters - given)]
    missing += [
        f"CodeListType {kind}"
        for kind in sorted(data_type.lists - lists)
        if {EARNERS: EARNER}.get(kind, PAYER) not in given
    ]
    if missing:
        book.add("parameter-missing", part, ", ".join(missing))


def _check_query(book: Book, part: Element) -> None:
    for element in part.iter(*_LISTS, *_TIMES, "StartDate"):
        if element.tag in _LISTS:
            check_code(book, element, _LISTS[element.tag])
        elif element.tag in _TIMES or parent_of(element).tag == "TimespanTimeParameter":
            check_zone(book, element)
        if element.tag == "StartDate" and (end := element.getnext()) is not None:
            check_year(book, element)
            check_year(book, end)
            if parent_of(element).tag == "TimespanTimeParameter":
                check_zone(book, end)
            elif (end.text or "").strip() < (element.text or "").strip():
                book.add("period-order", end, f"{element.text} or later", end.text)

"""Conditions that narrow a query: parameters and lists as a request or a subscription gives them,
and whether a report fits; reads no store.

Several values of one parameter are alternatives, several parameters must all fit (*modelled*; the
register's document on how it hands out data was not at hand). A span of days is inclusive, one of
times ends before its end; what has a period fits when the two overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from exchange.adapters.income_register.document import Element
from exchange.adapters.income_register.orders import query_data_type
from exchange.schemas.income_register.codes import plain

#: Kinds of values by ParameterType: where they stand in a report.
_VALUES = {
    query_data_type.ACCIDENT_POLICY: "AccInsPolicyNo",
    query_data_type.PENSION_POLICY: "PensionPolicyNo",
    query_data_type.PROVIDER: "PensionProvIdCode",
    query_data_type.PENSION_ACT: "PensionActCode",
    query_data_type.INCOME_TYPE: "TransactionCode",
}
_CODES = frozenset(
    (
        query_data_type.PROVIDER,
        query_data_type.PENSION_ACT,
        query_data_type.INCOME_TYPE,
        query_data_type.REPORTER,
        query_data_type.YEAR,
    )
)
_PERIODS = {query_data_type.EARNED: "EarningPeriod", query_data_type.PAY_PERIOD: "PaymentPeriod"}
_SUB_ORGS = {
    query_data_type.SUB_ORG_TYPE: "Type",
    query_data_type.SUB_ORG: "Code",
    query_data_type.BENEFIT_SUB_ORG_TYPE: "Type",
    query_data_type.BENEFIT_SUB_ORG: "Code",
}
#: ReporterType of a substitute payer.
_SUBSTITUTE = "2"
#: At most so many values are looked for in the bytes of a delivery before it is read.
_NEEDLES_MAX = 64
#: What identifiers hold beside letters and digits.
_BESIDE = {ord(each): "" for each in "-_+"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A report that may fit: its delivery's DeliveryData, its own element, its IRReportId, when it
    came in (xs:dateTime, UTC).
    """

    data: Element
    report: Element
    register_id: str
    received: str


@dataclass(frozen=True, slots=True)
class Conditions:
    """`ids`, `values` and `spans` by ParameterType; `without_policy` is about QueryDataType 305."""

    ids: Mapping[str, frozenset[tuple[str, str]]]
    values: Mapping[str, frozenset[str]]
    spans: Mapping[str, tuple[tuple[str, str], ...]]
    without_policy: bool = False

    def __bool__(self) -> bool:
        return bool(self.ids or self.values or self.spans or self.without_policy)

    def needles(self) -> list[list[bytes]]:
        """Of each list, one of these byte strings stands in every delivery that could answer."""
        texts = [[code for _, code in codes] for codes in self.ids.values()]
        texts += [
            list(self.values[kind])
            for kind in (query_data_type.PENSION_POLICY, query_data_type.ACCIDENT_POLICY)
            if kind in self.values
        ]
        plainly = [
            found for found in texts if len(found) <= _NEEDLES_MAX and all(map(_is_plain, found))
        ]
        return [[each.encode() for each in found] for found in plainly]

    def earners(self) -> list[bytes]:
        """One of these byte strings stands in every report that could answer; empty when it can't
        be told so.
        """
        codes = [code for _, code in self.ids.get(query_data_type.EARNER, ())]
        return (
            [code.encode() for code in codes]
            if len(codes) <= _NEEDLES_MAX and all(map(_is_plain, codes))
            else []
        )

    def fit(self, asked: Asked) -> bool:
        """Whether a report answers."""
        return (
            all(wanted & _ids(asked, kind) for kind, wanted in self.ids.items())
            and all(_has_value(asked, kind, wanted) for kind, wanted in self.values.items())
            and all(_in_spans(asked, kind, spans) for kind, spans in self.spans.items())
            and not (self.without_policy and not _lacks_policy(asked.report))
        )


def _is_plain(text: str) -> bool:
    return bool(text) and text.translate(_BESIDE).isalnum() and text.isascii()


def _ids(asked: Asked, kind: str) -> set[tuple[str, str]]:
    path, holder = (
        ("Payer/PayerIds", asked.data)
        if kind == query_data_type.PAYER
        else ("IncomeEarner/IncomeEarnerIds", asked.report)
    )
    found = holder.find(path) if holder is not None else None
    children = found.iterchildren("Id") if found is not None else ()
    return {
        (plain(each.findtext("Type")), (each.findtext("Code") or "").strip()) for each in children
    }


def _has_value(asked: Asked, kind: str, wanted: frozenset[str]) -> bool:
    if kind == query_data_type.REFERENCE:
        return asked.register_id in {each.lower() for each in wanted}
    if kind == query_data_type.YEAR:
        return (
            plain(asked.report.findtext("PaymentMonth/Year")) or _paid(asked.data)[:4]
        ) in wanted
    if kind in (query_data_type.REPORTER, query_data_type.NO_SUBSTITUTE):
        substituted = asked.data.find("Payer/SubstitutePayer") is not None
        if kind == query_data_type.NO_SUBSTITUTE:
            return not substituted or "true" not in wanted
        return (_SUBSTITUTE if substituted else "1") in wanted
    if kind in _SUB_ORGS:
        found = asked.data.iterfind(f"Payer/SubOrgs/SubOrg/{_SUB_ORGS[kind]}")
        return any((each.text or "").strip() in wanted for each in found)
    # An employer's separate reports have no insurances of their own: their payer names those of all
    # of them.
    payer = asked.data.find("Payer")
    holders = [asked.report] if payer is None else [asked.report, payer]
    texts = ((each.text or "").strip() for holder in holders for each in holder.iter(_VALUES[kind]))
    return any((plain(text) if kind in _CODES else text) in wanted for text in texts)


def _paid(data: Element) -> str:
    paid = (
        data.findtext("PaymentPeriod/PaymentDate")
        or data.findtext("PaymentDate")
        or data.findtext("ReportDate")
        or ""
    )
    return str(paid).strip()[:10]


def _in_spans(asked: Asked, kind: str, spans: tuple[tuple[str, str], ...]) -> bool:
    if kind in query_data_type.MOMENTS:
        return any(start <= asked.received < end for start, end in spans)
    if kind == query_data_type.PAID:
        return any(start <= _paid(asked.data) <= end for start, end in spans)
    return any(
        first <= end and start <= last
        for first, last in _periods(asked, kind)
        for start, end in spans
    )


def _periods(asked: Asked, kind: str) -> Iterator[tuple[str, str]]:
    """First and last day of whatever the kind is about; without a last day it is the first."""
    if kind == query_data_type.MONTHS:
        year, month = (
            plain(asked.report.findtext(f"PaymentMonth/{name}")) for name in ("Year", "Month")
        )
        yield f"{year}-{month:0>2}-01", f"{year}-{month:0>2}-31"
        return
    if kind == query_data_type.ABSENT:
        found = [*asked.report.iter("UnpaidAbsencePeriod"), *asked.report.iter("PaidAbsencePeriod")]
    else:
        found = list(
            (asked.data if kind == query_data_type.PAY_PERIOD else asked.report).iter(
                _PERIODS[kind]
            )
        )
    for each in found:
        first = (each.findtext("StartDate") or "").strip()[:10]
        yield first, (each.findtext("EndDate") or first).strip()[:10]


def _lacks_policy(report: Element) -> bool:
    insured = report.find("IncomeEarner/PensionInsurance")
    return insured is not None and not (insured.findtext("PensionPolicyNo") or "").strip()


def as_data(part: Element, moment: Callable[[str], str]) -> dict[str, Any]:
    """What is remembered of the parameters and lists of a Subscription or a DataRequestParameters:
    by kind, in plain values.

    `moment` makes an xs:dateTime in UTC of one in any time zone, or in none: Finnish time.
    """
    ids: dict[str, list[list[str]]] = {}
    values: dict[str, list[str]] = {}
    spans: dict[str, list[list[str]]] = {}
    for each in _children(part, "IdCodeParameter"):
        code = [plain(each.findtext("IdType")), (each.findtext("IdCode") or "").strip()]
        ids.setdefault(plain(each.findtext("ParameterType")), []).append(code)
    for each in _children(part, "ValueParameter"):
        kind, text = plain(each.findtext("ParameterType")), (each.findtext("Value") or "").strip()
        values.setdefault(kind, []).append(plain(text) if kind in _CODES else text)
    for name in ("TimespanParameter", "TimespanTimeParameter"):
        for each in _children(part, name):
            kind = plain(each.findtext("ParameterType"))
            start, end = ((each.findtext(of) or "").strip() for of in ("StartDate", "EndDate"))
            if kind not in query_data_type.MOMENTS:
                start, end = start[:10], end[:10]
            elif name == "TimespanTimeParameter":
                start, end = moment(start), moment(end)
            else:
                # Days are inclusive: the last one ends where the next begins.
                start, end = moment(f"{start[:10]}T00:00:00"), moment(f"{end[:10]}T24:00:00")
            spans.setdefault(kind, []).append([start, end])
    for held in part.iterfind("IdCodeList"):
        kind = (
            query_data_type.PAYER
            if plain(held.findtext("CodeListType")) == query_data_type.PAYERS
            else query_data_type.EARNER
        )
        codes = [
            [plain(each.findtext("IdType")), (each.findtext("IdCode") or "").strip()]
            for each in held.iter("CodeItem")
        ]
        ids.setdefault(kind, []).extend(codes)
    return {
        name: found for name, found in (("ids", ids), ("values", values), ("spans", spans)) if found
    }


def _children(part: Element, name: str) -> Iterator[Element]:
    holder = part.find("SubscriptionParameters")
    yield from (part if holder is None else holder).iterchildren(name)


def of_data(data: Mapping[str, Any], query_type: str) -> Conditions:
    """The conditions that were remembered, of a QueryDataType."""
    return Conditions(
        {
            kind: frozenset((of, code) for of, code in codes)
            for kind, codes in data.get("ids", {}).items()
        },
        {kind: frozenset(texts) for kind, texts in data.get("values", {}).items()},
        {
            kind: tuple((start, end) for start, end in ends)
            for kind, ends in data.get("spans", {}).items()
        },
        query_type == query_data_type.WITHOUT_POLICY,
    )

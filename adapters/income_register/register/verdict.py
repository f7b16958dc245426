"""What becomes of a delivery after its findings, in the register's own terms; renders nothing.

Source: "Tekninen rajapinta - Tietojen toimittaminen tulorekisteriin 2021", chapters 10.3 and 12.3
(vero.fi). The detail that is kept with the message: `status` (3 valid, 4 rejected at reception, 5
rejected in processing), `header` (what is echoed), `valid` ([index, ReportId, version, IRReportId
as given]), `invalid` ([index, ReportId, IRReportId, version, [[code, details], ...]]), `errors`
([level, code, details], level `message` or `delivery`), of the invalidation of a whole delivery
`invalidated` ([ReportId, version] of each report that it invalidated), and `known` when every
report was read by a known shape.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from exchange.adapters.income_register.document import (
    PARTIES,
    QUESTIONS,
    Element,
    Item,
    delivery_data,
)
from exchange.adapters.income_register.parse import Document
from exchange.ports import Identity, Parsed, Verdict
from exchange.ports.channel import all_or_nothing
from exchange.schemas import xml
from exchange.schemas.income_register.codes import ERRORS, ERRORS_BY_CODE, plain
from exchange.schemas.violation import Finding, Violation

VALID, REJECTED_AT_RECEPTION, REJECTED_IN_PROCESSING = 3, 4, 5
_ONLY_FAULTY = "1"
_ECHOED = (
    "Timestamp",
    "Source",
    "DeliveryDataType",
    "DeliveryId",
    "FaultyControl",
    "ProductionEnvironment",
)
_OF_PARTY = ("Type", "Code", "CountryCode", "CountryName")
#: Longest ErrorDetails, in characters (String500).
DETAILS_CHARACTERS_MAX = 500
#: At most so many errors are told of one delivery or one item; further ones would only make the
#: answer larger.
ERRORS_MAX = 100


def header_of(data: Element) -> dict[str, Any]:
    """The header of a delivery (or of a status request) as it is echoed; what is missing is left
    out.
    """
    header: dict[str, Any] = {}
    for child in data:
        if child.tag in _ECHOED:
            header[child.tag] = child.text or ""
        elif child.tag in PARTIES:
            header[child.tag] = [
                [part.tag, part.text or ""] for part in child if part.tag in _OF_PARTY
            ]
        elif child.tag == "Reports":
            break
    return header


def details(violation: Violation) -> str:
    """A violation in the 500 characters that ErrorDetails has: place, message, expected, found. A
    message that is the text of its code is left out: ErrorMessage tells it, in a language.
    """
    error = ERRORS_BY_CODE.get(violation.code)
    parts = [
        f"{violation.line}:{violation.column} {violation.path}"
        if violation.line
        else violation.path,
        "" if error is not None and violation.message == error.en else violation.message,
    ]
    if violation.expected:
        parts.append(f"expected {violation.expected}")
    if violation.found:
        parts.append(f"found {violation.found}")
    return "; ".join(part for part in parts if part)[:DETAILS_CHARACTERS_MAX]


def level_of(code: str, item: int | None) -> str:
    """`message`, `delivery`, `payment` or `item`. A finding without a code is the schema's; an
    item's rule may be broken in what all items share, and then it is the payment's.
    """
    if not code:
        return "message"
    level = ERRORS_BY_CODE[code].level
    return "payment" if level == "item" and item is None else level


def errors_of(violations: Sequence[Violation], level: str) -> list[list[str]]:
    """The errors (not warnings) among the violations as [level, code, details]."""
    return [
        [level, violation.code or ERRORS["schema"].code, details(violation)]
        for violation in violations[:ERRORS_MAX]
        if violation.severity == "error"
    ]


def verdict(parsed: Parsed, identity: Identity, findings: Sequence[Finding]) -> Verdict:
    """Accepted in whole or (FaultyControl 1) without its faulty items, or rejected at reception or
    in processing. A question has no status of its own: nobody asks after it.
    """
    data = delivery_data(parsed.document)
    if parsed.message_type in QUESTIONS:
        header = header_of(data)
        ruled = all_or_nothing(parsed, identity, findings)
        return replace(ruled, detail={"header": header} if header else {})
    detail: dict[str, Any] = {"status": VALID, "header": header_of(data)}
    document = (
        parsed
        if isinstance(parsed, Document)
        else Document(parsed.inbound, "", "xml", parsed.document)
    )
    faults = [finding for finding in findings if finding.severity == "error"]
    if not faults:
        detail["valid"] = [_valid(index, document) for index in range(len(document.items))]
        if document.abridged is not None and not document.abridged.judged:
            detail["known"] = True
        if document.invalidated:
            detail["invalidated"] = [list(each) for each in document.invalidated.items()]
        return Verdict(True, identity.items, 0, detail)
    by_level: dict[str, list[Violation]] = defaultdict(list)
    by_item: dict[int, list[Violation]] = defaultdict(list)
    for violation in xml.locate(parsed.inbound.body, _told(faults)):
        level = level_of(violation.code, violation.item)
        if level == "item" and violation.item is not None:
            by_item[violation.item].append(violation)
        else:
            by_level[level].append(violation)
    for level in ("message", "delivery"):
        if by_level[level]:
            detail |= {"status": REJECTED_AT_RECEPTION, "errors": errors_of(by_level[level], level)}
            return Verdict(False, 0, identity.items, detail)
    detail["invalid"] = [
        _invalid(index, document.items[index], found) for index, found in sorted(by_item.items())
    ]
    control = plain(data.findtext("FaultyControl"))
    if by_level["payment"] or control != _ONLY_FAULTY or len(by_item) >= len(document.items):
        detail |= {
            "status": REJECTED_IN_PROCESSING,
            "errors": errors_of(by_level["payment"], "delivery"),
        }
        return Verdict(False, 0, identity.items, detail)
    detail["valid"] = [
        _valid(index, document) for index in range(len(document.items)) if index not in by_item
    ]
    return Verdict(True, identity.items - len(by_item), len(by_item), detail)


def _told(faults: Sequence[Finding]) -> list[Finding]:
    """The faults that can be told: the first ones of each level and item. To locate all would take
    long when there is one for every other byte.
    """
    counts: dict[tuple[str, int | None], int] = defaultdict(int)
    told = []
    for fault in faults:
        key = (level_of(fault.code, fault.item), fault.item)
        counts[key] += 1
        if counts[key] <= ERRORS_MAX:
            told.append(fault)
    return told


def _valid(index: int, document: Document) -> list[Any]:
    """Index, the sender's reference, the version that the item gets (0: it has none) and the
    register's reference as it was given.
    """
    item = document.items[index]
    return [index, item.report_id, document.versions.get(index, 1), item.register_id]


def _invalid(index: int, item: Item, found: Sequence[Violation]) -> list[Any]:
    errors = [[fault.code, details(fault)] for fault in found[:ERRORS_MAX]]
    return [index, item.report_id, item.register_id, item.version, errors]

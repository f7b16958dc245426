"""What becomes of a delivery after its findings, in the register's own terms; renders nothing.

Source: "Tekninen rajapinta - Tietojen toimittaminen tulorekisteriin 2021", chapters 10.3 and 12.3 (vero.fi). The detail that is
kept with the message: `status` (3 valid, 4 rejected at reception, 5 rejected in processing), `header` (what is echoed),
`valid` ([index, ReportId, version]), `invalid` ([index, ReportId, IRReportId, version, [[code, details], ...]]) and
`errors` ([level, code, details], level `message` or `delivery`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from adapters.income_register.header_rules import PARTIES
from exchange.ports import Identity, Parsed, Verdict
from schemas import xml
from schemas.income_register.codes import ERRORS, ERRORS_BY_CODE, plain
from schemas.violation import Finding, Violation

VALID, REJECTED_AT_RECEPTION, REJECTED_IN_PROCESSING = 3, 4, 5
_ONLY_FAULTY = "1"
_ECHOED = ("Timestamp", "Source", "DeliveryDataType", "DeliveryId", "FaultyControl", "ProductionEnvironment")
_OF_PARTY = ("Type", "Code", "CountryCode", "CountryName")
#: Longest ErrorDetails, in characters (String500).
DETAILS_CHARACTERS_MAX = 500
#: At most so many errors are told of one delivery or one item; further ones would only make the answer larger.
ERRORS_MAX = 100


def header_of(data: Any) -> dict[str, Any]:
    """The header of a delivery (or of a status request) as it is echoed; what is missing is left out."""
    header: dict[str, Any] = {}
    for child in data:
        if child.tag in _ECHOED:
            header[child.tag] = child.text or ""
        elif child.tag in PARTIES:
            header[child.tag] = [[part.tag, part.text or ""] for part in child if part.tag in _OF_PARTY]
        elif child.tag == "Reports":
            break
    return header


def _references(report: Any) -> tuple[str, str, str, str]:
    action = report_id = register_id = version = ""
    data = report.find("ReportData")
    for field in data if data is not None else ():
        if field.tag == "ReportId":
            report_id = field.text or ""
        elif field.tag == "IRReportId":
            register_id = field.text or ""
        elif field.tag == "ReportVersion":
            version = plain(field.text)
        elif field.tag == "ActionCode":
            action = plain(field.text)
    return action, report_id, register_id, version


def details(violation: Violation) -> str:
    """A violation in the 500 characters that ErrorDetails has: place, message, expected, found."""
    parts = [f"{violation.line}:{violation.column} {violation.path}" if violation.line else violation.path, violation.message]
    if violation.expected:
        parts.append(f"expected {violation.expected}")
    if violation.found:
        parts.append(f"found {violation.found}")
    return "; ".join(part for part in parts if part)[:DETAILS_CHARACTERS_MAX]


def level_of(code: str, item: int | None) -> str:
    """`message`, `delivery`, `payment` or `item`. A finding without a code is the schema's; an item's rule may be broken
    in what all items share, and then it is the payment's."""
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
    """Accepted in whole or (FaultyControl 1) without its faulty reports, or rejected at reception or in processing."""
    data = parsed.document.find("DeliveryData")
    if data is None:
        data = parsed.document
    detail: dict[str, Any] = {"status": VALID, "header": header_of(data)}
    holder = data.find("Reports")
    reports = list(holder) if holder is not None else []
    faults = [finding for finding in findings if finding.severity == "error"]
    if not faults:
        detail["valid"] = [_valid(index, report) for index, report in enumerate(reports)]
        return Verdict(True, identity.items, 0, detail)
    by_level: dict[str, list[Violation]] = defaultdict(list)
    by_item: dict[int, list[Violation]] = defaultdict(list)
    for violation in xml.locate(parsed.inbound.body, faults):
        level = level_of(violation.code, violation.item)
        if level == "item" and violation.item is not None:
            by_item[violation.item].append(violation)
        else:
            by_level[level].append(violation)
    for level in ("message", "delivery"):
        if by_level[level]:
            detail |= {"status": REJECTED_AT_RECEPTION, "errors": errors_of(by_level[level], level)}
            return Verdict(False, 0, identity.items, detail)
    detail["invalid"] = [_invalid(index, reports[index], found) for index, found in sorted(by_item.items())]
    control = plain(data.findtext("FaultyControl"))
    if by_level["payment"] or control != _ONLY_FAULTY or len(by_item) >= len(reports):
        detail |= {"status": REJECTED_IN_PROCESSING, "errors": errors_of(by_level["payment"], "delivery")}
        return Verdict(False, 0, identity.items, detail)
    detail["valid"] = [_valid(index, report) for index, report in enumerate(reports) if index not in by_item]
    return Verdict(True, identity.items - len(by_item), len(by_item), detail)


def _valid(index: int, report: Any) -> list[Any]:
    """A new report is version 1; a replacement the version after the one that it names, else (*modelled*) version 2."""
    action, report_id, register_id, version = _references(report)
    number = int(version) + 1 if version.isdigit() else 2
    return [index, report_id or register_id, 1 if action != "2" else number]


def _invalid(index: int, report: Any, found: Sequence[Violation]) -> list[Any]:
    _, report_id, register_id, version = _references(report)
    return [index, report_id, register_id, version, [[fault.code, details(fault)] for fault in found[:ERRORS_MAX]]]

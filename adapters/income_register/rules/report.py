"""Rules of how a report is referred to: new or replacing, under which ids, once in a delivery;
nothing of its contents.

Source: "Tietojen toimittaminen - Skeemat - Palkkatietoilmoitukset 2022", chapters 1.2 and 2.12
(vero.fi); the same for benefit reports and employer's separate reports ("Tekninen rajapinta 2021",
chapters 6.2 and 7.2).
"""

from __future__ import annotations

import re

from exchange.adapters.income_register.document import NEW, REPLACEMENT, Element
from exchange.adapters.income_register.findings import Book
from exchange.schemas.income_register.codes import is_integer, plain

_REFERENCE = re.compile(r"[0-9A-Za-z_-]+")


def is_reference(text: str | None) -> bool:
    """Whether a reference (DeliveryId, ReportId) has only the characters that references
    may have.
    """
    return bool(_REFERENCE.fullmatch(text or ""))


def report_key(data: Element) -> str:
    """How the report calls itself: the payer's ReportId, else the register's IRReportId."""
    for name in ("ReportId", "IRReportId"):
        if text := data.findtext(name):
            return f"{name} {text.strip()}"
    return ""


def check_references(book: Book, data: Element, seen: set[str]) -> None:
    """ReportData: a new report has its own id only, a replacement names what it replaces, none
    stands twice.
    """
    values = {child.tag: child for child in data}
    if key := report_key(data):
        if key in seen:
            book.add("report-repeated", data, "a report that is not in the delivery yet", key)
        seen.add(key)
    report_id = values.get("ReportId")
    if report_id is not None and report_id.text and not is_reference(report_id.text):
        book.add("report-id-characters", report_id, "0-9 A-Z a-z _ -", report_id.text)
    action = plain(values["ActionCode"].text) if "ActionCode" in values else ""
    version = values.get("ReportVersion")
    if action == NEW:
        if report_id is None:
            book.add("report-id-missing", data, "ReportId")
        for name in ("IRReportId", "ReportVersion"):
            if name in values:
                book.add(
                    "report-reference-forbidden", values[name], f"no {name}", values[name].text
                )
    elif action == REPLACEMENT:
        if report_id is None and "IRReportId" not in values:
            book.add("report-unidentified", data, "ReportId or IRReportId")
        if (
            version is not None
            and is_integer(plain(version.text))
            and int(plain(version.text)) <= 0
        ):
            book.add("report-version", version, "1 or more", version.text)

"""Rules of one report's own data: its references and its earner; nothing of what was paid.

Source: "Tietojen toimittaminen - Skeemat - Palkkatietoilmoitukset 2022", chapters 2.12-2.26 (vero.fi). Benefit reports have
the same references and earners; the rules that name employment apply to wage reports only.
"""

from __future__ import annotations

from typing import Any

from adapters.income_register.header_rules import identifier, is_reference
from adapters.income_register.rulebook import Book
from schemas.income_register.codes import plain

_NEW = "1"
#: Insurance exceptions that lift the obligation to insure for the pension, and for accidents.
NO_PENSION = frozenset(("1", "3", "6", "7"))
NO_ACCIDENT = frozenset(("1", "4", "6", "8"))


def report_key(data: Any) -> str:
    """How the report calls itself: the payer's ReportId, else the register's IRReportId."""
    for name in ("ReportId", "IRReportId"):
        if text := data.findtext(name):
            return f"{name} {text.strip()}"
    return ""


def check_references(book: Book, data: Any, seen: set[str]) -> None:
    """ReportData: a new report has its own id only, a replacement names what it replaces, none stands twice."""
    values = {child.tag: child for child in data}
    if key := report_key(data):
        if key in seen:
            book.add("report-repeated", data, "a report that is not in the delivery yet", key)
        seen.add(key)
    report_id = values.get("ReportId")
    if report_id is not None and report_id.text and not is_reference(report_id.text):
        book.add("report-id-characters", report_id, "0-9 A-Z a-z _ -", report_id.text)
    action = plain(values["ActionCode"].text) if "ActionCode" in values else ""
    if action == _NEW:
        if report_id is None:
            book.add("report-id-missing", data, "ReportId")
        for name in ("IRReportId", "ReportVersion"):
            if name in values:
                book.add("report-reference-forbidden", values[name], f"no {name}", values[name].text)
    elif action == "2":
        if report_id is None and "IRReportId" not in values:
            book.add("report-unidentified", data, "ReportId or IRReportId")
        version = values.get("ReportVersion")
        if version is not None and plain(version.text).lstrip("-").isdigit() and int(plain(version.text)) <= 0:
            book.add("report-version", version, "1 or more", version.text)


def check_earner(book: Book, earner: Any, payer_ids: frozenset[tuple[str, str]]) -> None:
    """IncomeEarner: identified one way or the other, never as the payer; what a non-resident must tell."""
    basic = earner.find("IncomeEarnerBasic")
    holder = earner.find("IncomeEarnerIds")
    missing = basic is not None and basic.find("MissingId") is not None
    finnish = False
    if holder is not None:
        if missing:
            book.add("earner-ids-forbidden", holder, "no IncomeEarnerIds")
        for element in holder.iterchildren("Id"):
            own = identifier(element)
            finnish = finnish or own[0] in ("1", "2")
            if own in payer_ids:
                book.add("earner-is-payer", element, "an identifier that is not the payer's")
    elif not missing:
        book.add("earner-ids-missing", earner, "IncomeEarnerIds")
    named = basic is not None and (basic.find("CompanyName") is not None or basic.find("LastName") is not None)
    if not finnish and not named and (missing or holder is not None):
        book.add("earner-names-missing", earner if basic is None else basic, "CompanyName, or LastName and FirstName")
    abroad = earner.find("InternationalData")
    if abroad is not None and abroad.find("NonResident") is not None and abroad.find("NonResidentCountryCode") is None:
        book.add("non-resident-country", abroad, "NonResidentCountryCode")


def check_pension(book: Book, pension: Any) -> None:
    """PensionInsurance: who insures an employee, and under which number."""
    act, provider, policy = (pension.find(name) for name in ("PensionActCode", "PensionProvIdCode", "PensionPolicyNo"))
    if act is None:
        return
    code = plain(act.text)
    if code == "1":
        if provider is None or policy is None:
            book.add("pension-provider-missing", pension, "PensionProvIdCode and PensionPolicyNo")
        elif policy.text and provider.text and not policy.text.startswith(plain(provider.text)):
            book.add("pension-provider-differs", policy, f"{plain(provider.text)}...", policy.text)
    elif code in ("2", "3") and (provider is not None or policy is not None):
        book.add("pension-provider-forbidden", pension, "PensionActCode only")


def exceptions_of(book: Book, earner: Any) -> frozenset[str]:
    """The insurance exceptions given for the earner; voluntary insurance stands with no exception from the same."""
    holder = earner.find("InsuranceExceptions")
    if holder is None:
        return frozenset()
    codes = frozenset(plain(element.text) for element in holder)
    if "11" in codes and codes & NO_PENSION:
        book.add("exception-voluntary", holder, "11 without 1, 3, 6 and 7", ", ".join(sorted(codes)))
    return codes


def check_insured(book: Book, earner: Any, insured: frozenset[str], substitute: bool) -> None:
    """What income subject to pension (P) and accident insurance (A) asks of the earner's data."""
    pension = earner.find("PensionInsurance")
    if pension is not None:
        check_pension(book, pension)
    exceptions = exceptions_of(book, earner)
    if substitute:
        return
    if pension is None and ("11" in exceptions or ("P" in insured and not exceptions & NO_PENSION)):
        book.add("pension-missing", earner, "PensionInsurance")
    if "A" in insured and not exceptions & NO_ACCIDENT:
        professions = earner.find("Professions")
        if professions is None or "1" not in [plain(kind.text) for kind in professions.iterfind("Profession/Type")]:
            book.add("profession-missing", earner if professions is None else professions, "a Profession of type 1")

"""Rules of what a delivery tells once for all its reports: the header, the payment period and the payer; none of a report.

Source: "Tietojen toimittaminen - Skeemat - Palkkatietoilmoitukset 2022", chapters 2.1-2.10 (vero.fi).
"""

from __future__ import annotations

import datetime
import re
from typing import Any

from adapters.income_register.field_rules import check_fields, check_identifier
from adapters.income_register.rulebook import Book, Day, day_of, read_day
from schemas.income_register.codes import LISTS, plain

#: Longest time from today to the payment date.
PAYMENT_DAYS_AHEAD_MAX = 45
#: Furthest that a delivery's Timestamp may lie ahead of the exchange's clock.
CLOCK_AHEAD_SECONDS_MAX = 12 * 3600
_FIRST_PAYMENT = Day(2019, 1, 1)
_REFERENCE = re.compile(r"[0-9A-Za-z_-]+")
_ZONED = re.compile(r".*(Z|[+-][0-9]{2}:[0-9]{2})\s*")

PARTIES = ("DeliveryDataOwner", "DeliveryDataCreator", "DeliveryDataSender")


def is_reference(text: str | None) -> bool:
    """Whether a reference (DeliveryId, ReportId) has only the characters that references may have."""
    return bool(_REFERENCE.fullmatch(text or ""))


def identifier(element: Any) -> tuple[str, str]:
    """The type and the code of an identifier, ("", "") when it is not there."""
    if element is None:
        return "", ""
    return plain(element.findtext("Type")), (element.findtext("Code") or "").strip()


def check_header(book: Book, parts: dict[str, Any], delivery_type: str) -> None:
    """The header's own fields: type, id, control, time, parties."""
    if (element := parts.get("DeliveryDataType")) is not None:
        kind = plain(element.text)
        if kind != delivery_type and kind.isdigit():
            book.add("delivery-type", element, delivery_type, element.text)
    if (element := parts.get("FaultyControl")) is not None:
        control = plain(element.text)
        if control not in LISTS["FaultyControl"] and control.lstrip("-").isdigit():
            book.add("faulty-control", element, "1 or 2", element.text)
    if (element := parts.get("DeliveryId")) is not None and element.text and not is_reference(element.text):
        book.add("delivery-id-characters", element, "0-9 A-Z a-z _ -", element.text)
    timestamp = parts.get("Timestamp")
    if timestamp is not None and timestamp.text and "T" in timestamp.text and not _ZONED.fullmatch(timestamp.text):
        book.add("time-zone-missing", timestamp, "a time zone (Z or +02:00)", timestamp.text)
    for name in PARTIES:
        if (party := parts.get(name)) is not None and (kind := party.find("Type")) is not None:
            if (code := plain(kind.text)) not in LISTS["IdType"] and code.lstrip("-").isdigit():
                book.add("party-id-type", kind, "a code of IdType", kind.text)
            check_identifier(book, kind)
    creator, sender = parts.get("DeliveryDataCreator"), parts.get("DeliveryDataSender")
    if creator is not None and sender is not None:
        wanted, found = identifier(creator), identifier(sender)
        if wanted != found and all(wanted) and all(found):
            book.add("creator-not-sender", sender.find("Code"), wanted[1] if wanted[0] != "2" else "the creator")


def check_sending(book: Book, parts: dict[str, Any], business_id: str, now: int) -> None:
    """What a delivery says of its sending: the sender is who calls, and its clock is not far ahead (*modelled*)."""
    sender, timestamp = parts.get("DeliveryDataSender"), parts.get("Timestamp")
    if sender is not None and (code := identifier(sender)[1]) and code != business_id:
        book.add("sender-not-partner", sender.find("Code"), business_id, code)
    text = (timestamp.text or "").strip() if timestamp is not None else ""
    if not (zoned := _ZONED.fullmatch(text)):
        return
    try:
        # The fraction is cut off, since a reader with microseconds refuses nine digits of it.
        ahead_seconds = datetime.datetime.fromisoformat(text[:19] + zoned[1]).timestamp() - now / 1000
    except ValueError:
        return
    if ahead_seconds > CLOCK_AHEAD_SECONDS_MAX:
        book.add("timestamp-ahead", timestamp, f"at most {CLOCK_AHEAD_SECONDS_MAX // 3600} hours ahead", text)


def check_payment_date(book: Book, element: Any, now: int) -> None:
    """Not before 2019 and not more than 45 days ahead; the book remembers the day for what is compared with it."""
    day = read_day(element.text)
    if day is None:
        return
    book.payment_day = day
    if day < _FIRST_PAYMENT:
        book.add("payment-date-early", element, "2019-01-01 or later", element.text)
    latest = day_of(now, PAYMENT_DAYS_AHEAD_MAX)
    if day[:3] > latest[:3]:
        book.add("payment-date-late", element, "{:04d}-{:02d}-{:02d} or earlier".format(*latest[:3]), element.text)


def check_payer(book: Book, payer: Any, owner: Any) -> frozenset[tuple[str, str]]:
    """The payer's identifiers and how they stand to the owner; the identifiers, for what is compared with them."""
    holder = payer.find("PayerIds")
    missing = payer.find("PayerBasic/MissingId") is not None
    ids = frozenset(identifier(element) for element in holder.iterchildren("Id")) if holder is not None else frozenset()
    if holder is None and not missing and book.wages:
        book.add("payer-ids-missing", payer, "PayerIds")
    if holder is not None and missing:
        book.add("payer-ids-forbidden", holder, "no PayerIds")
    if ids and owner is not None and identifier(owner) not in ids:
        # A warning, because one of the register's own examples (NT1) has another owner.
        book.add("owner-not-payer", owner, "one of PayerIds", "", "warning")
    employer = payer.find("SubstitutePayer/EmployerId")
    if employer is not None and identifier(employer) in ids and identifier(employer)[0] in ("1", "2"):
        book.add("substitute-employer", employer, "an identifier that is not the payer's")
    return ids


def check_delivery(book: Book, parts: dict[str, Any], delivery_type: str, now: int) -> frozenset[tuple[str, str]]:
    """Everything outside the reports; the payer's identifiers. `parts` are the children of DeliveryData by name."""
    check_header(book, parts, delivery_type)
    period = parts.get("PaymentPeriod")
    date = period.find("PaymentDate") if period is not None else parts.get("PaymentDate")
    if date is not None:
        check_payment_date(book, date, now)
    for name in ("PaymentPeriod", "ContactPersons", "Payer"):
        if (part := parts.get(name)) is not None:
            check_fields(book, part)
    if not book.wages and date is not None:
        check_fields(book, date)
    payer = parts.get("Payer")
    return check_payer(book, payer, parts.get("DeliveryDataOwner")) if payer is not None else frozenset()

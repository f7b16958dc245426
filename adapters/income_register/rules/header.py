"""Rules of what a delivery tells once for all its reports: the header, the payment period and the
payer; none of a report.

Source: "Tietojen toimittaminen - Skeemat - Palkkatietoilmoitukset 2022", chapters 1.2, 1.3 and
2.1-2.10 (vero.fi); late reports: Act on the Incomes Information System (53/2018), section 12.
"""

from __future__ import annotations

import datetime
import re

from exchange.adapters.income_register.document import PARTIES, Element
from exchange.adapters.income_register.findings import (
    FIRST_BENEFIT,
    FIRST_PAYMENT,
    Book,
    Payer,
    iso,
    read_day,
)
from exchange.adapters.income_register.rules.field import check_fields
from exchange.adapters.income_register.rules.identifier import check_identifier
from exchange.adapters.income_register.rules.party import (
    check_payer_names,
    check_sub_orgs,
    check_substitute,
    identifier,
    identifiers,
)
from exchange.adapters.income_register.rules.report import is_reference
from exchange.schemas.income_register.codes import LISTS, is_integer, plain

#: A report is given by the fifth calendar day after the payment date.
REPORTING_DAYS = 5
#: Identifiers of a payer by the schema of 2026.
PAYER_IDS_MAX = 3
#: Furthest that a delivery's Timestamp may lie ahead of the exchange's clock.
CLOCK_AHEAD_SECONDS_MAX = 12 * 3600
_ZONED = re.compile(r".*(Z|[+-][0-9]{2}:[0-9]{2})\s*")


def check_zone(book: Book, element: Element) -> None:
    """A time names its time zone."""
    if element.text and ":" in element.text and not _ZONED.fullmatch(element.text):
        book.add("time-zone-missing", element, "a time zone (Z or +02:00)", element.text)


def check_header(book: Book, parts: dict[str, Element], delivery_types: frozenset[str]) -> None:
    """The header's own fields: type, id, control, time, parties. `parts` are its elements
    by name.
    """
    _check_reference_and_time(book, parts)
    _check_parties(book, parts, delivery_types)


def _check_reference_and_time(book: Book, parts: dict[str, Element]) -> None:
    if (
        (element := parts.get("DeliveryId")) is not None
        and element.text
        and not is_reference(element.text)
    ):
        book.add("delivery-id-characters", element, "0-9 A-Z a-z _ -", element.text)
    if (element := parts.get("Timestamp")) is not None:
        check_zone(book, element)


def _check_parties(book: Book, parts: dict[str, Element], delivery_types: frozenset[str]) -> None:
    if (element := parts.get("DeliveryDataType")) is not None and delivery_types:
        kind = plain(element.text)
        if kind not in delivery_types and is_integer(kind):
            book.add("delivery-type", element, " or ".join(sorted(delivery_types)), element.text)
    if (element := parts.get("FaultyControl")) is not None:
        control = plain(element.text)
        if control not in LISTS["FaultyControl"] and is_integer(control):
            book.add("faulty-control", element, "1 or 2", element.text)
    if (element := parts.get("ProductionEnvironment")) is not None and (
        element.text or ""
    ).strip() == "true":
        book.add("production-environment", element, "false", "true", "warning")
    for name in PARTIES:
        if (party := parts.get(name)) is not None and (
            kind_element := party.find("Type")
        ) is not None:
            if (code := plain(kind_element.text)) not in LISTS["IdType"] and is_integer(code):
                book.add("party-id-type", kind_element, "a code of IdType", kind_element.text)
            check_identifier(book, kind_element)
    creator, sender = parts.get("DeliveryDataCreator"), parts.get("DeliveryDataSender")
    if creator is not None and sender is not None:
        wanted, found = identifier(creator), identifier(sender)
        if wanted != found and all(wanted) and all(found):
            book.add(
                "creator-not-sender",
                sender.find("Code"),
                wanted[1] if wanted[0] != "2" else "the creator",
            )


def check_sending(book: Book, parts: dict[str, Element], business_id: str, now: int) -> None:
    """What a delivery says of its sending: the sender is who calls, and its clock is not far ahead
    (*modelled*).
    """
    sender, timestamp = parts.get("DeliveryDataSender"), parts.get("Timestamp")
    if sender is not None and (code := identifier(sender)[1]) and code != business_id:
        book.add("sender-not-partner", sender.find("Code"), business_id, code)
    text = (timestamp.text or "").strip() if timestamp is not None else ""
    if not (zoned := _ZONED.fullmatch(text)):
        return
    try:
        # The fraction is cut off, since a reader with microseconds refuses nine digits of it.
        ahead_seconds = (
            datetime.datetime.fromisoformat(text[:19] + zoned[1]).timestamp() - now / 1000
        )
    except ValueError:
        return
    if ahead_seconds > CLOCK_AHEAD_SECONDS_MAX:
        book.add(
            "timestamp-ahead",
            timestamp,
            f"at most {CLOCK_AHEAD_SECONDS_MAX // 3600} hours ahead",
            text,
        )


def check_payment_date(book: Book, element: Element, timestamp: Element | None) -> None:
    """Not before pay (2019) or benefits (2021) are reported, and not more than 45 days ahead; a
    late report is only warned of, since the register takes it.
    """
    day = read_day(element.text)
    if day is None:
        return
    book.pay_on(day)
    first = FIRST_PAYMENT if book.wages else FIRST_BENEFIT
    if day < first:
        book.add("payment-date-early", element, f"{iso(first)} or later", element.text)
    if day[:3] > book.latest_day[:3]:
        book.add("payment-date-late", element, f"{iso(book.latest_day)} or earlier", element.text)
    made = read_day((timestamp.text or "").strip()[:10]) if timestamp is not None else None
    if made is not None:
        try:
            days = (datetime.date(*made[:3]) - datetime.date(*day[:3])).days
        except ValueError:
            # No day of the calendar: the schema has said so.
            return
        if days > REPORTING_DAYS:
            book.add(
                "reported-late",
                element,
                f"at most {REPORTING_DAYS} days before the delivery",
                f"{days} days",
                "warning",
            )


def read_payer(payer: Element, contacts: Element | None) -> Payer:
    """What the rules of a report ask of the payer and of the contact persons."""
    persons = contacts.iterchildren("ContactPerson") if contacts is not None else ()
    return Payer(
        ids=frozenset(identifiers(payer.find("PayerIds"))),
        types=frozenset(plain(code.text) for code in payer.iterfind("PayerOther/PayerTypes/Code")),
        sub_orgs=frozenset(plain(kind.text) for kind in payer.iterfind("SubOrgs/SubOrg/Type")),
        substitute=payer.find("SubstitutePayer/Acts") is not None,
        # (A code that the schema has refused may be any.)
        reachable=any(
            each.find("Email") is not None
            and plain(each.findtext("ResponsibilityCode", "0")) in ("1", "")
            for each in persons
        ),
    )


def check_payer(book: Book, payer: Element, parts: dict[str, Element]) -> None:
    """The payer's identifiers, how they stand to the owner, and what an unidentified payer must
    tell instead.
    """
    holder, owner = payer.find("PayerIds"), parts.get("DeliveryDataOwner")
    missing = payer.find("PayerBasic/MissingId") is not None
    ids = book.payer.ids
    if holder is None and not missing and book.wages:
        book.add("payer-ids-missing", payer, "PayerIds")
    if holder is not None and missing:
        book.add("payer-ids-forbidden", holder, "no PayerIds")
    number = len(holder) if holder is not None else 0
    if number > PAYER_IDS_MAX and book.holds("schema-2026"):
        book.add("payer-ids-many", holder, f"at most {PAYER_IDS_MAX}", str(number))
    # (An identifier without its type or code may be any: the schema has refused it.)
    if owner is not None and ids and all(kind and code for kind, code in ids):
        business = any(kind == "1" for kind, _ in ids)
        if identifier(owner) not in ids or (business and identifier(owner)[0] != "1"):
            # A warning, because one of the register's own examples (NT1) has another owner.
            book.add(
                "owner-not-payer",
                owner,
                "the payer's business id" if business else "one of PayerIds",
                "",
                "warning",
            )
    creator = parts.get("DeliveryDataCreator")
    if (
        missing
        and holder is None
        and owner is not None
        and creator is not None
        and identifier(owner) != identifier(creator)
    ):
        book.add("owner-not-creator", owner, "the creator")
    if book.wages:
        check_payer_names(book, payer)
    if (sub_orgs := payer.find("SubOrgs")) is not None:
        check_sub_orgs(book, sub_orgs)
    if (substitute := payer.find("SubstitutePayer")) is not None:
        check_substitute(book, substitute)


def check_varying(book: Book, parts: dict[str, Element]) -> None:
    """What differs from delivery to delivery: its id, its time, the days. `parts` are the children
    of DeliveryData by name.
    """
    _check_reference_and_time(book, parts)
    period, date = parts.get("PaymentPeriod"), parts.get("PaymentDate")
    paid = period.find("PaymentDate") if period is not None else date
    if paid is not None:
        check_payment_date(book, paid, parts.get("Timestamp"))
    for part in (period, parts.get("ReportDate"), date):
        if part is not None:
            check_fields(book, part)


def check_standing(book: Book, parts: dict[str, Element], delivery_type: str) -> None:
    """What a payer's deliveries say again each time: parties, contact persons, payer; the book
    learns of the payer.
    """
    _check_parties(book, parts, frozenset((delivery_type,)))
    contacts, payer = parts.get("ContactPersons"), parts.get("Payer")
    if contacts is not None:
        check_fields(book, contacts)
    if payer is not None:
        check_fields(book, payer)
        book.payer = read_payer(payer, contacts)
        check_payer(book, payer, parts)

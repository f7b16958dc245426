"""Rules of parties: how payers, earners and others are identified, named and addressed; nothing of
employment and pay.

Source: "Tietojen toimittaminen - Skeemat - Palkkatietoilmoitukset 2022", chapters 2.5-2.10,
2.14-2.16, 2.41 and 2.48 (vero.fi). The same rules of earners are applied to benefit reports
(*modelled*: their field descriptions were not at hand).
"""

from __future__ import annotations

from collections.abc import Iterable

from exchange.adapters.income_register.document import FINNISH, Element
from exchange.adapters.income_register.findings import Book
from exchange.schemas.identifiers import parse_personal_identity_code
from exchange.schemas.income_register.codes import plain

_TEMPORARY_EMPLOYER = "3"
HOME = "1"


def identifier(element: Element | None) -> tuple[str, str]:
    """The type and the code of an identifier, ("", "") when it is not there."""
    kind = code = ""
    for field in element if element is not None else ():
        if field.tag == "Type":
            kind = plain(field.text)
        elif field.tag == "Code":
            code = (field.text or "").strip()
    return kind, code


def identifiers(holder: Element | None) -> list[tuple[str, str]]:
    """The identifiers in a list of them; none when there is no list."""
    return (
        [identifier(element) for element in holder.iterchildren("Id")] if holder is not None else []
    )


def is_finnish(ids: list[tuple[str, str]] | frozenset[tuple[str, str]]) -> bool:
    """Whether a business id or a personal identity code is among them."""
    return any(kind in FINNISH for kind, _ in ids)


def _named(basic: Element | None) -> bool:
    if basic is None:
        return False
    return basic.find("CompanyName") is not None or (
        basic.find("LastName") is not None and basic.find("FirstName") is not None
    )


def _is_person(basic: Element | None) -> bool:
    return (
        basic is not None
        and basic.find("LastName") is not None
        and basic.find("FirstName") is not None
    )


def check_payer_names(book: Book, payer: Element) -> None:
    """Chapters 2.6 and 2.7: who pays without a Finnish identifier, or now and then only, is named
    and has an address.
    """
    basic = payer.find("PayerBasic")
    ids = list(book.payer.ids)
    if not is_finnish(ids) or _TEMPORARY_EMPLOYER in book.payer.types:
        if not _named(basic):
            book.add(
                "payer-names-missing",
                payer if basic is None else basic,
                "CompanyName, or LastName and FirstName",
            )
        check_address(book, payer, payer.find("Address"), "payer-address-missing")
    if (
        basic is not None
        and _is_person(basic)
        and basic.find("BirthDate") is None
        and not any(kind == "2" for kind, _ in ids)
    ):
        book.add("payer-birth-date-missing", basic, "BirthDate")


def check_address(book: Book, party: Element, address: Element | None, rule: str) -> None:
    """An address that must be there, with its country."""
    if address is None:
        book.add(rule, party, "Address")
    elif address.find("CountryCode") is None:
        book.add("address-country-missing", address, "CountryCode")


def check_sub_orgs(book: Book, holder: Element) -> None:
    """Chapter 2.8: one sub-organisation of a type at most."""
    check_once(book, holder.iterchildren("SubOrg"), "Type", "sub-org-repeated")


def check_once(book: Book, elements: Iterable[Element], field: str, rule: str) -> set[str]:
    """Each value of a field once among the elements; the values."""
    seen: set[str] = set()
    for element in elements:
        value = plain(element.findtext(field))
        if value in seen:
            book.add(rule, element, "each once", value)
        seen.add(value)
    return seen


def check_substitute(book: Book, substitute: Element) -> None:
    """Chapter 2.10: the employer whose wages another pays is somebody else, and is named when it
    has no Finnish identifier.
    """
    employer = identifier(substitute.find("EmployerId"))
    if employer in book.payer.ids and employer[0] in FINNISH:
        book.add(
            "substitute-employer",
            substitute.find("EmployerId"),
            "an identifier that is not the payer's",
        )
    if employer[0] not in FINNISH and substitute.find("EmployerName") is None:
        book.add("employer-name-missing", substitute, "EmployerName")


def check_earner(book: Book, earner: Element) -> None:
    """Chapters 2.14-2.16: identified one way or the other, never as the payer; named and addressed
    when that is all there is.
    """
    basic, holder = earner.find("IncomeEarnerBasic"), earner.find("IncomeEarnerIds")
    missing = basic is not None and basic.find("MissingId") is not None
    ids = identifiers(holder)
    if holder is not None:
        if missing:
            book.add("earner-ids-forbidden", holder, "no IncomeEarnerIds")
        for element, own in zip(holder.iterchildren("Id"), ids, strict=True):
            if own in book.payer.ids:
                book.add("earner-is-payer", element, "an identifier that is not the payer's")
        _check_same_person(book, holder, ids)
    elif not missing:
        book.add("earner-ids-missing", earner, "IncomeEarnerIds")
    finnish = is_finnish(ids)
    if not finnish and not _named(basic) and (missing or holder is not None):
        book.add(
            "earner-names-missing",
            earner if basic is None else basic,
            "CompanyName, or LastName and FirstName",
        )
    # (An identifier without a type may be any: the schema has refused it.)
    if basic is not None and _is_person(basic) and all(kind not in ("", "2") for kind, _ in ids):
        for field in ("BirthDate", "Gender"):
            if basic.find(field) is None:
                book.add("earner-person-data-missing", basic, field)
    _check_earner_address(book, earner, missing or (holder is not None and not finnish))


def _check_same_person(book: Book, holder: Element, ids: list[tuple[str, str]]) -> None:
    born = {
        code.birth_date
        for kind, text in ids
        if kind == "2" and (code := parse_personal_identity_code(text))
    }
    if len(born) > 1:
        book.add("earner-ids-differ", holder, "personal identity codes of one date of birth")


def _check_earner_address(book: Book, earner: Element, needed: bool) -> None:
    """Without a Finnish identifier an address with its country; a non-resident's in the home
    country.
    """
    abroad = earner.find("InternationalData")
    non_resident = abroad is not None and abroad.find("NonResident") is not None
    if abroad is not None and non_resident and abroad.find("NonResidentCountryCode") is None:
        book.add("non-resident-country", abroad, "NonResidentCountryCode")
    if not needed and not non_resident:
        return
    if not book.wages:
        if needed:
            check_address(book, earner, earner.find("Address"), "earner-address-missing")
        return
    addresses = earner.findall("Addresses/TypedAddress")
    at_home = [address for address in addresses if plain(address.findtext("AddressType")) == HOME]
    if not addresses or (non_resident and not at_home):
        book.add(
            "earner-address-missing",
            earner,
            "an address in the home country" if non_resident else "Addresses",
        )
    for address in addresses:
        if address.find("CountryCode") is None:
            book.add("address-country-missing", address, "CountryCode")


def check_others(book: Book, report: Element) -> None:
    """Chapters 2.41 and 2.48: representatives and clients without a Finnish identifier have an
    address.
    """
    for path, ids, address, country in (
        ("ForeignLeasedWork/Representative", "RepresentativeIds", "Address", True),
        (
            "WorkCountries/WorkCountry/ServiceRecipient",
            "ServiceRecipientIds",
            "ServiceRecipientAddress",
            False,
        ),
    ):
        for party in report.iterfind(path):
            if is_finnish(identifiers(party.find(ids))):
                continue
            place = party.find(address)
            if place is None:
                book.add("other-address-missing", party, address)
            elif country and place.find("CountryCode") is None:
                book.add("address-country-missing", place, "CountryCode")

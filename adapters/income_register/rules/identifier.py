"""Rules of identifiers wherever they stand: check digits, country, one type for each, no invisible
white space; not whom they identify.

Sources: "Tietojen toimittaminen - Skeemat - Palkkatietoilmoitukset 2022" (vero.fi), chapters 2.1
and 2.5; since 2025 and 2026 the annual changes (see `changes.toml`).
"""

from __future__ import annotations

import re

from exchange.adapters.income_register.document import FINNISH, Element, identifier_of, parent_of
from exchange.adapters.income_register.findings import Book
from exchange.schemas.identifiers import is_business_id, is_personal_identity_code
from exchange.schemas.income_register.codes import LISTS, plain
from exchange.schemas.violation import INVISIBLE

_BUSINESS, _PERSON, _FOREIGN_PERSON, _OTHER = "1", "2", "9", "99"
#: White space (Unicode's property White_Space) and what can't be seen.
_INVISIBLE = re.compile(rf"[\s{INVISIBLE}]")


def check_identifier(book: Book, kind: Element) -> None:
    """The Code beside a Type: check digits (a warning: the register's own examples break them),
    country for foreign ones, and what holds since 2026.
    """
    number = kind.getnext()
    if number is None or number.tag != "Code":
        return
    text, code = (number.text or "").strip(), plain(kind.text)
    if code == _BUSINESS and not is_business_id(text):
        book.add("business-id", number, "a business id with a valid check digit", text, "warning")
    elif code == _PERSON and not is_personal_identity_code(text):
        # The found value is not repeated: what is nearly an identity code may be somebody's
        # mistyped one.
        wanted = "a personal identity code with a valid check character"
        book.add("personal-identity-code", number, wanted, "", "warning")
    if book.holds("identifiers") and _has_invisible(number.text or ""):
        book.add("identifier-space", number, "an identifier without invisible white space")
    if code not in LISTS["IdType"]:
        return
    of_insurer = parent_of(kind).tag == "AccInsProvId"
    if code not in FINNISH or (code == _PERSON and of_insurer):
        _check_country(book, kind, number, code)
    wrong = (code != _BUSINESS and is_business_id(text)) or (
        code != _PERSON and is_personal_identity_code(text)
    )
    if wrong and (code == _OTHER or book.holds("identifiers")):
        wanted = "a Finnish identifier under its own type (1 or 2)"
        book.add("other-id-is-finnish", number, wanted)


def has_white_space(text: str) -> bool:
    """Whether there is any, seen or not."""
    return _INVISIBLE.search(text) is not None


def _has_invisible(text: str) -> bool:
    """A blank in the middle is the only white space that may be there."""
    return has_white_space(text[:1] + text[1:-1].replace(" ", "") + text[-1:])


def _check_country(book: Book, kind: Element, number: Element, code: str) -> None:
    """Who has no Finnish identifier tells the country; since 2026 FI stands with identifiers of
    Finnish authorities only (type 99 may be one: which type the announcement means was not seen).
    """
    country = number.getnext()
    if country is None or country.tag != "CountryCode":
        book.add("country-missing", parent_of(kind), "CountryCode")
        return
    is_finland = (country.text or "").strip() == "FI"
    if is_finland and book.holds("identifiers") and code not in (_PERSON, _OTHER):
        wanted = "FI with identifiers of Finnish authorities only"
        book.add("country-of-identifier", country, wanted, "FI")


def check_insurer(book: Book, insurer: Element) -> None:
    """An accident insurer is no person (since 2025)."""
    kind = insurer.find("Type")
    if kind is None or not book.holds("insurer-id"):
        return
    if plain(kind.text) in (_PERSON, _FOREIGN_PERSON):
        book.add("insurer-is-person", kind, "the identifier of an organisation", kind.text)


def check_types_once(book: Book, holder: Element) -> None:
    """Several identifiers of one party are of different types, or of different countries (since
    2026).
    """
    if not book.holds("identifiers"):
        return
    seen: set[tuple[str, str]] = set()
    for each in holder.iterchildren("Id"):
        kind, _, country = identifier_of(each)
        own = (kind, country)
        if own in seen:
            wanted = "identifiers of different types, or of different countries"
            book.add("identifier-type-repeated", each, wanted, own[0])
        seen.add(own)

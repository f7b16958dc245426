"""Identifiers of persons, organisations and accounts: their checks and how to make synthetic ones;
no guard and no names.

Sources: personal identity code, Digital and Population Data Services Agency
(dvv.fi/en/personal-identity-code) and government decree 128/2010 as changed 2022 (intermediate
characters of the 2023 reform); business id, Finnish Patent and Registration Office (ytj.fi); OIDs,
THL code server and SFS 5748.
"""

from __future__ import annotations

import datetime
import re
from functools import lru_cache
from typing import Literal

from stdnum import iban as _iban
from stdnum import iso11649 as _iso11649
from stdnum.fi import alv as _alv

from exchange.schemas.value import value

Sex = Literal["female", "male"]

CHECK_CHARACTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"

#: The century of birth by the character between the date and the individual number.
CENTURIES = {"+": 1800, **dict.fromkeys("-YXWVU", 1900), **dict.fromkeys("ABCDEF", 2000)}

#: Individual numbers 002-899 are given to persons; 900-999 never are, so artificial persons have
#: them.
REAL_NUMBERS = range(2, 900)
ARTIFICIAL_NUMBERS = range(900, 1000)

OID_IDENTITY_CODE = "1.2.246.21"
OID_PROFESSIONAL = "1.2.246.537.25"

_IDENTITY_CODE = re.compile(
    r"([0-9]{2})([0-9]{2})([0-9]{2})([-+YXWVUABCDEF])([0-9]{3})([0-9ABCDEFHJKLMNPRSTUVWXY])"
)
_BUSINESS_ID = re.compile(r"[0-9]{7}-[0-9]")
#: The length of a personal identity code, and how many are kept as read: schema, rules and counts
#: read those of a message one after another, and the same persons come again and again.
CODE_CHARACTERS = 11
CODES_KEPT_MAX = 16_384
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_RF_AS_DIGITS = "2715"
_REFERENCE = re.compile(r"RF[0-9]{2}[0-9A-Z]{1,21}")


@value
class IdentityCode:
    """A personal identity code that is valid: date of birth, individual number (2-999) and what
    follows from them.
    """

    text: str
    birth_date: datetime.date
    individual_number: int

    @property
    def sex(self) -> Sex:
        """An odd individual number is a man's, an even one a woman's."""
        return "male" if self.individual_number % 2 else "female"

    @property
    def artificial(self) -> bool:
        """Whether it is one that is never given to a person (individual number 900-999)."""
        return self.individual_number >= ARTIFICIAL_NUMBERS.start


def parse_personal_identity_code(text: str) -> IdentityCode | None:
    """The personal identity code that `text` is (ddmmyy, century, NNN, check; upper case, nothing
    around it), or None.

    python-stdnum's `fi.hetu` knows the same rules but also takes lower case and spaces, which no
    message schema does.
    """
    # A text of any other length is not kept, since it may be as long as a body.
    return _read(text) if len(text) == CODE_CHARACTERS else None


@lru_cache(maxsize=CODES_KEPT_MAX)
def _read(text: str) -> IdentityCode | None:
    if not (match := _IDENTITY_CODE.fullmatch(text)):
        return None
    day, month, year, century, number, check = match.groups()
    if number < "002" or CHECK_CHARACTERS[int(day + month + year + number) % 31] != check:
        return None
    try:
        birth_date = datetime.date(CENTURIES[century] + int(year), int(month), int(day))
    except ValueError:
        return None
    return IdentityCode(text, birth_date, int(number))


def is_personal_identity_code(text: str) -> bool:
    """Whether `text` is a valid personal identity code, artificial or not."""
    return parse_personal_identity_code(text) is not None


def has_personal_identity_code_form(text: str) -> bool:
    """Whether `text` has the form of a personal identity code, its date and check character let be."""
    return _IDENTITY_CODE.fullmatch(text) is not None


def make_personal_identity_code(
    birth_date: datetime.date, individual_number: int, century: str = ""
) -> str:
    """The personal identity code of an artificial person.

    `century` picks one of the characters of that century (default: `+`, `-` or `A`).

    Raises:
        ValueError: when the individual number is not 900-999, or no such character or century
        exists.
    """
    if individual_number not in ARTIFICIAL_NUMBERS:
        raise ValueError("an artificial person has an individual number of 900-999")
    first_year = birth_date.year // 100 * 100
    separator = century or {1800: "+", 1900: "-", 2000: "A"}.get(first_year, "")
    if CENTURIES.get(separator) != first_year:
        raise ValueError(f"no intermediate character {century!r} for the year {birth_date.year}")
    date = f"{birth_date.day:02d}{birth_date.month:02d}{birth_date.year % 100:02d}"
    return f"{date}{separator}{individual_number}{CHECK_CHARACTERS[int(f'{date}{individual_number}') % 31]}"


def is_business_id(text: str) -> bool:
    """Whether `text` is a valid business id (`1234567-1`; the check digit by python-stdnum, the
    form strictly by us).
    """
    return bool(_BUSINESS_ID.fullmatch(text)) and _checks(text)


@lru_cache(maxsize=4096)
def _checks(business_id: str) -> bool:
    return bool(_alv.checksum(business_id[:7] + business_id[8]) == 0)


def make_business_id(number: int) -> str:
    """The business id that begins with these seven digits; when they can't begin one (remainder 1),
    the next that can.

    Raises:
        ValueError: when the number is not 0-9999999, or no number from there on can begin one.
    """
    while 0 <= number <= 9_999_999:
        rest = _alv.checksum(f"{number:07d}0")
        if rest != 1:
            return f"{number:07d}-{(11 - rest) % 11}"
        number += 1
    raise ValueError("a business id begins with seven digits")


def is_iban(text: str) -> bool:
    """Whether `text` is a valid IBAN without spaces (ISO 13616; lengths and check by
    python-stdnum).
    """
    return bool(_IBAN.fullmatch(text)) and _iban.is_valid(text, check_country=True)


def make_iban(bank: int, account: int) -> str:
    """A synthetic Finnish IBAN: three digits of the bank group, eleven of the account with their
    own check digit (ISO 13616).

    The last digit of the account is the national check (Luhn, modulus 10) over the thirteen before
    it.
    """
    body = f"{bank % 1000:03d}{account % 10**10:010d}"
    doubled = (int(digit) * (2 - index % 2) for index, digit in enumerate(body))
    luhn = sum(value - 9 if value > 9 else value for value in doubled)
    bban = f"{body}{-luhn % 10}"
    return f"FI{98 - int(f'{bban}151800') % 97:02d}{bban}"


def is_creditor_reference(text: str) -> bool:
    """Whether `text` is a valid RF creditor reference without spaces (ISO 11649, by python-stdnum).

    Most are RF and digits: those whose check digits agree (modulus 97 of digits + RF as digits +
    check) need no other judge.
    """
    if not _REFERENCE.fullmatch(text):
        return False
    digits = text[2:]
    return (
        digits.isdigit() and int(digits[2:] + _RF_AS_DIGITS + digits[:2]) % 97 == 1
    ) or _iso11649.is_valid(text)


def make_creditor_reference(number: int) -> str:
    """The RF creditor reference of a number (ISO 11649; check digits mod 97-10 over number
    + RF00).
    """
    return f"RF{98 - int(f'{number}271500') % 97:02d}{number}"

"""Annotated types for the fields of JSON messages: each checks a string (or number) and leaves it
as it is; no models.

Dates stay strings, so that a model is checked in strict mode on plain data. Every type raises an
error whose `expected` says what was wanted; `schemas.json` turns it into a finding of rule
`json.value` (or `json.type`, `json.pattern`).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, PlainValidator, StringConstraints
from pydantic_core import PydanticCustomError

from exchange.schemas.identifiers import (
    CODES_KEPT_MAX,
    has_personal_identity_code_form,
    is_business_id,
    is_personal_identity_code,
)

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,"
    r"9})?(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
#: Valid texts that are kept of each type of field; none (0) where one may be of any length.
TEXTS_KEPT_MAX = 4_096
_AMOUNT = re.compile(r"[+-]?[0-9]{1,13}(\.[0-9]{1,2})?")


def is_date(text: str) -> bool:
    """Whether a text is a day of the calendar as in 2026-11-20. (Python also reads the day of a
    week `2026-W09-1` and, without hyphens, `20261120`.)
    """
    if not _DATE.fullmatch(text):
        return False
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_date_time(text: str) -> bool:
    if not (match := _TIME.fullmatch(text)):
        return False
    try:
        # The fraction is cut off, since a reader with microseconds refuses nine digits of it.
        datetime.datetime.fromisoformat(text[:19] + (match[2] or ""))
    except ValueError:
        return False
    return True


def _checked(
    is_valid: Callable[[str], bool], expected: str, kept: int = TEXTS_KEPT_MAX
) -> AfterValidator:
    # What was found valid is kept, since the same days and persons come again and again: a look-up
    # is a call less into Python.
    @lru_cache(maxsize=kept)
    def check(text: str) -> str:
        if not is_valid(text):
            raise PydanticCustomError("value", "{expected} is expected", {"expected": expected})
        return text

    return AfterValidator(check)


_AN_AMOUNT = "an amount in euros with at most two decimals"


def _amount(value: Any) -> Any:
    kind = type(value)
    if kind is float or kind is int:
        # A number that is none or infinite is not below 10^13; an integer of any length may be
        # compared.
        valid = abs(value) < 1e13 and round(value, 2) == value
    elif kind is str:
        valid = _AMOUNT.fullmatch(value) is not None
    else:
        raise PydanticCustomError("amount_type", "{expected} is expected", {"expected": _AN_AMOUNT})
    if not valid:
        raise PydanticCustomError("value", "{expected} is expected", {"expected": _AN_AMOUNT})
    return value


#: A date of the calendar, `2024-02-29`.
IsoDate = Annotated[str, _checked(is_date, "a date (YYYY-MM-DD)")]
#: A date and time, with or without offset, `2024-02-29T12:30:00Z`, `2024-02-29T12:30:00.123+02:00`.
IsoDateTime = Annotated[
    str, _checked(_is_date_time, "a date and time (YYYY-MM-DDThh:mm:ss, offset optional)")
]
#: A date and time of UTC, with `Z` or without: whoever reads it as a local time bears no offset.
UtcDateTime = Annotated[
    str,
    _checked(
        lambda text: _is_date_time(text) and text[-6] not in "+-" and text[-5] not in "+-",
        "a date and time of UTC (YYYY-MM-DDThh:mm:ssZ)",
    ),
]
#: A valid personal identity code. Whether it is an artificial person's is the guard's business, not
#: the schema's.
PersonalIdentityCode = Annotated[
    str, _checked(is_personal_identity_code, "a personal identity code", CODES_KEPT_MAX)
]
#: What has the form of a personal identity code, valid or not.
PersonalIdentityCodeForm = Annotated[
    str,
    _checked(
        has_personal_identity_code_form,
        "the form of a personal identity code (DDMMYY, a separator, three digits, a character)",
        CODES_KEPT_MAX,
    ),
]
#: A valid business id with its hyphen, `1234567-1`.
BusinessId = Annotated[str, _checked(is_business_id, "a business id (NNNNNNN-N)")]
#: A country, ISO 3166-1 alpha-2 in form (two capital letters); which exist is left to code lists.
CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
#: A municipality's three digits (Statistics Finland).
MunicipalityCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{3}$")]
#: An amount of money: a number (not NaN or infinite) or a string `[+-]?\d{1,13}(\.\d{1,2})?`; at
#: most two decimals, below 10^13.
Amount = Annotated[str | int | float, PlainValidator(_amount)]
#: Text that is not empty.
Text = Annotated[str, StringConstraints(min_length=1)]

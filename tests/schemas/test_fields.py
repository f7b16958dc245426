"""The fields of JSON messages: dates, times and amounts against the calendar and plain arithmetic;
strings stay as they are.
"""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from exchange.schemas import fields
from exchange.schemas.identifiers import (
    make_business_id,
    make_personal_identity_code,
)
from exchange.schemas.json import JsonSchema

CHECKS = {
    name: JsonSchema(TypeAdapter(getattr(fields, name)))
    for name in ("IsoDate", "IsoDateTime", "PersonalIdentityCode", "BusinessId", "CountryCode", "MunicipalityCode", "Amount",
                 "Text")
}  # fmt: skip


def rules(name: str, value: Any) -> list[str]:
    """The rules that a value breaks."""
    return [finding.rule for finding in CHECKS[name].check(value)]


@given(st.dates(datetime.date(1, 1, 1)))
def test_every_day_is_a_date(day: datetime.date) -> None:
    assert rules("IsoDate", f"{day.year:04d}-{day:%m-%d}") == []
    assert rules("IsoDateTime", f"{day.year:04d}-{day:%m-%d}T23:59:59.123456789+14:00") == []


@given(st.integers(0, 9999), st.integers(0, 13), st.integers(0, 32))
def test_a_day_that_is_not_in_the_calendar_is_none(year: int, month: int, day: int) -> None:
    text = f"{year:04d}-{month:02d}-{day:02d}"
    try:
        datetime.date(year, month, day)
        expected: list[str] = []
    except ValueError:
        expected = ["json.value"]
    assert rules("IsoDate", text) == expected
    assert rules("IsoDateTime", f"{text}T00:00:00Z") == expected


@given(st.decimals(-(10**12), 10**12, places=2, allow_nan=False))
def test_an_amount_has_at_most_two_decimals(amount: Decimal) -> None:
    assert rules("Amount", f"{amount:f}") == []
    assert rules("Amount", round(float(amount), 2)) == []
    assert rules("Amount", f"{amount:f}1") == ["json.value"]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("IsoDate", "2024-02-29", ["20240229", "2024-2-29", "2023-02-29", "2024-W09-4", " 2024-02-29", "2024-02-29\n", "٢٠٢٤-02-29", ""]),
        ("IsoDateTime", "2024-02-29T12:30:00Z", ["2024-02-29", "2024-02-29 12:30:00", "2024-02-29T24:01:00", "2024-02-29T12:30:00+99:00"]),
        ("PersonalIdentityCode", make_personal_identity_code(datetime.date(1990, 1, 1), 900), ["", "010190-9000"]),
        ("BusinessId", make_business_id(9_000_003), ["9000003", ""]),
        ("CountryCode", "FI", ["fi", "FIN", "", "FI\n"]),
        ("MunicipalityCode", "091", ["91", "0911", "09A", "091\n"]),
        ("Amount", "+12.30", ["12,30", "1e3", "", " 1", "12.", ".5", "1" * 14, "NaN"]),
        ("Text", " ", [""]),
    ],
)  # fmt: skip
def test_the_form_is_strict(name: str, good: str, bad: list[str]) -> None:
    assert rules(name, good) == []
    for value in bad:
        assert len(rules(name, value)) == 1, value
    if name != "Amount":
        assert rules(name, 7) == ["json.type"]
    assert rules(name, None) == ["json.type"]
    assert rules(name, [good]) == ["json.type"]

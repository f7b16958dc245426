"""Tests that values made to bring a reader down are only wrong: numbers without end, types that no
schema has.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pydantic
import pytest

from exchange import schemas
from exchange.schemas import xml
from exchange.schemas.fields import Amount
from exchange.schemas.json import JsonSchema
from exchange.schemas.xml import XmlSchema

XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


@pytest.mark.parametrize("value", [10**400, -(10**4000), 10**13, float("inf"), float("nan"), True])
def test_an_amount_that_is_too_large_or_none_is_wrong_and_no_more(value: Any) -> None:
    assert [finding.rule for finding in JsonSchema(pydantic.TypeAdapter(Amount)).check(value)]


@pytest.mark.parametrize("value", [0, -5, 10**13 - 1, 12.34, "9999999999999.99"])
def test_an_amount_below_the_limit_is_one(value: Any) -> None:
    assert JsonSchema(pydantic.TypeAdapter(Amount)).check(value) == []


@pytest.mark.parametrize("type_name", ["Nothing", "a:b", "", "xs:string"])
def test_an_xsi_type_that_the_schema_does_not_have_is_a_finding_where_it_stands(
    type_name: str,
) -> None:
    schema = XmlSchema(Path(schemas.__file__).parent / "unemployment" / "earnings_data.xsd")
    body = (
        f'<EarningsData xmlns="urn:exchange:unemployment:1" {XSI}>\n<Fund '
        f'xsi:type="{type_name}"/></EarningsData>'
    )
    findings = xml.locate(body.encode(), schema.check(xml.parse(body.encode())))
    assert findings
    assert any(violation.line == 2 for violation in findings), findings

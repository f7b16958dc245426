"""Data with very many wrong values is explained through windows: what is told is true of the whole,
and stands where it is.
"""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import BaseModel, ConfigDict, Field

from exchange.schemas import json
from exchange.schemas.json import FINDINGS_MAX, JsonSchema
from exchange.schemas.json.windows import ERRORS_MAX, LONG_MEMBERS, MEMBERS_MAX


class Row(BaseModel):
    """A member of a long array."""

    model_config = ConfigDict(strict=True, extra="forbid")

    number: int


class Rows(BaseModel):
    """A long array, one that wants members, and one that is short."""

    model_config = ConfigDict(strict=True, extra="forbid")

    rows: list[Row]
    names: Annotated[list[str], Field(min_length=1_000)]
    flag: bool


SCHEMA = JsonSchema(Rows)
NAMES = ["a"] * 1_200


@pytest.mark.parametrize("many", [ERRORS_MAX + 1, LONG_MEMBERS + 1], ids=["many", "long"])
def test_very_many_wrong_values_are_told_from_the_first_on(many: int) -> None:
    right = [{"number": 1}] * (MEMBERS_MAX + 7)
    rows = [*right, *[{"number": "x"}] * many]
    found = SCHEMA.check({"rows": rows, "names": NAMES, "flag": True})
    first = MEMBERS_MAX + 7
    expected = [("rows", number, "number") for number in range(first, first + FINDINGS_MAX)]
    assert [each.at for each in found] == expected
    assert {each.rule for each in found} == {"json.type"}


def test_what_is_wrong_beside_them_is_told_and_what_only_a_window_lacks_is_not() -> None:
    some = [{"number": "x"}, *[{"number": 1}] * 9]
    found = SCHEMA.check({"rows": some * (ERRORS_MAX + 1), "names": NAMES})
    beside = [each.at for each in found if each.at[0] != "rows"]
    assert beside == [("flag",)]
    told = [each.at for each in found if each.at[0] == "rows"]
    assert told == [("rows", 10 * number, "number") for number in range(FINDINGS_MAX - 1)]


def test_unknown_keys_without_number_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    explain, explained = json._findings, []
    monkeypatch.setattr(
        json,
        "_findings",
        lambda error, data: explained.append(error.error_count()) or explain(error, data),
    )
    keys = {f"key{number}": 1 for number in range(ERRORS_MAX + 1)}
    found = SCHEMA.check({"rows": [], "names": NAMES, "flag": True, **keys})
    assert len(found) == FINDINGS_MAX
    assert {each.rule for each in found} == {"json.extra"}
    assert max(explained) <= ERRORS_MAX, "each that is told takes a kilobyte"


def test_a_long_array_that_is_valid_is() -> None:
    assert SCHEMA.check({"rows": [{"number": 1}] * 30_000, "names": NAMES, "flag": True}) == []

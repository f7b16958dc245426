"""Taxation data: sums reckoned in whole cents say what sums in decimals say."""

from __future__ import annotations

import datetime
import json
import random
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st

from exchange.adapters.luova.families.tax import generate
from exchange.adapters.luova.families.tax import rules as rules_tax

CONTEXT = cast(Any, SimpleNamespace(now=1_772_000_000_000))
WHOLE = st.integers(-(10**5), 10**15 - 1).map(lambda cents: cents / 100)
ODD = st.sampled_from(
    [
        None,
        True,
        "12.30",
        "x",
        0.001,
        1e13,
        -0.01,
        float("nan"),
        float("inf"),
        10**20,
        9_999_999_999_999.99,
    ]
)
AMOUNT = st.integers(0, 90_000) | WHOLE | WHOLE | WHOLE | ODD


@st.composite
def incomes(draw: st.DrawFn, names: tuple[str, ...]) -> dict[str, Any]:
    """An income whose total adds up, or is another."""
    income = {name: draw(AMOUNT) for name in names}
    whole = [value for value in income.values() if isinstance(value, (int, float))]
    income["total"] = draw(st.just(round(sum(whole), 2)) | AMOUNT)
    return income


def told(data: dict[str, Any]) -> list[Any]:
    return rules_tax.response(cast(Any, SimpleNamespace(document=data)), CONTEXT)


@settings(max_examples=400, deadline=None)
@given(
    incomes(rules_tax._PARTS["earnedIncome"]), incomes(rules_tax._PARTS["capitalIncome"]), AMOUNT
)
@example({"wages": 0.1, "pensions": 0.2, "benefits": 0, "other": 0, "total": 0.3}, {}, 0.3)
def test_sums_in_cents_say_what_sums_in_decimals_say(
    earned: dict[str, Any], capital: dict[str, Any], taxes: Any
) -> None:
    data = {
        "status": "finished",
        "finishedOn": "2025-10-01",
        "taxYear": 2024,
        "earnedIncome": earned,
        "capitalIncome": capital,
        "taxes": taxes,
    }
    with patch.object(rules_tax, "_cents", lambda values: None):
        expected = told(data)
    assert told(data) == expected


def test_the_quick_way_is_taken() -> None:
    assert rules_tax._cents([0.1, 0.2, 3]) == [10, 20, 300]
    assert rules_tax._cents([0.1, "0.2"]) is None


def test_the_last_taxations_of_a_year_end_in_october_of_the_next() -> None:
    def states(date: datetime.date, year: int) -> set[str]:
        made = (
            generate.response(random.Random(seed), date, seed, year=year) for seed in range(200)
        )
        return {json.loads(each.body)["status"] for each in made}

    some, nothing = {"finished", "no-data"}, {"no-data"}
    assert states(datetime.date(2026, 11, 1), 2025) == some
    assert states(datetime.date(2026, 10, 31), 2025) == {"under-way"} | some
    assert states(datetime.date(2025, 11, 1), 2025) == {"under-way"} | nothing

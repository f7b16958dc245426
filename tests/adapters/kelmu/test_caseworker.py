"""What a caseworker reads of the register's answer and of what is wrong: words for every code, in
each language.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, get_args

import pytest

from exchange.adapters.kelmu.caseworker import PAGES
from exchange.adapters.kelmu.caseworker.queries import told
from exchange.schemas.kelmu import models

LANGUAGES = {"fi", "sv", "en"}
#: By group of data and member of a record, what the register may say of it.
SAID = {
    ("pendency", "state"): models.Pendency,
    ("decision", "outcome"): models.Decision,
    ("sent-by-others", "kind"): models.SentByOthers,
    ("sent-by-others", "sender"): models.SentByOthers,
}


def answer(**results: Any) -> dict[str, Any]:
    """The exchange's answer to a query about one person."""
    query = {"id": "0" * 32, "received_at": "2026-11-30T09:00:00.000Z"}
    query |= {"from": "2023-11-30", "to": "2026-11-30"}
    return {**query, "results": [{"person": "140890-9423", **results}], "left_out": []}


@pytest.mark.parametrize(("group", "member"), SAID)
def test_every_code_of_the_register_has_words(group: str, member: str) -> None:
    codes = get_args(SAID[group, member].model_fields[member].annotation)
    assert len(codes) > 2
    for code in codes:
        section, _ = told(answer(**{group: [{member: code}]}))
        ((cell,),), (column,) = section.rows, section.columns
        assert {*cell} == {*column} == LANGUAGES, code  # type: ignore[misc]
        assert code not in (cell["fi"], cell["sv"]), code  # type: ignore[index, call-overload]


def test_amounts_are_numbers_and_what_was_left_out_is_told_in_words() -> None:
    payment = {"benefit": "pensions", "paid_on": "2026-11-02", "amount": "1204.5"}
    left_out = [
        {"what": "benefit", "value": "child-benefit", "reason": "no-right"},
        {
            "what": "time",
            "value": "2020-01-01",
            "reason": "further-back-than-right",
            "limit": "2023-11-30",
        },
    ]
    payments, rest, _ = told({**answer(payments=[payment]), "left_out": left_out})
    assert payments.rows[0][2] == Decimal("1204.5")
    (benefit, why, _), (_, _, since) = rest.rows
    assert benefit["fi"] == "Lapsilisä"  # type: ignore[index, call-overload]
    assert why["sv"] == "ingen rätt"  # type: ignore[index, call-overload]
    assert since == "2023-11-30"


def test_what_is_wrong_is_told_in_each_language() -> None:
    for rule, texts in PAGES.rules.items():
        assert {*texts} == LANGUAGES, rule

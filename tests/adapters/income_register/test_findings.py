"""What rules read out of a document's texts."""

from __future__ import annotations

import sys

from exchange.adapters.income_register.findings import Day, read_day


def test_a_date_is_read_with_white_space_around_it() -> None:
    longest = "-123456789-02-28+02:00"
    assert read_day(" " * 1_000 + "2026-02-28Z\n") == Day(2026, 2, 28, zoned=True)
    assert read_day(longest) == Day(-123456789, 2, 28, zoned=True)
    assert read_day("2026-2-28") is read_day("") is read_day(None) is None


def test_a_text_that_may_be_as_long_as_a_body_is_not_kept() -> None:
    text = "9" * 100_000
    references = sys.getrefcount(text)
    assert read_day(text) is None
    assert sys.getrefcount(text) == references

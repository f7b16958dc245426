"""What rules read out of a document's texts, and how much of what they find is kept."""

from __future__ import annotations

import sys

import pytest

from exchange.adapters.income_register import findings
from exchange.adapters.income_register.findings import Book, Day, read_day


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


def test_findings_without_number_leave_the_first_of_each_item(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(findings, "NOTED_MAX", 3)
    book = Book(wages=True)
    for item in (None, 0, 1, 2):
        book.item = item
        for _ in range(5):
            book.add("encoding", None, severity="warning")
            book.add("forbidden-string", None)
    noted = [(each.item, each.severity) for each in book.findings]
    assert noted[:3] == [(None, "warning"), (None, "error"), (None, "warning")]
    rest = [(item, severity) for item in (None, 0, 1, 2) for severity in ("error", "warning")]
    assert sorted(noted[3:], key=str) == sorted(rest, key=str)
    assert book.count == 40

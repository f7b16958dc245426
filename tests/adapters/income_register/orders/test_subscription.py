"""When a subscription is due, by times of day in Finland that stand in runs of equal steps."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import pytest

from exchange.adapters.income_register.orders.subscription import CONTINUOUS, due_at

FINLAND = ZoneInfo("Europe/Helsinki")
#: 06:00:05 and each 20 minutes after it until 07:00:05, and 18:00 alone.
RUNS = [[6 * 3600 + 5, 1200, 4], [18 * 3600, 1, 1]]


def milliseconds(text: str) -> int:
    """A local time of Finland, as milliseconds since 1970 UTC."""
    return int(datetime.datetime.fromisoformat(text).replace(tzinfo=FINLAND).timestamp() * 1000)


def due(by: str, until: str = "2026-01-31T12:00:00") -> int:
    """The extraction that is due by a time, of a subscription last extracted at another."""
    data = {
        "invalidated": False,
        "type": CONTINUOUS,
        "until": milliseconds(until),
        "received": 0,
        "from": "2026-01-01",
        "to": "",
        "schedule": {"times": RUNS},
    }
    return due_at(data, milliseconds(by))


@pytest.mark.parametrize(
    ("by", "at"),
    [
        ("2026-02-03T06:00:05", "2026-02-03T06:00:05"),
        ("2026-02-03T06:00:04", "2026-02-02T18:00:00"),
        ("2026-02-03T06:20:04", "2026-02-03T06:00:05"),
        ("2026-02-03T06:40:05", "2026-02-03T06:40:05"),
        ("2026-02-03T17:59:59", "2026-02-03T07:00:05"),
        ("2026-02-03T23:59:59", "2026-02-03T18:00:00"),
    ],
)
def test_the_last_time_that_is_not_later_is_due(by: str, at: str) -> None:
    assert due(by) == milliseconds(at)


def test_what_was_extracted_already_is_not_due_again() -> None:
    assert due("2026-02-03T06:19:00", until="2026-02-03T06:00:05") == 0
    assert due("2026-02-03T06:20:05", until="2026-02-03T06:00:05") != 0

"""What of a request and a reply is read beyond their bytes."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from exchange.schemas.call import Reply, retry_after_seconds


@pytest.fixture
def in_finland(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose local time is Finland's."""
    with monkeypatch.context() as changed:
        changed.setenv("TZ", "Europe/Helsinki")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("in_finland")
def test_a_wait_is_read_as_seconds_or_a_date_and_nonsense_is_none() -> None:
    for text, wanted in (
        ("120", 120.0),
        ("Mon, 01 Jan 2024 00:00:10 GMT", 10.0),
        ("Monday, 01-Jan-24 00:00:10 GMT", 10.0),
        ("Mon Jan  1 00:00:10 2024", 10.0),
        ("Mon, 01 Jan 2020 00:00:10 GMT", 0.0),
        ("soon", 0.0),
        ("-5", 0.0),
        ("9" * 400, 999_999_999.0),
        ("Fri, 31 Dec 99999 23:59:59 GMT", 0.0),
        ("", 0.0),
    ):
        reply = Reply(503, headers={"retry-AFTER": text})
        assert retry_after_seconds(reply, 1_704_067_200_000) == wanted

"""Points in time as messages write them; what the time is, is a clock's."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

#: By whose clock Finnish registers count their days.
FINLAND = ZoneInfo("Europe/Helsinki")


@lru_cache(maxsize=64)
def _minute(minutes: int) -> str:
    # What is written at about the same time differs in its seconds only.
    return f"{datetime.fromtimestamp(minutes * 60, UTC):%Y-%m-%dT%H:%M}"


def instant(milliseconds: int) -> str:
    """Milliseconds since 1970 as xs:dateTime and RFC 3339 in UTC: `2024-05-02T09:30:00.123Z`."""
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{_minute(minutes)}:{rest // 1000:02d}.{rest % 1000:03d}Z"

"""Points in time as messages write them; what the time is, is a clock's."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(maxsize=256)
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


def instant(milliseconds: int) -> str:
    """Milliseconds since 1970 as xs:dateTime and RFC 3339 in UTC: `2024-05-02T09:30:00.123Z`."""
    return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"

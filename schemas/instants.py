"""Points in time as messages write them; what the time is, is a clock's."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

#: By whose clock Finnish registers count their days.
FINLAND = ZoneInfo("Europe/Helsinki")

MINUTE_MILLISECONDS = 60_000
_EPOCH = datetime.fromtimestamp(0, UTC)


@lru_cache(maxsize=64)
def _minute(minutes: int) -> str:
    # What is written at about the same time differs in its seconds only.
    return f"{datetime.fromtimestamp(minutes * 60, UTC):%Y-%m-%dT%H:%M}"


def instant(milliseconds: int) -> str:
    """Milliseconds since 1970 as xs:dateTime and RFC 3339 in UTC: `2024-05-02T09:30:00.123Z`."""
    minutes, rest = divmod(milliseconds, MINUTE_MILLISECONDS)
    return f"{_minute(minutes)}:{rest // 1000:02d}.{rest % 1000:03d}Z"


def instant_or_none(milliseconds: int) -> str | None:
    """The same; None for 0, by which rows say that there is no such time."""
    return instant(milliseconds) if milliseconds else None


def finnish_day(milliseconds: int) -> date:
    """The day in Finland of a time in milliseconds since 1970."""
    return datetime.fromtimestamp(milliseconds / 1000, FINLAND).date()


def finnish_day_of(text: str) -> date:
    """The day that ISO 8601 writes: a date as it stands, a date and time with an offset as the day
    that it is in Finland then, one without as it stands.

    Raises:
        ValueError: when it is none.
    """
    text = text.strip()
    if text[10:11] in ("T", " "):
        try:
            moment = datetime.fromisoformat(text)
            return (moment.astimezone(FINLAND) if moment.tzinfo else moment).date()
        except (ValueError, OverflowError):  # 24:00:00, or the last hours that there are
            pass
    return date.fromisoformat(text[:10])


def milliseconds_of(text: str) -> int:
    """Milliseconds since 1970 of a time as ISO 8601 writes it; one without an offset is in UTC.

    Raises:
        ValueError: when it is none.
    """
    try:
        at = datetime.fromisoformat(text)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return (at - _EPOCH) // timedelta(milliseconds=1)
    except OverflowError:
        raise ValueError(f"no time that can be told: {text[:40]!r}") from None

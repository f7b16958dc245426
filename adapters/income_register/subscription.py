"""A main subscription as the register remembers it, and when it is due: schedules and change spans; extracts nothing.

Source: "Tekninen rajapinta - Tietojen toimittaminen tulorekisteriin 2021", chapter 8 (vero.fi). Times of day are Finnish time.
"""

from __future__ import annotations

import calendar
import datetime
from hashlib import blake2b
from typing import Any
from zoneinfo import ZoneInfo

from adapters.income_register.parse import text_of
from schemas.income_register.codes import plain

#: The key under which the register ids of all main subscriptions are remembered.
ALL = "s/all"
ONE_TIME, CONTINUOUS = "1", "2"
_FINLAND = ZoneInfo("Europe/Helsinki")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LAST_DAY = 32
#: How far ahead the next extraction is looked for: a schedule of one day of one month comes within four years.
_DAYS_AHEAD_MAX = 1500


def _milliseconds(text: str) -> int:
    """An xs:dateTime as milliseconds since 1970 UTC; without a time zone it is Finnish time; 0 when empty."""
    if not text:
        return 0
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    moment = moment.replace(tzinfo=_FINLAND) if moment.tzinfo is None else moment
    return int(moment.timestamp() * 1000)


def as_data(main: Any, owner: str, partner: str, received: int) -> dict[str, Any]:
    """What is remembered of MainSubscription: `until` is the end of the last extraction (0: none yet)."""
    times = sorted({(each.text or "").strip()[:8] for each in main.find("Schedule").iter("Time")})
    schedule: dict[str, Any] = {"times": times}
    weekly, monthly = main.find("Schedule//WeeklySchedule"), main.find("Schedule//MonthlySchedule")
    if weekly is not None:
        schedule["weekdays"] = [index for index, day in enumerate(_DAYS) if text_of(weekly, day) == "true"]
    if monthly is not None:
        schedule["days"] = sorted(int(plain(each.text)) for each in monthly.iterfind("Days/Day"))
        schedule["months"] = sorted(int(plain(each.text)) for each in monthly.iterfind("Months/Month"))
    return {
        "owner": owner,
        "partner": partner,
        "id": text_of(main, "MainSubscriptionId"),
        "type": plain(text_of(main, "SubscriptionType")),
        "from": text_of(main, "ValidFrom")[:10],
        "to": text_of(main, "ValidUntil")[:10],
        "start": _milliseconds(text_of(main, "ModifiedTimespanStart")),
        "end": _milliseconds(text_of(main, "ModifiedTimespanEnd")),
        "schedule": schedule,
        "parts": [_part(each) for each in main.iterfind("Subscriptions/Subscription")],
        "received": received,
        "until": 0,
        "invalidated": False,
    }


def _part(part: Any) -> dict[str, Any]:
    return {
        "id": text_of(part, "SubscriptionId"),
        "type": plain(text_of(part, "QueryDataType")),
        "profile": text_of(part, "QueryProfile"),
        "all": text_of(part, "IncludeAllVersions") == "true",
    }


def part_id(register_id: str, subscription: str) -> str:
    """IRSubscriptionId of a part of a main subscription."""
    return blake2b(f"part {register_id} {subscription}".encode(), digest_size=16).hexdigest()


def due_at(data: dict[str, Any]) -> int:
    """When the next extraction is due, in milliseconds; 0 when there is none any more.

    A one-time subscription is extracted on ValidFrom; a continuous one at the first time of its schedule from ValidFrom on, later at
    the first one after the last extraction, until ValidUntil. A time before the subscription was received is none (*modelled*).
    """
    if data["invalidated"] or (data["type"] == ONE_TIME and data["until"]):
        return 0
    first = datetime.date.fromisoformat(data["from"])
    last = datetime.date.fromisoformat(data["to"]) if data["to"] and data["type"] == CONTINUOUS else datetime.date.max
    if data["type"] == ONE_TIME:
        last = first
    day = first
    if data["until"]:
        day = datetime.datetime.fromtimestamp(data["until"] / 1000, _FINLAND).date()
    for _ in range(_DAYS_AHEAD_MAX):
        if day > last:
            return 0
        if _on(day, data["schedule"]):
            for time in data["schedule"]["times"]:
                moment = datetime.datetime.combine(day, datetime.time.fromisoformat(time), _FINLAND)
                at = int(moment.timestamp() * 1000)
                if at > max(data["until"], data["received"]):
                    return at
        if day == datetime.date.max:
            return 0
        day += datetime.timedelta(days=1)
    return 0


def _on(day: datetime.date, schedule: dict[str, Any]) -> bool:
    if "weekdays" in schedule:
        return day.weekday() in schedule["weekdays"]
    if "days" in schedule:
        last = calendar.monthrange(day.year, day.month)[1]
        return day.month in schedule["months"] and (
            day.day in schedule["days"] or (_LAST_DAY in schedule["days"] and day.day == last)
        )
    return True


def span(data: dict[str, Any], at: int) -> tuple[int, int]:
    """The change span [start, end) of the extraction that is due at a time: from the end of the last one, or as subscribed.

    A continuous subscription without a start begins at ValidFrom (*modelled*).
    """
    if data["until"]:
        return data["until"], at
    first = datetime.datetime.combine(datetime.date.fromisoformat(data["from"]), datetime.time(), _FINLAND)
    start = data["start"] or int(first.timestamp() * 1000)
    return start, (data["end"] or at) if data["type"] == ONE_TIME else at

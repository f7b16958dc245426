"""A main subscription as the register remembers it, and when it is due: schedules and change spans;
extracts nothing.

Source: "Tekninen rajapinta - Tietojen toimittaminen tulorekisteriin 2021", chapter 8 (vero.fi).
Times of day are Finnish time. *Modelled*: times that were missed are made up for by one extraction,
of the last of them, over the whole span since the one before.
"""

from __future__ import annotations

import calendar
import datetime
from hashlib import blake2b
from typing import Any

from exchange.adapters.income_register.document import Element, demanded, text_of
from exchange.adapters.income_register.orders import conditions
from exchange.schemas.income_register.codes import plain
from exchange.schemas.instants import FINLAND, instant

#: The key under which the register ids of all main subscriptions are remembered.
ALL = "s/all"
ONE_TIME, CONTINUOUS = "1", "2"
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LAST_DAY = 32
#: How far back the last time of a schedule is looked for, and how far ahead the first: one day of
#: one month comes within four years.
_DAYS_BACK_MAX = 1500
#: The beginning of the year 9999, in milliseconds.
_LATEST = 253_370_764_800_000


def milliseconds(text: str | None) -> int:
    """An xs:dateTime as milliseconds since 1970 UTC; without a time zone it is Finnish time; 0 when
    empty.

    Raises:
        ValueError: when it is none, or in a year that has not four digits.
    """
    if not (text := (text or "").strip()):
        return 0
    if text.startswith("9999"):
        # Whoever writes the last of all years means no end; what is reckoned from it must still be
        # a time.
        return _LATEST
    # XML Schema has an hour 24, which is the next day's first; Python has none.
    at_end = text[10:13] == "T24"
    text = f"{text[:10]}T00{text[13:]}" if at_end else text
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    moment += datetime.timedelta(days=int(at_end))
    moment = moment.replace(tzinfo=FINLAND) if moment.tzinfo is None else moment
    return int(moment.timestamp() * 1000)


def moment(text: str) -> str:
    """An xs:dateTime in UTC; empty when empty."""
    return instant(milliseconds(text)) if text else ""


def _runs(seconds: list[int]) -> list[list[int]]:
    """Times of day as runs of equal steps: first second, step, how many. A schedule of every ten
    seconds is one run.
    """
    runs: list[list[int]] = []
    for second in seconds:
        if runs and (
            runs[-1][2] == 1
            or second - (runs[-1][0] + runs[-1][1] * (runs[-1][2] - 1)) == runs[-1][1]
        ):
            runs[-1][1:] = [
                runs[-1][1] if runs[-1][2] > 1 else second - runs[-1][0],
                runs[-1][2] + 1,
            ]
        else:
            runs.append([second, 1, 1])
    return runs


def _second(time: str) -> int:
    hours, minutes, seconds = time.strip()[:8].split(":")
    return (int(hours) % 24) * 3600 + int(minutes) * 60 + int(seconds)


def as_data(main: Element, owner: str, partner: str, received: int) -> dict[str, Any]:
    """What is remembered of MainSubscription: `until` is the end of the last extraction (0: none
    yet), `position` the last position that was looked at for it; what was committed after `left`
    may not have been handed on.
    """
    times = sorted({_second(each.text or "") for each in demanded(main, "Schedule").iter("Time")})
    schedule: dict[str, Any] = {"times": _runs(times)}
    weekly, monthly = main.find("Schedule//WeeklySchedule"), main.find("Schedule//MonthlySchedule")
    if weekly is not None:
        schedule["weekdays"] = [
            index for index, day in enumerate(_DAYS) if text_of(weekly, day) == "true"
        ]
    if monthly is not None:
        schedule["days"] = sorted(int(plain(each.text)) for each in monthly.iterfind("Days/Day"))
        schedule["months"] = sorted(
            int(plain(each.text)) for each in monthly.iterfind("Months/Month")
        )
    return {
        "owner": owner,
        "partner": partner,
        "id": text_of(main, "MainSubscriptionId"),
        "type": plain(text_of(main, "SubscriptionType")),
        "from": text_of(main, "ValidFrom")[:10],
        "to": text_of(main, "ValidUntil")[:10],
        "start": milliseconds(text_of(main, "ModifiedTimespanStart")),
        "end": milliseconds(text_of(main, "ModifiedTimespanEnd")),
        "schedule": schedule,
        "parts": [_part(each) for each in main.iterfind("Subscriptions/Subscription")],
        "received": received,
        "until": 0,
        "position": 0,
        "left": 0,
        "invalidated": False,
    }


def _part(part: Element) -> dict[str, Any]:
    return {
        "id": text_of(part, "SubscriptionId"),
        "type": plain(text_of(part, "QueryDataType")),
        "profile": text_of(part, "QueryProfile"),
        "all": text_of(part, "IncludeAllVersions") == "true",
        **conditions.as_data(part, moment),
    }


def part_id(register_id: str, subscription: str) -> str:
    """IRSubscriptionId of a part of a main subscription."""
    return blake2b(f"part {register_id} {subscription}".encode(), digest_size=16).hexdigest()


def due_at(data: dict[str, Any], by: int) -> int:
    """The extraction that is due at a time (milliseconds): when it should have been at the latest;
    0 when none is.

    A one-time subscription is extracted on ValidFrom, a continuous one at the times of its schedule
    from ValidFrom until ValidUntil. A time before the subscription was received, or the last
    extraction, is none (*modelled*). What was later than `by` was before the clock stepped back.
    """
    if data["invalidated"] or (data["type"] == ONE_TIME and data["until"]):
        return 0
    first = datetime.date.fromisoformat(data["from"])
    last = (
        datetime.date.fromisoformat(data["to"])
        if data["to"] and data["type"] == CONTINUOUS
        else datetime.date.max
    )
    after = max((each for each in (data["until"], data["received"]) if each <= by), default=0)
    day = min(first if data["type"] == ONE_TIME else last, _local(by).date())
    for _ in range(_DAYS_BACK_MAX):
        if day < first or day < _local(after).date():
            return 0
        if _on(day, data["schedule"]) and (at := _last_time(day, data["schedule"]["times"], by)):
            return at if at > after else 0
        day -= datetime.timedelta(days=1)
    return 0


def first_at(data: dict[str, Any]) -> int:
    """The first extraction by validity and schedule alone (milliseconds), whenever the subscription
    came in; 0 when there is none.
    """
    first, times = datetime.date.fromisoformat(data["from"]), data["schedule"]["times"]
    days = min(_DAYS_BACK_MAX, datetime.date.max.toordinal() - first.toordinal())
    for day in (first + datetime.timedelta(days=offset) for offset in range(days)):
        if times and _on(day, data["schedule"]):
            return _at(day, times[0][0])
    return 0


def _local(at: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(at / 1000, FINLAND)


def _last_time(day: datetime.date, runs: list[list[int]], by: int) -> int:
    """The last time of a day's schedule that is not after `by`; 0 when there is none."""
    now = _local(by)
    second = 86_400 if day < now.date() else now.hour * 3600 + now.minute * 60 + now.second
    found = [
        start + step * min((second - start) // step, number - 1)
        for start, step, number in runs
        if start <= second
    ]
    # In the hour that summer time takes away, a time is later than it says.
    times = sorted((_at(day, each) for each in found), reverse=True)
    return next((at for at in times if at <= by), 0)


def _at(day: datetime.date, second: int) -> int:
    time = datetime.time(second // 3600, second // 60 % 60, second % 60)
    return int(datetime.datetime.combine(day, time, FINLAND).timestamp() * 1000)


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
    """The change span [start, end) of the extraction that is due at a time: from the end of the
    last one, or as subscribed.

    A continuous subscription without a start begins at ValidFrom (*modelled*).
    """
    if data["until"]:
        return min(data["until"], at), at
    first = datetime.datetime.combine(
        datetime.date.fromisoformat(data["from"]), datetime.time(), FINLAND
    )
    start = data["start"] or int(first.timestamp() * 1000)
    return start, (data["end"] or at) if data["type"] == ONE_TIME else at

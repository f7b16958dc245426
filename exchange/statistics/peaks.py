"""When partners kept the exchange busiest: the top minute, hour and day, and the week by hours; fed
with a sum a minute, keeps no minute.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from exchange.statistics.days import date_of, local_hour, minutes_of, number_of

Grain = Literal["minute", "hour", "day"]
GRAINS: tuple[Grain, ...] = ("minute", "hour", "day")
#: Messages and items that partners sent (duplicates and what was rejected as well), deliveries of
#: them, items in those.
MEASURES = ("received", "received-items", "delivered", "items")
_DELIVERED = MEASURES.index("delivered")


def seconds_of(grain: Grain, date: datetime.date) -> int:
    """How long a minute, an hour, or that date lasts: 23 or 25 hours where clocks are changed."""
    return {"minute": 60, "hour": 3600, "day": 60 * minutes_of(number_of(date))}[grain]


@dataclass(frozen=True, slots=True)
class Peak:
    """The busiest minute, hour or day (the first of equals) by one measure; `start` is local time
    in Finland, `a_second` the mean rate in it.
    """

    grain: Grain
    measure: str
    start: str
    count: int

    @property
    def a_second(self) -> float:
        """How many a second on average."""
        return self.count / seconds_of(self.grain, datetime.date.fromisoformat(self.start[:10]))


@dataclass(slots=True)
class _Running:
    """A sum that runs over one minute, hour or day, and the best so far by measure."""

    at: tuple[int, ...] = ()
    sums: list[int] = field(default_factory=lambda: [0] * len(MEASURES))
    best: list[tuple[int, tuple[int, ...]]] = field(
        default_factory=lambda: [(0, ()) for _ in MEASURES]
    )

    def add(self, at: tuple[int, ...], counts: Sequence[int]) -> None:
        if at != self.at:
            self.close()
            self.at, self.sums = at, [0] * len(MEASURES)
        for index, count in enumerate(counts):
            self.sums[index] += count

    def close(self) -> None:
        for index, total in enumerate(self.sums):
            if total > self.best[index][0]:
                self.best[index] = (total, self.at)


@dataclass(slots=True)
class Peaks:
    """Take minutes in order; `hours` is deliveries by weekday (1 Monday) and hour of the day,
    `minutes` the first and the last minute."""

    hours: dict[tuple[int, int], int] = field(default_factory=dict)
    days: set[int] = field(default_factory=set)
    minutes: tuple[int, int] | None = None
    _running: dict[Grain, _Running] = field(
        default_factory=lambda: {grain: _Running() for grain in GRAINS}
    )

    def take(self, sums: Iterable[tuple[int, str, int, int, int, int]]) -> Peaks:
        """Add (minute, channel, received, items received, delivered, items delivered) rows, in
        order of minutes.
        """
        for minute, _channel, *counts in sums:
            self.minutes = (minute if self.minutes is None else self.minutes[0], minute)
            day, hour = local_hour(minute // 60)
            self._running["minute"].add((day, hour, minute), counts)
            self._running["hour"].add((day, hour, minute // 60), counts)
            self._running["day"].add((day,), counts)
            place = ((day + 3) % 7 + 1, hour)
            self.hours[place] = self.hours.get(place, 0) + counts[_DELIVERED]
            self.days.add(day)
        for running in self._running.values():
            running.close()
        return self

    def busiest(self) -> list[Peak]:
        """The top of each grain and measure; nothing where nothing was counted."""
        found = []
        for grain, running in self._running.items():
            for measure, (count, at) in zip(MEASURES, running.best, strict=True):
                if count:
                    found.append(Peak(grain, measure, _start(grain, at), count))
        return found

    def mean_hours(self) -> dict[tuple[int, int], float]:
        """Deliveries in an hour, on average over the weekdays of that name from the first day
        counted to the last.
        """
        if not self.days:
            return {}
        weekdays = dict.fromkeys(range(1, 8), 0)
        for day in range(min(self.days), max(self.days) + 1):
            weekdays[(day + 3) % 7 + 1] += 1
        return {place: count / weekdays[place[0]] for place, count in sorted(self.hours.items())}


def _start(grain: Grain, at: tuple[int, ...]) -> str:
    """Local time of Finland, as ISO 8601 to the minute; a day as a date."""
    date = date_of(at[0])
    if grain == "day":
        return date.isoformat()
    minute = at[2] % 60 if grain == "minute" else 0
    return datetime.datetime.combine(date, datetime.time(at[1], minute)).isoformat(
        timespec="minutes"
    )

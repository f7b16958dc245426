"""When a simulated year's watches run: at the end of each tick that something fell due in, and of each day; no exchange."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from exchange.simulation.calendar import days_of, midnight
from exchange.simulation.clock import VirtualClock
from exchange.simulation.loop import VirtualLoop
from exchange.simulation.year import live_days

HOUR = 3_600_000
YEAR, LAST_DAY = 2023, 364


@pytest.mark.parametrize(
    ("tick_hours", "expected"),
    [(24, [("sent", 9), ("sent", 10), ("sent", 17), ("sent", 23), ("watch", 24)]),
     (4, [("sent", 9), ("watch", 10), ("sent", 10), ("watch", 14), ("sent", 17), ("watch", 18), ("sent", 23), ("watch", 24)]),
     (1 / 2, [("sent", 9), ("watch", 9.5), ("sent", 10), ("watch", 10.5), ("sent", 17), ("watch", 17.5), ("sent", 23), ("watch", 23.5), ("watch", 24)])],
)  # fmt: skip
def test_watches_run_when_a_tick_ends(tick_hours: float, expected: list[tuple[str, float]]) -> None:
    # Ticks are those of UTC; the day is Finland's, two hours ahead in winter.
    loop, start = VirtualLoop(), midnight(days_of(YEAR)[LAST_DAY])
    clock = VirtualClock(loop, start, round(tick_hours * HOUR))
    happened: list[tuple[str, float]] = []

    async def send(arrival: Any) -> None:
        happened.append(("sent", (arrival.at - start) / HOUR))

    async def watch() -> None:
        # So short before the end of a tick that it rounds to it.
        happened.append(("watch", round((clock.now() - start) / HOUR, 3)))

    async def end_day(day: int) -> None:
        happened.append(("end", round((clock.now() - start) / HOUR, 3)))

    arrivals = [SimpleNamespace(at=start + hour * HOUR, planned=0) for hour in (9, 10, 17, 23)]
    plan = SimpleNamespace(year=YEAR, arrivals=lambda day, senders: iter(arrivals), fetches=lambda planned: False)
    society = SimpleNamespace(new_day=lambda: None, send_planned=send, made=SimpleNamespace(calls=4, items=4))
    try:
        loop.run_until_complete(
            live_days(
                cast(Any, plan),
                0,
                frozenset(),
                cast(Any, society),
                clock,
                watch,
                end_day,
                range(LAST_DAY, LAST_DAY + 1),
                lambda _: None,
                lambda _: None,
            )
        )
    finally:
        loop.close()
    assert happened == [*expected, ("end", 24)]

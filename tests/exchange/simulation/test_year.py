"""The order of a simulated day: watches at the end of each tick that something fell due in, and of
the day; calls flow by flow; no exchange.
"""

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
#: A flow that only fetches what waits.
FETCHES = 9


@pytest.mark.parametrize(
    ("tick_hours", "expected"),
    [(24, [("sent", 9), ("sent", 10), ("sent", 17), ("sent", 23), ("watch", 24)]),
     (4, [("sent", 9), ("watch", 10), ("sent", 10), ("watch", 14), ("sent", 17), ("watch", 18), ("sent", 23), ("watch", 24)]),
     (1 / 2, [("sent", 9), ("watch", 9.5), ("sent", 10), ("watch", 10.5), ("sent", 17), ("watch", 17.5), ("sent", 23), ("watch", 23.5), ("watch", 24)])],
)  # fmt: skip
def test_watches_run_when_a_tick_ends(tick_hours: float, expected: list[tuple[str, float]]) -> None:
    happened = lived([(9, 0), (10, 0), (17, 0), (23, 0)], tick_hours)
    assert [(what, hour) for what, hour, _ in happened] == [*expected, ("end", 24)]


def test_a_tick_is_lived_flow_by_flow_but_what_fetches_comes_after_what_was_sent_before_it() -> (
    None
):
    happened = lived([(9, 2), (9.1, 1), (9.2, 2), (9.3, FETCHES), (9.4, 2), (9.5, 1), (10, 1)], 4)
    sent = [(hour, flow) for what, hour, flow in happened if what == "sent"]
    assert sent == [(9.1, 1), (9, 2), (9.2, 2), (9.3, FETCHES), (9.5, 1), (9.4, 2), (10, 1)]


def lived(arrivals: list[tuple[float, int]], tick_hours: float) -> list[tuple[str, float, int]]:
    """What happened on the day that these arrive on (at an hour, of a flow): what, at which hour,
    of which flow.
    """
    # Ticks are those of UTC; the day is Finland's, two hours ahead in winter.
    loop, start = VirtualLoop(), midnight(days_of(YEAR)[LAST_DAY])
    clock = VirtualClock(loop, start, round(tick_hours * HOUR))
    happened: list[tuple[str, float, int]] = []

    async def send(arrival: Any) -> None:
        happened.append(("sent", (arrival.at - start) / HOUR, arrival.planned))

    async def watch() -> None:
        # So short before the end of a tick that it rounds to it.
        happened.append(("watch", round((clock.now() - start) / HOUR, 3), 0))

    async def end_day(day: int) -> None:
        happened.append(("end", round((clock.now() - start) / HOUR, 3), 0))

    due = [SimpleNamespace(at=start + round(hour * HOUR), planned=flow) for hour, flow in arrivals]
    plan = SimpleNamespace(
        year=YEAR,
        arrivals=lambda day, senders: iter(due),
        fetches=lambda planned: planned == FETCHES,
    )
    made = SimpleNamespace(calls=len(due), items=len(due))
    local_partners = SimpleNamespace(end_day=lambda: None, send_planned=send, made=made)
    days = range(LAST_DAY, LAST_DAY + 1)
    senders: frozenset[str] = frozenset()
    living = live_days(
        cast(Any, plan),
        0,
        senders,
        cast(Any, local_partners),
        clock,
        watch,
        end_day,
        days,
        lambda _: None,
        lambda _: None,
    )
    try:
        loop.run_until_complete(living)
    finally:
        loop.close()
    return happened

"""Running a year, or a shard of it: the days one after another, each with its arrivals, its answers
and its retention; no processes.
"""

from __future__ import annotations

import datetime
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby

from exchange.simulation.calendar import days_of, midnight
from exchange.simulation.clock import VirtualClock
from exchange.simulation.local_partners import LocalPartners, at_once
from exchange.simulation.plan import Arrival, Plan

#: Parts that a year is split into at most, each with a ledger of its own, whatever the number of
#: processes.
SHARDS_MAX = 4
#: How many there are below that scale: each part has its price a day, and little is sent there.
SHARDS_FEW, FEW_BELOW = 2, Fraction(1, 200)
DAY_MILLISECONDS = 86_400_000
#: Watches run so long before a tick, or the day, ends, so that what they send is delivered in it.
LAST_MILLISECONDS = 2


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a shard is: the number of the day that comes next (0: 1 January), calls and items so
    far.
    """

    shard: int
    day: int
    calls: int
    items: int


Report = Callable[[Progress], None]
#: Called after each day with its number: keeps what is needed to go on from there.
Keep = Callable[[int], None]


def shards_at(scale: Fraction) -> int:
    """How many parts a year at that scale is split into."""
    return SHARDS_FEW if scale < FEW_BELOW else SHARDS_MAX


def shards_of(
    work: Mapping[str, float], count: int = SHARDS_MAX, added: Collection[str] = ()
) -> list[frozenset[str]]:
    """Senders in shards of about the same work, the hardest first to the emptiest shard; the same
    for any number of processes.

    Whatever belongs together (a conversation, a mailbox) is with the sender that begins or fetches
    it, hence in one shard. `added` are senders that a scenario brings besides: they move no other.
    """
    shards: list[set[str]] = [set() for _ in range(count)]
    loads = [0.0] * count
    for sender in sorted(work, key=lambda name: (-work[name], name)):
        lightest = loads.index(min(loads))
        shards[lightest].add(sender)
        loads[lightest] += work[sender]
    for number, sender in enumerate(sorted(set(added) - set(work))):
        shards[number % count].add(sender)
    return [frozenset(each) for each in shards]


async def live_days(
    plan: Plan,
    shard: int,
    senders: frozenset[str],
    local_partners: LocalPartners,
    clock: VirtualClock,
    watch: Callable[[], Awaitable[None]],
    end_day: Callable[[int], Awaitable[None]],
    days: range,
    keep: Keep,
    report: Report,
) -> None:
    """Live the days of these numbers. The clock stands at the beginning of the first, or before.

    `watch` does what an exchange does every few seconds by itself: here at the end of each tick
    that something fell due in, and of each day. `end_day` does what it does seldom (its
    forgetting), and is told the day's number.
    """
    dates = days_of(plan.year)
    midnights = [midnight(date) for date in [*dates, dates[-1] + datetime.timedelta(days=1)]]
    for day in days:
        await clock.until(midnights[day])
        await _send(
            plan.arrivals(day, senders), plan, local_partners, clock, watch, midnights[day + 1]
        )
        # To the last moments of the day: what is still to be answered or tried again gets its time.
        await clock.until(midnights[day + 1] - LAST_MILLISECONDS)
        await watch()
        # Time moves on only when nothing is left to do: what a watch sent has been delivered then,
        # on the same day.
        await clock.sleep(0.001)
        local_partners.end_day()
        await end_day(day)
        made = local_partners.made
        report(Progress(shard, day + 1, made.calls, made.items))
        keep(day)


async def _send(
    arrivals: Iterator[Arrival],
    plan: Plan,
    local_partners: LocalPartners,
    clock: VirtualClock,
    watch: Callable[[], Awaitable[None]],
    end: int,
) -> None:
    """Make the day's calls, tick by tick; watches run at the end of each tick that ends before the
    day does.
    """
    for tick, in_tick in groupby(arrivals, lambda arrival: arrival.at // clock.tick):
        await clock.until(tick * clock.tick)
        await _send_in_tick(in_tick, plan, local_partners, clock)
        # Ticks are those of UTC: one of four hours reaches into the next day of Finland, or into
        # the next year.
        if clock.tick < DAY_MILLISECONDS and (tick + 1) * clock.tick < end:
            await clock.until((tick + 1) * clock.tick - LAST_MILLISECONDS)
            await watch()


async def _send_in_tick(
    in_tick: Iterator[Arrival], plan: Plan, local_partners: LocalPartners, clock: VirtualClock
) -> None:
    """Make a tick's calls in parts that are made at once; what fetches comes after what there is to
    fetch.

    Flow by flow, and not by the minute: what serves one call is still in the processor's caches for
    the next of its kind.
    """
    # A mailbox that is read twice in a tick is read anew when the first reading is done.
    for fetched_at, due in groupby(
        in_tick, lambda arrival: plan.fetches(arrival.planned) and arrival.at
    ):
        if fetched_at:
            # Time moves on only when nothing is left to do: what was sent before lies in the
            # mailboxes then.
            await clock.sleep(0.001)
        await at_once(local_partners.send_planned(arrival) for arrival in sorted(due, key=_flow_of))


def _flow_of(arrival: Arrival) -> int:
    return arrival.planned

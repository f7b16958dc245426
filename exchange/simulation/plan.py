"""When what arrives: a year's quantities over its days and over the flows of the stubs, and a day's
arrivals in order; sends nothing.
"""

from __future__ import annotations

import datetime
import heapq
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import NamedTuple

from exchange.partners.stub import Flow
from exchange.simulation.calendar import Hours, midnight
from exchange.simulation.quantities import Quantity, quantities
from exchange.simulation.rounding import in_lumps, share, spread, step
from exchange.simulation.workload import Reading, Stream, Workload

#: Room in a serial number: calls that follow from one another, arrivals of a flow in a day, days.
CHAIN_BITS, ARRIVAL_BITS, DAY_BITS = 8, 20, 9
#: Serial numbers of readings begin with this number of a flow, above those of all planned flows.
READINGS_FROM = 1 << 14
#: The golden ratio: places that are so far apart, round and round, lie evenly however many there
#: are, so that one more message moves no other.
APART = (5**0.5 - 1) / 2
#: What a message that holds items holds at least and at most, in per cent of its share of the day's
#: items.
HOLDING_PERCENT = (50, 150)


class Arrival(NamedTuple):
    """A call that falls due: when (milliseconds since 1970 UTC), of which planned flow, under which
    serial number, with how many items (None: as the stub likes), and how much it causes of each of
    its stream's answers.
    """

    at: int
    planned: int
    serial: int
    items: int | None = None
    answers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Planned:
    """A flow with what falls to it on each day of the year: messages or items, items held by
    messages, answers of each kind.
    """

    flow: Flow
    stream: Stream
    units: Sequence[int]
    holding: Sequence[int]
    answers: Sequence[Sequence[int]]

    @property
    def messages(self) -> float:
        """About how many messages in the year."""
        mean = sum(self.stream.sizes) / 2 if self.stream.counts == "items" else 1
        return sum(self.units) / mean


@dataclass(frozen=True, slots=True)
class Plan:
    """A year's plan. `missing` names streams that no stub has a flow for."""

    year: int
    seed: int
    planned: Sequence[Planned]
    readings: Sequence[tuple[Flow, Reading]]
    hours: Mapping[str, Hours]
    missing: Sequence[str]

    def flow(self, number: int) -> Flow:
        """The flow behind an arrival's number; readings come after what is planned."""
        own = len(self.planned)
        return self.planned[number].flow if number < own else self.readings[number - own][0]

    def fetches(self, number: int) -> bool:
        """Whether an arrival of that flow only fetches what waits."""
        return number >= len(self.planned)

    def answer_types(self, number: int) -> tuple[str, ...]:
        """The types of the answers that an arrival of that flow counts."""
        if number >= len(self.planned):
            return ()
        return tuple(each.message_type for each in self.planned[number].stream.answers)

    def senders(self) -> dict[str, float]:
        """Who sends, with about how much work each makes in the year, in microseconds of processor
        time.
        """
        work: dict[str, float] = {}
        for each in self.planned:
            work[each.flow.partner] = (
                work.get(each.flow.partner, 0.0) + sum(each.units) * each.stream.effort
            )
        return work

    def arrivals(self, day: int, senders: frozenset[str]) -> Iterator[Arrival]:
        """The arrivals of the day of that number (0: 1 January) from those senders, in order of
        time.
        """
        start = midnight(datetime.date(self.year, 1, 1) + datetime.timedelta(days=day))
        numbers = [
            number
            for number, each in enumerate(self.planned)
            if each.flow.partner in senders and (each.units[day] or each.holding[day])
        ]
        sources = [self._of_flow(number, day, start) for number in numbers]
        sources.append(iter(sorted(self._readings(day, start, senders))))
        return heapq.merge(*sources)

    def _of_flow(self, number: int, day: int, start: int) -> Iterator[Arrival]:
        each = self.planned[number]
        # Chance is of the flow and the day alone: what else is planned changes nothing of it.
        rng = random.Random(f"{self.seed}/{number}/{day}")
        begin = rng.random()
        items = _items(rng, each, day)
        count = len(items)
        columns = [_answered(rng, days[day], count) for days in each.answers]
        place = self.hours[each.stream.hours].second
        first = ((number << DAY_BITS) | day) << ARRIVAL_BITS
        moments = sorted(
            (start + place((begin + index * APART) % 1.0) * 1000, index) for index in range(count)
        )
        for at, index in moments:
            yield Arrival(
                at=at,
                planned=number,
                serial=(first | index) << CHAIN_BITS,
                items=items[index],
                answers=tuple(column[index] for column in columns),
            )

    def _readings(self, day: int, start: int, senders: frozenset[str]) -> Iterator[Arrival]:
        for number, (flow, reading) in enumerate(self.readings, len(self.planned)):
            if flow.partner in senders:
                own = READINGS_FROM + number - len(self.planned)
                first = ((own << DAY_BITS) | day) << ARRIVAL_BITS
                for index, second in enumerate(reading.at_seconds):
                    yield Arrival(start + second * 1000, number, (first | index) << CHAIN_BITS)


def plan(workload: Workload, flows: Sequence[Flow], year: int, scale: Fraction, seed: int) -> Plan:
    """Plan a year at a scale.

    Raises:
        ValueError: when the workload can't be had at that scale, a flow belongs to two streams, or
            a partner has two flows of one name, by which scenarios tell them apart.
    """
    names = Counter((flow.partner, flow.name) for flow in flows)
    if twice := [name for name, count in names.items() if count > 1]:
        raise ValueError(f"{twice[0][0]} has two flows named {twice[0][1]!r}")
    whole = quantities(workload, year, scale)
    days = _days_of_streams(workload, whole, year)
    planned: list[Planned] = []
    missing = []
    taken: set[int] = set()
    for stream in workload.streams:
        own = [
            flow
            for flow in flows
            if any(fnmatchcase(flow.name, pattern) for pattern in stream.flows)
        ]
        if taken & {id(flow) for flow in own}:
            raise ValueError(
                f"{stream.id}: a flow of it belongs to another stream as well; narrow the patterns in "
                "its `flows`"
            )
        taken |= {id(flow) for flow in own}
        if own:
            planned += _planned(stream, own, whole[stream.id], days[stream.id])
        else:
            missing.append(stream.id)
    return Plan(
        year=year,
        seed=seed,
        planned=planned,
        readings=readings_of(workload, flows),
        hours=workload.hours,
        missing=missing,
    )


def readings_of(workload: Workload, flows: Sequence[Flow]) -> list[tuple[Flow, Reading]]:
    """The flows that fetch what waits, with when they do."""
    return [
        (flow, reading)
        for reading in workload.readings
        for flow in flows
        if any(fnmatchcase(flow.name, pattern) for pattern in reading.flows)
    ]


def _days_of_streams(
    workload: Workload, whole: Mapping[str, Quantity], year: int
) -> dict[str, list[int]]:
    """Every stream's units by day; streams that are joint are rounded together."""
    weights = {name: profile.weights(year) for name, profile in workload.profiles.items()}
    groups: dict[str, list[Stream]] = {}
    for stream in workload.streams:
        groups.setdefault(stream.joint or f"alone {stream.id}", []).append(stream)
    days: dict[str, list[int]] = {}
    for group in groups.values():
        units, counts = (
            [whole[stream.id].units for stream in group],
            [stream.joint_count for stream in group],
        )
        placed = spread(units, [weights[stream.profile] for stream in group], counts)
        days.update(zip((stream.id for stream in group), placed, strict=True))
    return days


def _planned(
    stream: Stream, flows: Sequence[Flow], quantity: Quantity, days: Sequence[int]
) -> list[Planned]:
    """A stream's days shared out among its flows by their weights."""
    weights = [Fraction(flow.weight) for flow in flows]
    totals = share(quantity.units, weights if any(weights) else [1] * len(flows))
    units = (
        in_lumps(days, totals, sum(stream.sizes) // 2)
        if stream.counts == "items"
        else spread(totals, [days] * len(flows))
    )
    totals = [sum(own) for own in units]
    holding = share(quantity.holding, totals) if quantity.holding else [0] * len(flows)
    answers = [share(each, totals) if each else [0] * len(flows) for each in quantity.answers]
    return [
        Planned(
            flow=flow,
            stream=stream,
            units=own,
            holding=alongside(holding[index], own),
            answers=[alongside(each[index], own) for each in answers],
        )
        for index, (flow, own) in enumerate(zip(flows, units, strict=True))
    ]


def alongside(total: int, units: Sequence[int]) -> list[int]:
    """A total spread as the units are."""
    whole = sum(units)
    if not whole:
        return [0] * len(units)
    sums = [0, *(total * running // whole for running in accumulate(units))]
    return [after - before for before, after in pairwise(sums)]


def _items(rng: random.Random, each: Planned, day: int) -> Sequence[int | None]:
    """How many items each message of the day holds."""
    units, stream = each.units[day], each.stream
    if stream.counts == "items":
        sizes: list[int | None] = []
        fewest, most = stream.sizes
        while units:
            size = rng.randint(fewest, most)
            # A rest of less than half a message goes with the last one.
            size = units if 4 * (units - size) < fewest + most else size
            sizes.append(size)
            units -= size
        return sizes
    if any(each.holding):
        weights = [rng.randint(*HOLDING_PERCENT) for _ in range(units)]
        return share(each.holding[day], weights) if units else []
    return [None] * units


def _answered(rng: random.Random, total: int, count: int) -> Sequence[int]:
    """A day's answers over its messages: evenly when there are fewer than messages, else one for
    each and the rest by chance.
    """
    if total <= count:
        return [step(total, index, count) for index in range(count)]
    each = [1] * count
    for _ in range(total - count):
        each[rng.randrange(count)] += 1
    return each

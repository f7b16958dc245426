"""Whole numbers out of shares: parts that sum to their total exactly, and units spread over days;
no chance and no floats.

Both work at any scale: what is rounded is always the running sum, so an error never grows beyond
one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate
from math import lcm
from operator import mul


def nearest(value: Fraction) -> int:
    """The nearest whole number, a half upwards."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def share(total: int, weights: Sequence[int | Fraction]) -> list[int]:
    """`total` in parts as large as the weights say, by largest remainder (the first of equals gets
    it).

    Raises:
        ValueError: when there is something to share and no weight above 0.
    """
    whole = sum(weights, Fraction(0))
    if not total:
        return [0] * len(weights)
    if whole <= 0 or min(weights) < 0:
        raise ValueError("nothing can be shared by no weights")
    exact = [total * Fraction(weight) / whole for weight in weights]
    parts = [int(value) for value in exact]
    left = total - sum(parts)
    for index in sorted(range(len(parts)), key=lambda index: parts[index] - exact[index])[:left]:
        parts[index] += 1
    return parts


def spread(
    totals: Sequence[int], weights: Sequence[Sequence[int]], counts: Sequence[int] = ()
) -> list[list[int]]:
    """Each total over the days by its own weights, so that no running sum is a unit away from its
    share, and no day's sum over all of them is a unit away from the sum of their shares (running
    sums again).

    Each unit has a first day (when its share begins) and a last one (when it is complete). Every
    day the units that must go go, then those whose last day comes first, until the day's rounded
    sum is reached: the earliest deadline first, which finds a whole-numbered solution wherever
    there is one, and here there always is. (Steiner and Yeomans, "Level schedules for mixed-model,
    just-in-time processes", Management Science 39, 1993.) `counts` says how much a unit of each
    total is in the sum, where that is not one: then the sum is kept as close as such units allow.

    Raises:
        ValueError: when a total above 0 has no weight.
    """
    days = len(weights[0]) if weights else 0
    sums = [list(accumulate(each)) for each in weights]
    for total, running in zip(totals, sums, strict=True):
        if total and not (running and running[-1]):
            raise ValueError("units without a day to go to")
    wholes = [running[-1] or 1 for running in sums]
    one = lcm(*wholes)
    counts = counts or [1] * len(totals)
    parts = [one // whole * count for whole, count in zip(wholes, counts, strict=True)]
    placed = [0] * len(totals)
    spreads = [[0] * days for _ in totals]
    gone = 0
    for day in range(days):
        # Whole numbers, not fractions: shares in parts of `wholes`, their sum in parts of all of
        # these together.
        dues = [total * running[day] for total, running in zip(totals, sums, strict=True)]
        left = nearest(Fraction(sum(map(mul, dues, parts)), one)) - gone
        optional = []
        for index, due in enumerate(dues):
            must = due // wholes[index] - placed[index]
            if must > 0:
                spreads[index][day] += must
                placed[index] += must
                gone += must * counts[index]
                left -= must * counts[index]
            if due > placed[index] * wholes[index]:
                optional.append(index)
        if left > 0:
            for index in sorted(
                optional,
                key=lambda index: (_last_day(totals[index], sums[index], placed[index] + 1), index),
            ):
                if counts[index] <= left:
                    spreads[index][day] += 1
                    placed[index] += 1
                    gone += counts[index]
                    left -= counts[index]
    return spreads


def in_lumps(days: Sequence[int], totals: Sequence[int], lump: int) -> list[list[int]]:
    """Each day's units to as few places as lumps of that size need, first to those that are
    furthest behind their share (`totals`); units of each place by day.

    Where a day has a lump for each place, all of them get their share of it; where it has fewer, a
    place is never further from its share than a few lumps.
    """
    whole, running = sum(totals), 0
    placed = [0] * len(totals)
    placing = [[0] * len(days) for _ in totals]
    for day, units in enumerate(days):
        running += units
        behind = [
            total * running - have * whole for total, have in zip(totals, placed, strict=True)
        ]
        places = sorted(range(len(totals)), key=lambda place: (-behind[place], place))
        chosen = places[: max(1, nearest(Fraction(units, lump)))]
        parts = share(units, [max(behind[place], 0) for place in chosen])
        for place, part in zip(chosen, parts, strict=True):
            placing[place][day] = part
            placed[place] += part
    return placing


def _last_day(total: int, running: Sequence[int], unit: int) -> int:
    """The first day on which the share of the first `unit` units is complete."""
    return bisect_left(running, -(-unit * running[-1] // total))


def step(total: int, index: int, count: int) -> int:
    """The part of `total` that falls to place `index` of `count` when it is spread evenly: parts
    differ by one at most.
    """
    return total * (index + 1) // count - total * index // count

"""What a scale makes of a year's figures: whole numbers for every stream and its answers, such that
every total is right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from exchange.simulation.rounding import nearest, share
from exchange.simulation.workload import Stream, Total, Workload, figure


@dataclass(frozen=True, slots=True)
class Quantity:
    """A stream in whole numbers: its messages (or items), the items that its messages hold in all,
    its answers in the stream's order.
    """

    units: int
    holding: int
    answers: tuple[int, ...]


def quantities(workload: Workload, year: int, scale: Fraction) -> dict[str, Quantity]:
    """Every stream's quantity. A total and each of its parts is less than one away from its figure
    times the scale.

    Raises:
        ValueError: when a total is smaller than what its streams add to it.
    """
    units: dict[str, int] = {}
    totals = _round_totals(workload, year, scale, units)
    for stream in workload.streams:
        if stream.id not in units and not stream.fills:
            units[stream.id] = _units(stream, year, scale)
    answers = {
        stream.id: _answers(stream, units.get(stream.id, 0), year, scale)
        for stream in workload.streams
    }
    left = _left(workload, totals, units, answers)
    for stream in workload.streams:
        if stream.fills:
            if left[stream.fills] < 0:
                raise ValueError(
                    f"{stream.fills}: {totals[stream.fills]} is less than what its streams add to "
                    "it: raise the total, or lower a stream that `adds` to it"
                )
            units[stream.id] = left[stream.fills]
    return {
        stream.id: Quantity(
            units[stream.id], nearest(figure(stream.holding, year) * scale), answers[stream.id]
        )
        for stream in workload.streams
    }


def _units(stream: Stream, year: int, scale: Fraction) -> int:
    value = figure(stream.year, year) * scale
    if stream.adds:
        # What adds to a total must leave something to the stream that fills it, however small the
        # scale.
        return int(value)
    carries = [stream.holding, *(answer.year for answer in stream.answers)]
    needed = value > 0 and any(nearest(figure(each, year) * scale) for each in carries)
    # What is held, or answered, needs a message to be held by or to answer; one is still less than
    # one too many.
    return max(nearest(value), int(needed))


def _answers(stream: Stream, units: int, year: int, scale: Fraction) -> tuple[int, ...]:
    return tuple(
        (int(value) if each.adds else nearest(value)) if units else 0
        for each in stream.answers
        for value in (figure(each.year, year) * scale,)
    )


def _left(
    workload: Workload,
    totals: Mapping[str, int],
    units: Mapping[str, int],
    answers: Mapping[str, tuple[int, ...]],
) -> dict[str, int]:
    left = dict(totals)
    for stream in workload.streams:
        if stream.fills:
            continue
        for name, each in stream.adds.items():
            left[name] -= each * units[stream.id]
        for answer, count in zip(stream.answers, answers[stream.id], strict=True):
            for name, each in answer.adds.items():
                left[name] -= each * count
    return left


def _round_totals(
    workload: Workload, year: int, scale: Fraction, units: dict[str, int]
) -> dict[str, int]:
    """Totals from the top down, each shared out among its parts; parts that are streams go into
    `units`.
    """
    rounded: dict[str, int] = {}
    open_totals = [total for total in workload.totals.values() if not total.part_of]
    for total in open_totals:
        rounded[total.id] = nearest(_exact(total, workload, year) * scale)
    while open_totals:
        total = open_totals.pop()
        parts = [each for each in workload.totals.values() if each.part_of == total.id]
        streams = [each for each in workload.streams if each.part_of == total.id]
        weights = [_exact(each, workload, year) for each in parts] + [
            figure(each.year, year) for each in streams
        ]
        if not weights:
            continue
        shares = share(rounded[total.id], weights) if any(weights) else [0] * len(weights)
        for part, value in zip(parts, shares, strict=False):
            rounded[part.id] = value
        for stream, value in zip(streams, shares[len(parts) :], strict=True):
            units[stream.id] = value
        open_totals += parts
    return rounded


def _exact(total: Total, workload: Workload, year: int) -> Fraction:
    if total.year:
        return figure(total.year, year)
    parts = [
        _exact(each, workload, year)
        for each in workload.totals.values()
        if each.part_of == total.id
    ]
    streams = [figure(each.year, year) for each in workload.streams if each.part_of == total.id]
    return sum(parts + streams, Fraction(0))

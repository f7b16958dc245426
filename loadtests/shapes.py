"""The shapes of load as schedules: flat days, a working day, pay day, steps, soak; pure, and no locust."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from loadtests.schedule import Schedule, Stretch

DAY_SECONDS = 86_400
#: Kela's published daily band of messages through Luova.
LOW_DAY, TOP_DAY = 500_000, 1_500_000
#: Pay day: how long before the spike, how long up or down, how long on top, as shares of the whole.
BEFORE, SLOPE, TOP = 0.3, 0.05, 0.3
STEPS = 10


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for. `rate` in calls a second and `seconds` are 0 where the shape's own should be taken; `times`
    multiplies any rate, `peak` is the pay-day spike over the rest, `compress` seconds of a day go into one."""

    rate: float = 0.0
    seconds: float = 0.0
    times: float = 1.0
    compress: float = 1440.0
    peak: float = 5.0
    steps: int = STEPS


def _flat(rate: float, seconds: float) -> Callable[[Wish, Sequence[float]], Schedule]:
    def make(wish: Wish, hours: Sequence[float]) -> Schedule:
        wanted = (wish.rate or rate) * wish.times
        return Schedule([Stretch(wish.seconds or seconds, wanted, wanted)])

    return make


def working_day(wish: Wish, hours: Sequence[float]) -> Schedule:
    """A day of 1.5 million calls by the hourly profile, `compress` times faster: so many more calls a second.

    A given `rate` is the mean of the compressed day; a given length takes the place of `compress`.
    """
    seconds = wish.seconds or DAY_SECONDS / wish.compress
    mean = wish.rate or TOP_DAY / seconds
    total = sum(hours)
    rates = [mean * wish.times * len(hours) * hour / total for hour in hours]
    return Schedule([Stretch(seconds / len(hours), rate, rate) for rate in rates])


def pay_day(wish: Wish, hours: Sequence[float]) -> Schedule:
    """An ordinary rate, `peak` times as much for a while, and the ordinary rate again, to see it settle."""
    seconds, rate = wish.seconds or 120.0, (wish.rate or TOP_DAY / DAY_SECONDS) * wish.times
    top = rate * wish.peak
    rest = 1 - BEFORE - TOP - 2 * SLOPE
    parts = ((BEFORE, rate, rate), (SLOPE, rate, top), (TOP, top, top), (SLOPE, top, rate), (rest, rate, rate))
    return Schedule([Stretch(share * seconds, begin, end) for share, begin, end in parts])


def step(wish: Wish, hours: Sequence[float]) -> Schedule:
    """`rate`, twice that, three times that, ... each for an equal time; the run ends at the step that breaks."""
    seconds, rate = wish.seconds or 150.0, (wish.rate or 50.0) * wish.times
    return Schedule([Stretch(seconds / wish.steps, rate * number, rate * number) for number in range(1, wish.steps + 1)])


#: Shape -> how its schedule is made.
SHAPES: Mapping[str, Callable[[Wish, Sequence[float]], Schedule]] = {
    "flat": _flat(20.0, 60.0),
    "low-day": _flat(LOW_DAY / DAY_SECONDS, 60.0),
    "top-day": _flat(TOP_DAY / DAY_SECONDS, 60.0),
    "working-day": working_day,
    "pay-day": pay_day,
    "step": step,
    "soak": _flat(TOP_DAY / DAY_SECONDS, 3600.0),
}


def schedule_of(shape: str, wish: Wish, hours: Sequence[float]) -> Schedule:
    """The schedule of a shape; `hours` is the profile of a working day, 24 shares.

    Raises:
        ValueError: when there is no such shape.
    """
    if shape not in SHAPES:
        raise ValueError(f"no shape {shape!r}: {', '.join(SHAPES)}")
    return SHAPES[shape](wish, hours)

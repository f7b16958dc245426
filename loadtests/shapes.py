"""The shapes of a load: how many calls a second are due at which second, for which message type;
pure, nothing is sent here.
"""

from __future__ import annotations

from dataclasses import dataclass

from loadtests.workload import Workload

NAMES = ("flat", "working-day", "pay-day", "step", "soak")
DAY_SECONDS = 86_400.0
SOAK_SECONDS = 3_600.0
#: Each step of `step` is so much higher than the one before.
STEP_GROWTH = 1.25


@dataclass(frozen=True, slots=True)
class Shape:
    """A load of `rate` calls a second on average over `seconds`.

    `hours` shapes a compressed day (empty: flat); `extra` multiplies types in some hours; a
    `step_seconds` of more than 0 starts at `rate` and grows by `STEP_GROWTH` after each step.
    """

    name: str
    rate: float
    seconds: float
    hours: tuple[float, ...] = ()
    extra_types: tuple[str, ...] = ()
    extra_hours: tuple[int, ...] = ()
    extra_times: float = 1.0
    step_seconds: float = 0.0

    def at(self, second: float) -> float:
        """Calls a second due at that second, before what `times` adds to some types; 0 outside the
        load.
        """
        if not 0 <= second < self.seconds:
            return 0.0
        if self.step_seconds:
            return float(self.rate * STEP_GROWTH ** (second // self.step_seconds))
        return self.rate * self.hours[self._hour(second)] * 24 if self.hours else self.rate

    def kept_before(self, second: float) -> float:
        """The rate of the step before the one of that second: the last that was kept when a load
        broke in this one; 0 for the first.
        """
        before = second // self.step_seconds - 1 if self.step_seconds else -1
        return float(self.rate * STEP_GROWTH**before) if before >= 0 else 0.0

    def times(self, second: float, message_type: str) -> float:
        """How much more than usual of a type is due at that second."""
        if message_type in self.extra_types and self._hour(second) in self.extra_hours:
            return self.extra_times
        return 1.0

    @property
    def rate_max(self) -> float:
        """The highest `at`, without what `times` adds."""
        if self.step_seconds:
            return self.at(self.seconds - 1e-6)
        return self.rate * max(self.hours) * 24 if self.hours else self.rate

    def _hour(self, second: float) -> int:
        return min(int(24 * second / self.seconds), 23)


def make(
    name: str,
    workload: Workload,
    rate: float,
    seconds: float,
    day: float,
    factor: float,
    step_seconds: float,
) -> Shape:
    """The shape of that name.

    `day` is the calls of a day and `factor` how many times faster than a day it goes; a `rate`
    above 0 takes the place of day x factor / 86,400, and `seconds` above 0 that of the whole day,
    compressed (an hour for `soak`).

    Raises:
        ValueError: for an unknown name or a load of nothing.
    """
    if name not in NAMES:
        raise ValueError(f"no shape {name!r}: {', '.join(NAMES)}")
    mean = rate if rate > 0 else day * factor / DAY_SECONDS
    length = seconds if seconds > 0 else SOAK_SECONDS if name == "soak" else DAY_SECONDS / factor
    if mean <= 0 or length <= 0:
        raise ValueError("a load needs a rate and a duration")
    if name == "step":
        return Shape(name, mean, length, step_seconds=step_seconds)
    if name == "working-day":
        return Shape(name, mean, length, workload.hours)
    if name == "pay-day":
        pay = workload.pay_day
        return Shape(
            name=name,
            rate=mean,
            seconds=length,
            hours=workload.hours,
            extra_types=pay.types,
            extra_hours=pay.hours,
            extra_times=pay.times,
        )
    return Shape(name, mean, length)

"""When calls are due: a rate over time and the arrivals that follow from it; pure, and nothing of what is called."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some seconds in which the rate (calls a second) goes evenly from `begin` to `end`."""

    seconds: float
    begin: float
    end: float

    @property
    def calls(self) -> float:
        """How many calls are due in it."""
        return self.seconds * (self.begin + self.end) / 2

    def until(self, calls: float) -> float:
        """The seconds after which so many calls were due: the root of begin·t + slope·t²/2 = calls, without cancellation."""
        slope = (self.end - self.begin) / self.seconds
        speed = self.begin + math.sqrt(max(self.begin * self.begin + 2 * slope * calls, 0.0))
        return min(2 * calls / speed, self.seconds) if speed else self.seconds


@dataclass(frozen=True)
class Schedule:
    """Stretches one after another."""

    stretches: Sequence[Stretch]

    @cached_property
    def seconds(self) -> float:
        """How long it is."""
        return sum(stretch.seconds for stretch in self.stretches)

    @cached_property
    def calls(self) -> float:
        """How many calls are due in all."""
        return sum(stretch.calls for stretch in self.stretches)

    def arrivals(self, share: float, rng: random.Random, even: bool = False) -> Iterator[float]:
        """The seconds from the beginning at which `share` of the calls are due, in order.

        By default independent of each other (a Poisson process, as calls of many partners are); `even` puts them at equal
        distances, from a point of the first one drawn by chance. Either way none depends on an answer.
        """
        if share <= 0:
            return
        gaps = itertools.repeat(1.0) if even else iter(lambda: rng.expovariate(1.0), None)
        due = rng.random() if even else next(gaps)
        before, begun = 0.0, 0.0
        for stretch in self.stretches:
            while due / share <= before + stretch.calls:
                yield begun + stretch.until(due / share - before)
                due += next(gaps)
            before += stretch.calls
            begun += stretch.seconds

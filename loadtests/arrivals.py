"""When calls are due: a Poisson process whose rate changes over time, and what is due by it; waits
for nothing and sends nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from loadtests.calls import Sample
from loadtests.shapes import Shape
from loadtests.workload import Mix


@dataclass(slots=True)
class Arrivals:
    """The calls of one source. `part` is its share of all calls of the load; the same seed gives
    the same calls.
    """

    mix: Mix
    shape: Shape
    part: float
    rng: random.Random

    def __iter__(self) -> Iterator[tuple[float, Sample]]:
        """(second, sample) in order of time, by thinning: candidates at the highest rate, each kept
        as often as its rate is of that.
        """
        calls = self.mix.calls
        if calls <= 0 or self.part <= 0:
            return
        shape, rng = self.shape, self.rng
        types = [flow.message_type for flow, _ in self.mix.flows]
        extra = sum(
            flow.calls * (shape.extra_times if flow.message_type in shape.extra_types else 1.0)
            for flow, _ in self.mix.flows
        )
        highest = shape.rate_max * self.part * max(extra / calls, 1.0)
        second = 0.0
        while True:
            second += rng.expovariate(highest)
            if second >= shape.seconds:
                return
            times = [shape.times(second, name) for name in types]
            more = (
                sum(
                    flow.calls * each for (flow, _), each in zip(self.mix.flows, times, strict=True)
                )
                / calls
            )
            if rng.random() * highest < shape.at(second) * self.part * more:
                yield second, self.mix.draw(rng, times)

"""What stubs draw by chance."""

from __future__ import annotations

import random
from collections import Counter

from exchange.partners.stub import Situation
from exchange.schemas.directory import load

NAMES = [f"county.{number}" for number in range(16)]


def drawn(names: list[str]) -> list[tuple[str, float]]:
    """The choice of each of many situations, and what is drawn after it."""
    directory, found = load(), []
    for seed in range(3_400):
        situation = Situation(random.Random(seed), 0, seed, directory)
        found.append((situation.choose(names), situation.rng.random()))
    return found


def test_one_more_among_the_chosen_takes_its_share_and_moves_nothing_else() -> None:
    before, after = drawn(NAMES), drawn(["county.new", *NAMES])
    changed = [(one, other) for one, other in zip(before, after, strict=True) if one != other]
    assert {other[0] for _, other in changed} == {"county.new"}
    assert all(one[1] == other[1] for one, other in zip(before, after, strict=True))
    counts = Counter(name for name, _ in after)
    # 200 each on average; five standard deviations.
    assert len(counts) == 17
    assert all(130 < count < 270 for count in counts.values())


def test_the_chosen_follow_their_weights() -> None:
    directory, weights = load(), {"large": 8.0, "small": 1.0, "nobody-said": 1.0}
    counts = Counter(
        Situation(random.Random(seed), 0, seed, directory).choose(list(weights), weights)
        for seed in range(3_000)
    )
    # 2,400 and 300 on average; five standard deviations.
    assert 2_290 < counts["large"] < 2_510
    assert 218 < counts["small"] < 382

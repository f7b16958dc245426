"""When a failed delivery is tried again, and when it is given up; nothing that waits."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with jitter, at most so many attempts, at most so old."""

    attempts_max: int
    first_backoff_seconds: float
    backoff_seconds_max: float
    deadline_seconds: float
    seed: int = 0

    def next_at(self, delivery_id: int, attempts: int, received_at: int, now: int) -> int | None:
        """When to try again (milliseconds) after `attempts` attempts, or None to give up.

        The wait doubles with each attempt and is drawn evenly from its upper half, by the seed and
        the delivery alone.
        """
        if attempts >= self.attempts_max:
            return None
        backoff = min(self.first_backoff_seconds * 2 ** (attempts - 1), self.backoff_seconds_max)
        chance = random.Random(f"{self.seed}:{delivery_id}:{attempts}").random()
        at = now + int(backoff * 1000 * (0.5 + chance / 2))
        if at > received_at + int(self.deadline_seconds * 1000):
            return None
        return at

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

    def next_at(
        self,
        delivery_id: int,
        attempts: int,
        since: int,
        now: int,
        asked_seconds: float = 0.0,
    ) -> int | None:
        """When to try again (milliseconds) after `attempts` attempts, or None to give up a delivery
        whose time began at `since`.

        The wait doubles with each attempt and is drawn evenly from its upper half, by the seed and
        the delivery alone. It is not shorter than the receiver asked for, up to the longest wait.
        """
        if attempts >= self.attempts_max:
            return None
        backoff = min(self.first_backoff_seconds * 2 ** (attempts - 1), self.backoff_seconds_max)
        chance = random.Random(f"{self.seed}:{delivery_id}:{attempts}").random()
        asked = min(asked_seconds, self.backoff_seconds_max)
        at = now + int(max(backoff * (0.5 + chance / 2), asked) * 1000)
        return None if self.is_over(since, at) else at

    def is_over(self, since: int, at: int) -> bool:
        """Whether a delivery whose time began at `since` is too old at a time (milliseconds)."""
        return at > since + int(self.deadline_seconds * 1000)

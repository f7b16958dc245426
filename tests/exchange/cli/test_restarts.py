"""A worker that dies again and again is started again ever later, one that lived long at once."""

from __future__ import annotations

from exchange.cli.serving.supervise import PAUSE_SECONDS_MAX, SHORT_SECONDS, Restarts


class Dying:
    """Workers on a clock in the test's hand."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.restarts = Restarts(lambda: self.now)

    def dies(self, worker: int, after_seconds: float) -> float:
        """Start it and have it die; how long it is waited for, to an eighth of a second."""
        self.restarts.started(worker)
        self.now += after_seconds
        self.restarts.ended(worker)
        began = self.now
        while worker not in self.restarts.due():
            self.now += 0.125
        return self.now - began


def test_the_pause_doubles_up_to_its_limit_and_is_forgotten_after_a_long_life() -> None:
    dying = Dying()
    pauses = [dying.dies(0, 0.25) for _ in range(8)]
    assert pauses == [1, 2, 4, 8, 16, PAUSE_SECONDS_MAX, PAUSE_SECONDS_MAX, PAUSE_SECONDS_MAX]
    assert dying.dies(0, SHORT_SECONDS) == 0
    assert dying.dies(0, SHORT_SECONDS - 0.25) == 1


def test_each_worker_has_its_own_pause_and_is_started_once() -> None:
    dying = Dying()
    assert [dying.dies(0, 0.25) for _ in range(3)] == [1, 2, 4]
    assert dying.dies(1, 0.25) == 1
    assert dying.restarts.due() == [0, 1]
    dying.restarts.started(0)
    assert dying.restarts.due() == [1]

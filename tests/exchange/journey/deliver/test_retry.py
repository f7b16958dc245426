"""When a delivery is tried again: backoff and jitter within their bounds, an end by attempts and by
age.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exchange.journey.deliver.retry import RetryPolicy

NOW = 1_800_000_000_000
ids = st.integers(0, 2**63 - 1)


@given(ids, st.integers(1, 60), st.floats(0.001, 100), st.floats(0.001, 5000))
def test_a_wait_is_in_the_upper_half_of_its_backoff(
    delivery: int, attempts: int, first: float, most: float
) -> None:
    policy = RetryPolicy(100, first, most, 10**9)
    at = policy.next_at(delivery, attempts, NOW, NOW)
    backoff_milliseconds = min(first * 2 ** (attempts - 1), most) * 1000
    assert at is not None
    assert backoff_milliseconds / 2 - 1 <= at - NOW <= backoff_milliseconds


@given(ids, st.integers(1, 30), st.integers(0, 10))
def test_chance_comes_from_the_seed_and_the_delivery_alone(
    delivery: int, attempts: int, seed: int
) -> None:
    policies = [RetryPolicy(100, 1.0, 3600.0, 10**9, seed) for _ in range(2)]
    first, second = (policy.next_at(delivery, attempts, NOW, NOW) for policy in policies)
    assert first == second


def test_deliveries_that_failed_together_do_not_come_back_together() -> None:
    policy = RetryPolicy(100, 10.0, 3600.0, 10**9)
    times = {policy.next_at(delivery, 1, NOW, NOW) for delivery in range(1000)}
    assert len(times) > 700


@given(ids, st.integers(1, 20), st.integers(1, 20))
def test_the_last_attempt_is_the_last(delivery: int, attempts: int, most: int) -> None:
    at = RetryPolicy(most, 1.0, 10.0, 10**9).next_at(delivery, attempts, NOW, NOW)
    assert (at is None) == (attempts >= most)


@given(ids, st.integers(1, 20), st.integers(0, 200_000))
def test_nothing_is_tried_after_the_deadline(delivery: int, attempts: int, age: int) -> None:
    at = RetryPolicy(100, 1.0, 30.0, 100.0).next_at(delivery, attempts, NOW - age, NOW)
    assert at is None or at <= NOW - age + 100_000
    if age + 30_000 <= 100_000:
        assert at is not None

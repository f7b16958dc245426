"""Wrong keys by address: counted, forgotten and bounded."""

from __future__ import annotations

from exchange.web.access.failures import Failures


def test_too_many_wait_until_the_time_is_over() -> None:
    failures = Failures(2, 60, 100)
    assert [failures.add("192.0.2.1", at) for at in (0, 1000, 2000, 30_000)] == [0, 0, 58, 30]
    assert failures.add("192.0.2.2", 30_000) == 0
    assert failures.add("192.0.2.1", 60_000) == 0


def test_an_ipv6_network_is_one_caller() -> None:
    failures = Failures(1, 60, 100)
    assert failures.add("2001:db8::1", 0) == 0
    assert failures.add("2001:db8::ffff:2", 0) == 60
    assert failures.add("2001:db8:0:1::1", 0) == 0
    assert failures.add("::ffff:192.0.2.1", 0) == failures.add("::ffff:192.0.2.2", 0) == 0


def test_memory_is_bounded_whoever_calls() -> None:
    failures = Failures(2, 60, 50)
    for number in range(1000):
        failures.add(f"192.0.{number // 250}.{number % 250}", number)
        failures.add("x" * 10_000 + str(number), number)
    assert len(failures) == 50

"""What a scenario expects, held against counts."""

from __future__ import annotations

import pytest

from exchange.simulation.scenarios.expectations import Expectation

#: By kind, channel, message type, sender, receiver, endpoint.
COUNTS = {
    ("queued", "luova", "a.b", "dvv", "kela", "api"): 5,
    ("queued", "luova", "a.c", "dvv", "fund", "api"): 2,
    ("resent", "luova", "a.b", "dvv", "kela", ""): 1,
    ("delivered", "luova", "a.b", "dvv", "kela", "api"): 3,
    ("dead-lettered", "luova", "a.b", "dvv", "kela", "api"): 1,
}


@pytest.mark.parametrize(
    ("expectation", "found"),
    [
        (Expectation("queued", count=0), 7),
        (Expectation("queued", receiver="fund", count=0), 2),
        (Expectation("queued", message_type="a.b", sender="dvv", count=0), 5),
        (Expectation("queued", sender="fund", count=0), 0),
        (Expectation("waiting", count=0), 4),
        (Expectation("waiting", receiver="kela", count=0), 2),
        (Expectation("rejected", count=0), 0),
    ],
)
def test_what_is_named_is_summed(expectation: Expectation, found: int) -> None:
    assert expectation.found(COUNTS) == found


def test_a_count_is_met_by_that_many_alone() -> None:
    three = Expectation("accepted", count=3)
    assert [three.is_met(found) for found in (2, 3, 4)] == [False, True, False]


def test_bounds_are_met_from_one_to_the_other() -> None:
    some = Expectation("accepted", at_least=2, at_most=3)
    assert [some.is_met(found) for found in (1, 2, 3, 4)] == [False, True, True, False]
    assert some.wanted() == "at least 2 and at most 3"
    assert Expectation("accepted", at_least=2).is_met(1_000)

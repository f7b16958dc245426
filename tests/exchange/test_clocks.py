"""Ids and times, and the tree of errors: ids grow and never repeat, whatever the clock does."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange import errors
from exchange.clocks import EPOCH_MILLISECONDS, SequentialIds, WallClock, first_id
from exchange.schemas.envelope import id_from_public, public_id


class SetClock:
    """A clock that tells what it was set to."""

    def __init__(self, now: int) -> None:
        self.time = now

    def now(self) -> int:
        """The time that was set."""
        return self.time

    async def sleep(self, seconds: float) -> None:
        """Never asked for."""
        raise AssertionError


@given(st.lists(st.integers(-5, 5), max_size=60), st.sampled_from([0, 1, 1023]))
def test_ids_grow_even_when_the_clock_steps_back(steps: list[int], worker: int) -> None:
    clock = SetClock(EPOCH_MILLISECONDS + 1_000_000)
    ids = SequentialIds(clock, worker)
    given_out = []
    for step in steps:
        clock.time += step
        given_out.append(ids.next())
    assert given_out == sorted(set(given_out))
    assert all(0 < each < 1 << 63 for each in given_out)
    assert {each >> 12 & 1023 for each in given_out} <= {worker}


def test_more_ids_than_a_millisecond_has() -> None:
    clock = SetClock(EPOCH_MILLISECONDS + 1)
    ids = [SequentialIds(clock, worker) for worker in (0, 1)]
    given_out = [each.next() for _ in range(10_000) for each in ids]
    assert len(set(given_out)) == 20_000
    assert given_out[::2] == sorted(given_out[::2])


@pytest.mark.parametrize("worker", [-1, 1024])
def test_there_are_1024_workers(worker: int) -> None:
    with pytest.raises(ValueError, match="not below 1024"):
        SequentialIds(WallClock(), worker)


@given(st.integers(0, 2**40))
def test_the_first_id_of_a_time_parts_the_older_from_the_younger(milliseconds: int) -> None:
    at = EPOCH_MILLISECONDS + milliseconds
    assert SequentialIds(SetClock(at + 1), 1023).next() > first_id(at + 1) >= first_id(at)
    if milliseconds:
        assert SequentialIds(SetClock(at - 1 or 1), 1023).next() < first_id(at) or milliseconds == 1
    assert first_id(0) == 0


@given(st.integers(0, 2**63 - 1))
def test_a_public_id_leads_back(number: int) -> None:
    assert id_from_public(public_id(number)) == number
    assert id_from_public(public_id(number).upper()) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0" * 31,
        "0" * 33,
        "g" + "0" * 31,
        "-" + "0" * 31,
        "0x" + "0" * 30,
        "0_" * 16,
        " " * 31 + "1",
        "f" * 32,
        "٣" * 32,
    ],
)
def test_what_is_no_public_id(text: str) -> None:
    with pytest.raises(ValueError, match="id"):
        id_from_public(text)


def test_the_tree_of_errors_is_as_drawn() -> None:
    above = {-1: "Exception"}
    drawn = {}
    for indent, name in re.findall(r"^( *)- `(\w+)`: ", errors.__doc__ or "", re.M):
        depth = len(indent) // 2
        above[depth] = name
        drawn[name] = above[depth - 1]
    assert drawn == {
        each.__name__: each.__bases__[0].__name__
        for each in vars(errors).values()
        if isinstance(each, type) and each.__module__ == errors.__name__
    }

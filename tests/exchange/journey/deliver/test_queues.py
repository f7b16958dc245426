"""What a dispatcher takes into its memory, and of which receiver: by their shares alone."""

from __future__ import annotations

from exchange.journey.deliver.queues import Bounds, Held
from exchange.ports.ledger import Due


def fitting(ready_max: int, receivers: str) -> str:
    """The receivers (a letter each) of the deliveries that are read into an empty memory."""
    due = [Due(number, receiver) for number, receiver in enumerate(receivers)]
    held = Held(Bounds(ready_max=ready_max))
    return "".join(receivers[number] for number in held.fitting(due))


def test_no_receiver_is_read_for_more_than_is_left_for_all_others() -> None:
    assert fitting(16, "a" * 60) == "a" * 8
    assert fitting(16, "a" * 60 + "b" * 60) == "a" * 8 + "b" * 4


def test_no_more_is_read_than_there_is_room_for() -> None:
    assert fitting(2, "abcd") == "ab"

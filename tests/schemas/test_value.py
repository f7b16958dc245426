"""Values compare and may be keys, and the type checker keeps their fields from being set."""

from __future__ import annotations

from dataclasses import replace

from exchange.ports import Destination
from exchange.schemas.call import Reply


def test_values_of_the_same_fields_are_one_key() -> None:
    one, other = Destination("etk", "push"), Destination("etk", "push")
    assert one == other
    assert len({one, other, replace(other, mode="mailbox")}) == 2


def test_a_copy_with_another_field_leaves_the_first() -> None:
    reply = Reply(200, b"yes")
    assert replace(reply, status=500) == Reply(500, b"yes")
    assert reply.status == 200


def test_the_type_checker_refuses_to_set_a_field() -> None:
    """The checker reads this file, and fails where it has nothing to ignore."""
    reply = Reply(200)
    reply.status = 500  # type: ignore[misc]
    assert reply.status == 500, "nothing else forbids it"

"""How rows of the ledger are selected: dead letters by filters, what is old by id and position."""

from __future__ import annotations

from typing import NamedTuple


class DeadFilter(NamedTuple):
    """Which dead letters: by receiver, message type, cause (the code that a reason begins with),
    and ended since a time (milliseconds); what is empty or 0 selects nothing out.
    """

    receiver: str = ""
    message_type: str = ""
    reason: str = ""
    since: int = 0


#: Every dead letter.
ALL_DEAD = DeadFilter()


class Old(NamedTuple):
    """What is old enough to be forgotten: messages with ids below `before` that were committed up
    to the position `until`, so that nothing goes before what was committed earlier is old, whatever
    the clock did meanwhile.
    """

    before: int
    until: int

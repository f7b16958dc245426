"""Nothing is delivered: the register answers who asks."""

from __future__ import annotations

from exchange.errors import Unroutable
from exchange.ports import Attempted, Delivered, Delivery
from exchange.schemas.call import Call, Reply


def request(delivery: Delivery) -> Call:
    """No call: no question goes to anybody.

    Raises:
        Unroutable: always.
    """
    raise Unroutable("no-route", "the register's questions are delivered to nobody")


def judge(delivery: Delivery, reply: Reply) -> Attempted:
    """A reply to a call that is never made."""
    return Delivered()

"""The port of the dead letters by filters, and of what they hold up; no SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from exchange.ports.rows import DeadFilter


class HeldUp(NamedTuple):
    """How many ordered deliveries wait behind a dead letter of their conversation, and when the
    oldest was received (milliseconds).
    """

    deliveries: int
    oldest_at: int


class DeadLetters(Protocol):
    """Dead letters that match a filter and ended up to a time `until` (milliseconds); when
    `resendable`, only those that can be sent again: their body is there, and no caller waited for
    the answer.
    """

    async def matching(
        self,
        *,
        wanted: DeadFilter,
        after: int,
        until: int,
        without: Sequence[str],
        resendable: bool,
        most: int,
    ) -> list[int]:
        """Their ids above `after`, the lowest first, but of those to the receivers `without`."""
        ...

    async def receivers(
        self, wanted: DeadFilter, until: int, resendable: bool
    ) -> Mapping[str, int]:
        """How many of them each receiver has."""
        ...

    async def without_body(self, delivery_ids: Sequence[int]) -> list[int]:
        """Those of the deliveries whose message's body is forgotten."""
        ...

    async def held_up(self) -> Mapping[str, HeldUp]:
        """What waits behind dead letters of its ordered conversation, by receiver; costs as much
        as waits for the receivers that have such letters.
        """
        ...

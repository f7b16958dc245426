"""Slots for calls that are served at once: so many in all, and so many of each partner."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class CallSlots:
    """Slots for calls of one kind."""

    def __init__(self, most: int, partner_most: int) -> None:
        self.taken = 0
        self._most = most
        self._partner_most = partner_most
        self._of_partner: dict[str, int] = {}

    @property
    def full(self) -> bool:
        """Whether nobody else may have one."""
        return self.taken >= self._most

    def full_for(self, partner: str) -> bool:
        """Whether that partner has as many as it may."""
        return self._of_partner.get(partner, 0) >= self._partner_most

    @contextmanager
    def take(self, partner: str) -> Iterator[None]:
        """Have one for as long as the block lasts."""
        self.taken += 1
        self._of_partner[partner] = self._of_partner.get(partner, 0) + 1
        try:
            yield
        finally:
            self.taken -= 1
            left = self._of_partner[partner] - 1
            if left:
                self._of_partner[partner] = left
            else:
                del self._of_partner[partner]

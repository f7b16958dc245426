"""What the fetching of deliveries from the ledger needs, of ordered and of unordered ones alike;
fetches nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from exchange.journey.deliver.queues import Bounds
from exchange.ports import Clock, Delivery, Ledger
from exchange.ports.lanes import Lanes
from exchange.ports.ledger import Pending


class Memory(Protocol):
    """What holds deliveries until they are made (the dispatcher)."""

    def holds(self, delivery_id: int) -> bool:
        """Whether it has that delivery."""
        ...

    def room(self, receiver: str) -> int:
        """How many more deliveries to a receiver it would hold."""
        ...

    def take(self, delivery: Delivery, not_before: int = 0) -> bool:
        """Hold a delivery, an ordered one to be made after those of its conversation that are held
        already; False when there is no room.
        """
        ...


@dataclass(frozen=True, slots=True)
class Fetching:
    """From where, for whom and within which bounds deliveries are fetched."""

    ledger: Ledger
    clock: Clock
    memory: Memory
    delivery_of: Callable[[Pending], Delivery]
    lanes: Lanes
    bounds: Bounds

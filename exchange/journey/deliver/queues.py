"""What a dispatcher holds within its bounds: queues of deliveries, and which receiver has how much
of the memory; what is made when is decided elsewhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from exchange.ports import Delivery
from exchange.ports.ledger import Due


@dataclass(slots=True)
class Queue:
    """The deliveries to one receiver (or of one ordered conversation), and how many are
    being made.
    """

    receiver: str
    limit: int
    ordered: bool = False
    waiting: deque[Delivery] = field(default_factory=deque)
    active: int = 0
    #: An ordered queue stands still while its first delivery waits for its next attempt.
    paused: bool = False


@dataclass(slots=True)
class Share:
    """What one receiver has of the memory: deliveries and bytes of their bodies."""

    deliveries: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a dispatcher holds and does at most; units as in `settings.Deliveries`. `calls_ahead`:
    whether a receiver is called again before what it took is committed, which pays where a commit
    takes longer than a call (on a server; in a file it only makes commits smaller).
    """

    concurrent_max: int = 64
    concurrent_receiver_max: int = 16
    ready_max: int = 4096
    ready_bytes_max: int = 33_554_432
    poll_seconds: float = 1.0
    backoff_seconds_max: float = 3600.0
    lease_seconds_max: float = 3600.0
    calls_ahead: bool = False


class Held:
    """The deliveries in memory, by id, and each receiver's share of it."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._sizes: dict[int, int] = {}
        self._bytes = 0
        self._shares: dict[str, Share] = {}

    def __len__(self) -> int:
        return len(self._sizes)

    def __contains__(self, delivery_id: int) -> bool:
        return delivery_id in self._sizes

    def share(self, receiver: str) -> int:
        """How many deliveries to a receiver are held."""
        share = self._shares.get(receiver)
        return share.deliveries if share is not None else 0

    def full(self, room: int) -> list[str]:
        """The receivers that hold as many deliveries as there is room for."""
        return [receiver for receiver, share in self._shares.items() if share.deliveries >= room]

    def room(self, receiver: str) -> int:
        """How many more deliveries to a receiver fit (see `has_room`), but for their bytes."""
        free = self._bounds.ready_max - len(self._sizes)
        return max(0, (free - self.share(receiver) + 1) // 2)

    def has_room(self, receiver: str, size: int) -> bool:
        """Whether one more delivery fits. A receiver may hold as much as is still free for all, so
        that however many of them are slow, there is room left for the others.
        """
        bounds = self._bounds
        free, free_bytes = (
            bounds.ready_max - len(self._sizes),
            bounds.ready_bytes_max - self._bytes,
        )
        share = self._shares.get(receiver)
        if share is None:
            return free > 0 and (size <= free_bytes or not self._sizes)
        return share.deliveries < free and share.bytes + size <= free_bytes

    def hold(self, delivery: Delivery) -> None:
        """Take it into the account."""
        size = self._sizes[delivery.id] = len(delivery.body)
        self._bytes += size
        share = self._shares.setdefault(delivery.receiver.id, Share())
        share.deliveries += 1
        share.bytes += size

    def let_go(self, delivery: Delivery) -> None:
        """Take it out again."""
        size = self._sizes.pop(delivery.id)
        self._bytes -= size
        share = self._shares[delivery.receiver.id]
        share.deliveries -= 1
        share.bytes -= size
        if not share.deliveries:
            del self._shares[delivery.receiver.id]

    def fitting(self, due: Sequence[Due]) -> list[int]:
        """The ids of those that there is room for, so that no body is read in vain."""
        free = self._bounds.ready_max - len(self._sizes)
        shares = {receiver: share.deliveries for receiver, share in self._shares.items()}
        fitting = []
        for each in due:
            share = shares.get(each.receiver, 0)
            if share < free:
                fitting.append(each.id)
                shares[each.receiver] = share + 1
                free -= 1
        return fitting

"""How much may wait: deliveries and bytes for each receiver, and in all; whoever is full takes no
more, and the others go on. What is asked for in the same call waits for nobody and is not limited.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from exchange.errors import Full
from exchange.ports import Destination

#: What a sender is told to wait before coming again, in seconds.
RETRY_AFTER_SECONDS = 5


class Amount(NamedTuple):
    """Waiting deliveries and the bytes of their messages."""

    deliveries: int = 0
    bytes: int = 0

    def plus(self, deliveries: int, size: int) -> Amount:
        """The sum."""
        return Amount(self.deliveries + deliveries, self.bytes + size)


@dataclass(frozen=True, slots=True)
class WaitingLimits:
    """The limits; names and units as in `settings.Limits`."""

    waiting_max: int
    waiting_bytes_max: int
    waiting_all_max: int
    waiting_all_bytes_max: int


class Waiting:
    """What waits for each receiver: what the ledger counted when it was last looked at, and what
    this worker has taken in since that look began. Other workers' messages of the last second may
    go beyond a limit. Nothing is limited before the first look: a simulation has none.
    """

    def __init__(self, limits: WaitingLimits) -> None:
        self._limits = limits
        self._amounts: dict[str, Amount] = {}
        self._all = Amount()
        #: What is being committed just now, and what was taken in since the look began.
        self._entering: defaultdict[str, Amount] = defaultdict(Amount)
        self._since: defaultdict[str, Amount] = defaultdict(Amount)
        self._looked = False

    def begin_look(self) -> None:
        """The ledger is about to be asked: it may count what is entering, or not."""
        self._since = self._entering.copy()

    def end_look(self, counted: Mapping[str, Amount]) -> None:
        """Take over what the ledger counts."""
        self._looked = True
        self._amounts = {receiver: amount for receiver, amount in counted.items() if any(amount)}
        self._all = Amount(
            sum(each.deliveries for each in counted.values()),
            sum(each.bytes for each in counted.values()),
        )
        for receiver, amount in self._since.items():
            self._count(receiver, *amount)

    def enter(self, destinations: Sequence[Destination], size: int) -> Sequence[str]:
        """Hold room for a message's deliveries while it is committed; the receivers for whom
        `leave` gives it back.

        Raises:
            Full: when a receiver, or the exchange, is full.
        """
        if not self._looked:
            return ()
        receivers = [each.receiver for each in destinations if each.mode != "ask"]
        self._require_room(receivers)
        for receiver in receivers:
            self._add(receiver, 1, size)
            self._entering[receiver] = self._entering[receiver].plus(1, size)
        return receivers

    def leave(self, receivers: Sequence[str], size: int, stored: bool) -> None:
        """The commit has ended: what was stored waits, the room of what was not is given back."""
        for receiver in receivers:
            left = self._entering[receiver].plus(-1, -size)
            self._entering[receiver] = left
            if not left.deliveries:
                del self._entering[receiver]
            if not stored:
                self._add(receiver, -1, -size)

    def _add(self, receiver: str, deliveries: int, size: int) -> None:
        self._since[receiver] = self._since[receiver].plus(deliveries, size)
        self._count(receiver, deliveries, size)

    def _count(self, receiver: str, deliveries: int, size: int) -> None:
        self._amounts[receiver] = self._amounts.get(receiver, Amount()).plus(deliveries, size)
        self._all = self._all.plus(deliveries, size)

    def _require_room(self, receivers: Sequence[str]) -> None:
        if not receivers:
            return
        if self.all_full:
            raise Full("", f"{self._all.deliveries} deliveries wait in the exchange, its limit")
        for receiver in receivers:
            amount = self._amounts.get(receiver, Amount())
            if self._is_full(amount):
                raise Full(
                    receiver,
                    f"{amount.deliveries} deliveries ({amount.bytes} bytes) wait for {receiver}, "
                    f"its limit is {self._limits.waiting_max} ({self._limits.waiting_bytes_max} "
                    "bytes)",
                )

    def _is_full(self, amount: Amount) -> bool:
        limits = self._limits
        return amount.deliveries >= limits.waiting_max or amount.bytes >= limits.waiting_bytes_max

    def amount(self, receiver: str) -> Amount:
        """What waits for a receiver."""
        return self._amounts.get(receiver, Amount())

    @property
    def all(self) -> Amount:
        """What waits in all."""
        return self._all

    @property
    def all_full(self) -> bool:
        """Whether nothing more may wait, for whomever."""
        limits = self._limits
        return (
            self._all.deliveries >= limits.waiting_all_max
            or self._all.bytes >= limits.waiting_all_bytes_max
        )

    def full(self) -> dict[str, Amount]:
        """The receivers that are full, and what waits for each."""
        return {name: each for name, each in sorted(self._amounts.items()) if self._is_full(each)}

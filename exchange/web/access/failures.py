"""How many wrong keys came from an address lately; bounded, and forgotten with time."""

from __future__ import annotations

from collections import OrderedDict

from exchange.web.networks import network_of


class Failures:
    """Wrong keys by address. A right key is never refused for them: nobody can lock an operator
    out, and 256 random bits are not found by trying.
    """

    def __init__(self, most: int, seconds: int, addresses_max: int) -> None:
        self._most = most
        self._milliseconds = seconds * 1000
        self._addresses_max = addresses_max
        #: Address -> when its first wrong key came, and how many did since; oldest first.
        self._known: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def add(self, address: str, now: int) -> int:
        """Note a wrong key at `now` (milliseconds); seconds to wait when there were too many, else
        0.
        """
        name = network_of(address)
        since, count = self._known.get(name, (now, 0))
        if not 0 <= now - since < self._milliseconds:
            since, count = now, 0
        self._known[name] = (since, count + 1)
        self._known.move_to_end(name)
        while len(self._known) > self._addresses_max:
            self._known.popitem(last=False)
        left = since + self._milliseconds - now
        return max(1, -(-left // 1000)) if count >= self._most else 0

"""What a channel's stub is: flows that it sends and calls that it answers, as plain values; no
server and no client.

`adapters/<channel>/partner.py` exports one `STUB: Stub`. It shares no code with the channel that it
tests.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from math import log
from typing import Protocol

from exchange.schemas.call import Call, Reply
from exchange.schemas.directory import Directory, Partner
from exchange.schemas.value import value

#: How many items the next message of a type should hold.
Wanted = Callable[[str], int | None]


def as_it_likes(message_type: str) -> int | None:
    """Nobody plans the traffic: the stub decides how much it sends."""
    return None


class Situation:
    """What a stub may use: a seeded source of chance (to be drawn from before it returns), the time
    (milliseconds), a number of its own, everybody's addresses.

    `signs` is False where what is sent is not signed, though its channel demands it: where each run
    must be the same byte for byte, or where ids are exchanged afterwards.

    `wanted` tells how many items the next message of a type should hold, where somebody plans the
    traffic (0: it is not sent at all); None leaves it to the stub. With a `seed` the source is
    seeded when it is first asked for: much of the stubs' work needs no chance. `to` are the names
    of the one partner that is chosen wherever it may be (empty: by chance).
    """

    __slots__ = ("_rng", "_seed", "directory", "now", "serial", "signs", "to", "wanted")

    def __init__(
        self,
        rng: random.Random,
        now: int,
        serial: int,
        directory: Directory,
        wanted: Wanted = as_it_likes,
        seed: int | None = None,
        to: Collection[str] = (),
        signs: bool = True,
    ) -> None:
        self.to = to
        self._rng = rng
        self.signs = signs
        self._seed = seed
        self.now = now
        self.serial = serial
        self.directory = directory
        self.wanted = wanted

    @property
    def rng(self) -> random.Random:
        """The source of chance."""
        if self._seed is not None:
            self._rng.seed(self._seed)
            self._seed = None
        return self._rng

    def choose(self, names: Sequence[str], weights: Mapping[str, float] | None = None) -> str:
        """One of some partners by chance, as likely as its weight says (default: each alike). What
        one more among them gets is taken from the others alike, and nothing else is drawn otherwise
        (weighted rendezvous hashing, Schindelhauer and Schomaker 2005): years with and without a
        partner differ in what that one gets.
        """
        if wanted := [name for name in names if name in self.to]:
            return wanted[0]
        drawn = self.rng.getrandbits(64).to_bytes(8, "big")

        def score(name: str) -> float:
            digest = blake2b(name.encode(), digest_size=8, key=drawn).digest()
            chance = (int.from_bytes(digest, "big") + 1) / (2**64 + 1)
            # Small is good: the time until the first of that many events a second.
            return -log(chance) / (weights or {}).get(name, 1.0)

        return min(names, key=score)


@value
class Sending:
    """A call to the exchange (path relative to its address, key in the headers); `then` makes
    further calls of the reply.
    """

    call: Call
    then: Callable[[Reply, Situation], Sequence[Sending]] | None = None
    #: How many published messages or items this call stands for (items in a delivery); 1 for most.
    items: int = 1
    #: Ids in the call that no other call may have. Empty: the value of its header `X-Message-Id`,
    #: if it has one.
    fresh: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Flow:
    """One kind of message from one partner. `weight` is its yearly number of calls (2024), for
    mixing traffic; with 0 it is sent only where somebody asks for this flow.
    """

    name: str
    partner: str
    message_type: str
    weight: float
    make: Callable[[Situation], Sending]


@value
class Served:
    """The answer to a call by the exchange, and what the partner sends unasked
    afterwards.
    """

    reply: Reply
    then: Sequence[Sending] = field(default=())


AtWill = Mapping[str, Callable[[Partner, Situation], Sending]]


class Stub(Protocol):
    """A channel's partners, all of them."""

    channel: str

    @property
    def at_will(self) -> AtWill:
        """By type, how any partner makes a call that only some partners, or none, have a flow for:
        for samples of a partner of one's own.
        """
        ...

    def flows(self, directory: Directory) -> Sequence[Flow]:
        """Everything that the partners of this channel send by themselves."""
        ...

    def begin(self, directory: Directory, situation: Situation) -> Sequence[Sending]:
        """What the partners of this channel send once, when they begin: what must stand before
        anything comes to them.

        They may begin again at any time, and then find what they left.
        """
        ...

    def submit(
        self, partner: Partner, message_type: str, message_id: str, body: bytes, receiver: str
    ) -> Call:
        """The call with which `partner` sends a message that somebody else made (a file, say), as
        this channel wants it.

        `message_id` and `receiver` are for channels whose documents don't hold them; an empty
        receiver leaves the choice to the exchange.

        Raises:
            ValueError: when the channel has no way to send that type; the text says which types it
            has.
        """
        ...

    def serve(self, partner: Partner, call: Call, situation: Situation) -> Served | None:
        """The answer of `partner` to a call by the exchange, or None when the call is not of this
        channel.
        """
        ...

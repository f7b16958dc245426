"""Lanes: which worker makes a delivery, and how another worker tells it that there is one; leases
of them, where workers are nodes on several machines; what an operator is told of all nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Mapping, Sequence
from hashlib import blake2b
from typing import Literal, Protocol

from exchange.schemas.value import value

#: How many lanes there are; a delivery's lane is stored with it, so this never changes.
LANES = 256
#: The number, after those of the lanes, by which the keeper's duty is leased: what one node does
#: for all (retention, watches, deadlines of mailboxes).
KEEPER = LANES
#: The owner of what nobody owns.
NOBODY = -1


def lane_of(receiver: str, channel: str, conversation: str) -> int:
    """The lane of an ordered delivery, from 0: the same in every process and on every machine."""
    named = "\0".join((receiver, channel, conversation)).encode("utf-8", "surrogatepass")
    return blake2b(named, digest_size=1).digest()[0]


class Wakes(Protocol):
    """Tells other workers that a delivery of theirs was committed. A wake may be lost: whoever it
    was meant for asks the ledger from time to time.
    """

    def wake(self, worker: int, receiver: str) -> None:
        """Tell a worker that there is something ordered for a receiver or, when `receiver` is
        empty, something unordered; returns at once.
        """
        ...

    def listen(self, worker: int, woken: Callable[[str], None]) -> None:
        """Call `woken` on the running loop with each receiver that this worker is told."""
        ...

    def stop(self, worker: int) -> None:
        """Listen no more."""
        ...


class Lanes(Protocol):
    """Who owns which lanes, as one worker sees it. A lane has one owner at any time, and only the
    owner makes its deliveries.
    """

    @property
    def wakes(self) -> Wakes | None:
        """How other workers are told, and tell; None where every worker only polls."""
        ...

    @property
    def worker(self) -> int:
        """This worker's number."""
        ...

    def own(self) -> Container[int]:
        """The lanes of this worker."""
        ...

    def may_make(self, lane: int) -> bool:
        """Whether this worker may still make a delivery of that lane which it holds in memory."""
        ...

    def takers(self) -> Sequence[int]:
        """The lanes whose unordered deliveries this worker makes; empty: none."""
        ...

    def callers(self) -> Sequence[int]:
        """The workers whose calls that a crash broke off are this worker's to end: itself, and some
        that there are no more.
        """
        ...

    def place(self, receiver: str, channel: str, message_id: int) -> int:
        """The lane of an unordered delivery that this worker takes in."""
        ...

    def owner(self, lane: int) -> int:
        """The worker that owns a lane; `NOBODY` when none does, as far as is known."""
        ...


@value
class Duties:
    """What a node does beside taking calls: makes deliveries, is the keeper when nobody else is."""

    delivers: bool
    keeps: bool


@value
class Standing:
    """Who has which lanes, by a renewal of leases: `own` are this node's (`KEEPER` among them when
    it is the keeper), `owners` says whose each one is that somebody has, `share` is how many lanes
    a node may have for now; `unbroken` is whether the lease had not ended before this renewal.
    """

    own: frozenset[int]
    owners: Mapping[int, int]
    share: int
    unbroken: bool


class Leases(Protocol):
    """Leases of lanes in the ledger, by its own clock: nobody is given what another node's lease is
    still running for.
    """

    @property
    def node(self) -> int:
        """The node that they are for."""
        ...

    async def renew(self, duties: Duties, lasts: int, given: Collection[int]) -> Standing:
        """Have this node's lease end in `lasts` milliseconds from now at the earliest, give lanes
        back, and take what is free, up to the node's share.

        Raises:
            LedgerUnavailable: when the ledger takes nothing just now.
        """
        ...

    async def hand_back(self) -> None:
        """Give everything back at once: this node ends.

        Raises:
            LedgerUnavailable: when the ledger takes nothing just now.
        """
        ...


#: What stands between a process's name and its role, in what a node calls itself.
_AS = " as "


def named(process: str, role: str) -> str:
    """What a node calls itself in the ledger: its process, and its role."""
    return f"{process}{_AS}{role}"


def role_of(name: str) -> str:
    """The role of the node that calls itself so; empty where it does not say (an older version)."""
    return name.rpartition(_AS)[2] if _AS in name else ""


@value
class Node:
    """What is known of a node. `name` and `since` (milliseconds since 1970 UTC) are what it said
    when it began. It is `live` while its lease runs and `gone` when that has ended without being
    handed back; `supervised` where the ledger is in a file: such a worker leases nothing, and is
    started again by its supervisor. `seen_at` is when it renewed its lease, in milliseconds by the
    ledger's clock (0: it has none). `due` counts deliveries in its lanes that are due now, to
    receivers that are up and have no dead letter of an ordered conversation in the lane, the
    oldest of them since `due_since`.
    """

    number: int
    epoch: int
    name: str
    since: int
    state: Literal["live", "gone", "supervised"]
    seen_at: int = 0
    lanes: int = 0
    is_keeper: bool = False
    due: int = 0
    due_since: int = 0

    @property
    def role(self) -> str:
        """See `role_of`."""
        return role_of(self.name)

    @property
    def process(self) -> str:
        """Its name without the role."""
        return self.name.removesuffix(_AS + self.role)


@value
class Standby:
    """A standby of the ledger's server: by how many bytes of the write-ahead log what it shows is
    behind; `mode` as the server says it (`sync`, `quorum`, `async`, `potential`).
    """

    name: str
    mode: str
    behind_bytes: int


@value
class Cluster:
    """All nodes by number; how many lanes nobody holds, with the deliveries that are due in them;
    how many nodes wait for their turn to write, the longest for so many milliseconds. `standbys` is
    None where the ledger is in a file, or its user may not see them; `standby_missing` is whether
    commits wait for a synchronous one that is not there.
    """

    nodes: Sequence[Node]
    lanes_free: int = 0
    due_free: int = 0
    turns_waiting: int = 0
    turn_milliseconds: int = 0
    standbys: Sequence[Standby] | None = None
    standby_missing: bool = False


class Nodes(Protocol):
    """Tells of the nodes that share a ledger."""

    async def look(self, now: int) -> Cluster:
        """As they are now; `now` is the exchange's time, by which deliveries are due.

        Raises:
            LedgerError: when the ledger can't be read.
        """
        ...

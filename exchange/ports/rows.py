"""The rows and values that cross the ledger's port: messages, deliveries, events, what is recorded
and settled; no SQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from exchange.ports.operators import AuditRow
from exchange.schemas.value import value

Digest = bytes  # (A row has a column `bytes`.)


class MessageRow(NamedTuple):
    """A message as stored. `state` is `accepted` or `rejected`; `digest` is BLAKE2b-128 of the
    body; `detail` is JSON; `position` is its place in the order of commits, from 1 (0: not
    committed yet); `identity`: see `journey.identity` (empty: stored before there was one).
    """

    id: int
    channel: str
    message_type: str
    sender: str
    sender_message_id: str
    digest: bytes
    received_at: int
    state: str
    endpoint: str
    conversation: str
    items: int
    bytes: int
    content_type: str
    detail: str
    process: str = ""
    position: int = 0
    identity: Digest = b""


class DeliveryRow(NamedTuple):
    """A delivery as stored. `state` is `waiting`, `delivered`, `dead` or `skipped`; `lane`
    is the worker that makes it or, when it is ordered, its lane (see `ports.lanes`);
    `next_at` and `ended_at` are in milliseconds (0: not yet); `position` is its message's;
    `lease` is the last lease of a delivery in a mailbox, whose end is `next_at` (0: it
    never had one); `ordered_in` is the conversation in which it is ordered there (see the function
    of that name; empty: in none, or a version before that took it in).
    """

    id: int
    message_id: int
    receiver: str
    mode: str
    state: str
    attempts: int
    items: int
    next_at: int
    ended_at: int
    lane: int
    ordered: int
    reason: str
    position: int = 0
    lease: int = 0
    ordered_in: str = ""


def ordered_in(channel: str, conversation: str) -> str:
    """What the ordered deliveries in a mailbox have in common that are given out one by one."""
    return f"{channel}/{conversation}"


#: The kind of the event of a delivery that was made once more.
MADE_AGAIN = "delivered-again"


class EventRow(NamedTuple):
    """Something that happened to a message or, when `delivery_id` is not 0, to one of its
    deliveries.
    """

    message_id: int
    delivery_id: int
    at: int
    kind: str
    detail: str


class CountKey(NamedTuple):
    """What is counted: minute since 1970 UTC and the dimensions that the statistics rows
    select by.

    Kinds of messages (receiver empty): received, accepted, rejected, duplicate, items-rejected,
    begun (the first of a conversation was accepted). Kinds of deliveries: queued, delivered,
    dead-lettered, resent, skipped, answered, attempt-failed, probe-failed; queued and delivered
    also by kind of item (`delivered:birth`), where a message's items are of several kinds.
    Kinds of calls that are no messages (message type and receiver empty; `endpoint` is method and
    path): requested, request-refused.
    """

    minute: int
    channel: str
    message_type: str
    sender: str
    receiver: str
    endpoint: str
    kind: str
    process: str = ""


#: One count: key, how many, items in them, bytes in them.
Count = tuple[CountKey, int, int, int]
#: Items by kind, each by what tells it from all others of its kind.
ItemsTold = Mapping[str, Sequence[str]]


@value
class Remember:
    """What a channel leaves behind under a key. `version` is the version that it read (0: the key
    must be new). `with_message` says that it is forgotten with the message that left it last:
    nobody can repeat a message by then that retention has forgotten.
    """

    key: str
    value: Any
    version: int = 0
    with_message: bool = False


@value
class Remembered:
    """What a channel left behind under a key, with its version (1 for the first)."""

    value: Any
    version: int


@dataclass(slots=True)
class Record:
    """One message to be committed with all that belongs to it, or not at all.

    When (channel, sender, sender_message_id) is already accepted, nothing of it is stored but an
    event `duplicate` on the original and its counts; where digest, type, conversation or identity
    differ (the last: and it goes elsewhere) the caller records a rejection. The commit
    gives the rows their position. `items_told` are those of deliveries that were made already (see
    `Settlement`); `persons` are the identity codes by which the message is to be found.
    """

    message: MessageRow
    body: bytes | None
    deliveries: Sequence[DeliveryRow]
    events: Sequence[EventRow]
    counts: Sequence[Count]
    remember: Sequence[Remember] = ()
    items_told: ItemsTold = field(default_factory=dict)
    persons: Sequence[str] = ()


@value
class Recorded:
    """How a commit ended. `original` is the earlier message when it is a duplicate or its id is
    reused; `stale` names the memory keys that somebody else changed meanwhile.
    """

    kind: Literal["new", "duplicate", "reused", "stale"]
    original: MessageRow | None = None
    stale: Sequence[str] = ()


@dataclass(slots=True)
class Settlement:
    """The end of an attempt (or a resend): applied only while the delivery is in `from_state`, so
    that nothing is counted twice. Of `items_told` those are counted (`delivered:KIND`) that no
    delivery told before; the event `delivered` says how many.
    """

    delivery_id: int
    message_id: int
    state: str
    attempts: int
    next_at: int
    ended_at: int
    reason: str
    events: Sequence[EventRow]
    counts: Sequence[Count]
    answer: bytes | None = None
    answer_content_type: str = ""
    from_state: str = "waiting"
    #: The lease that it ends: nothing is settled when another one was taken since.
    lease: int | None = None
    #: Who asked for it, where an operator did.
    audit: AuditRow | None = None
    items_told: ItemsTold = field(default_factory=dict)


@value
class Wanted:
    """What is to be leased of a mailbox: at most so many, with at most so many bytes in all (but
    one, however large it is); any conversation and type where none is named.
    """

    channel: str
    receiver: str
    most: int
    conversation: str = ""
    message_types: Sequence[str] = ()
    bytes_max: int = 1 << 62


class Hold(NamedTuple):
    """A delivery in a mailbox, and the lease by which somebody claims to hold it."""

    delivery_id: int
    lease: int


class Due(NamedTuple):
    """A delivery that is due, and to whom."""

    id: int
    receiver: str


class Place(NamedTuple):
    """Where a delivery stands in the order of commits, and its lane; `held` when a dead letter
    stands before it in its conversation.
    """

    position: int
    delivery_id: int
    lane: int = 0
    held: bool = False


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


#: The state of deliveries that ended as dead letters, in a filter: those that still are, and those
#: that were skipped since. It is what the counters of dead letters count.
DEAD_LETTERED = "dead-lettered"
#: In a filter, the state of messages that came again, under the same id.
REPEATED = "duplicate"


class MessageFilter(NamedTuple):
    """Which messages: what is empty selects nothing out. `state` is a message's (`accepted`,
    `rejected`, `REPEATED`) or that of one of its deliveries (`DEAD_LETTERED`: one of two); `reason`
    is the code that a refusal or the reason of a delivery begins with; `detail` is a text that
    stands in what is kept with the message, say the id of a report that a question was told;
    `person` is a personal identity code that stands in the message, while its body is kept. `first`
    is the least id, `process` the kind of business that it is part of.
    """

    channel: str = ""
    message_type: str = ""
    sender: str = ""
    state: str = ""
    endpoint: str = ""
    conversation: str = ""
    detail: str = ""
    receiver: str = ""
    reason: str = ""
    sender_message_id: str = ""
    person: str = ""
    process: str = ""
    first: int = 0


class Found(NamedTuple):
    """What a search found, the newest first, and the id before which it goes on (0: it looked at
    all).
    """

    messages: Sequence[MessageRow]
    before: int


class Written(NamedTuple):
    """What a process has committed since it opened the ledger: commits, changes in them (messages,
    ends of deliveries, others), and the seconds that they took.
    """

    commits: int = 0
    changes: int = 0
    seconds: float = 0.0

    def plus(self, changes: int, seconds: float) -> Written:
        """With one commit more."""
        return Written(self.commits + 1, self.changes + changes, self.seconds + seconds)


class Old(NamedTuple):
    """What is old enough to be forgotten: messages with ids below `before` that were committed up
    to the position `until`, so that nothing goes before what was committed earlier is old, whatever
    the clock did meanwhile.
    """

    before: int
    until: int


class Pending(NamedTuple):
    """A waiting delivery read back from the ledger, with its message and body."""

    delivery: DeliveryRow
    message: MessageRow
    body: bytes

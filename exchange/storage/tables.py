"""The ledger's tables, declared once for every database; no query and no object of them on the way
of a message.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, SmallInteger, Text, text
from sqlmodel import Field, SQLModel

#: (A message has a column `bytes`.)
Digest = bytes

#: What of a mailbox waits, or is dead and holds the rest of its ordered conversation up.
_OPEN_IN_MAILBOX = "mode = 'mailbox' AND (state = 'waiting' OR (state = 'dead' AND ordered = 1))"


def partial(name: str, *columns: str, where: str) -> Index:
    """An index of the rows that fulfil a condition."""
    condition = text(where)
    return Index(name, *columns, sqlite_where=condition, postgresql_where=condition)


def big(
    primary_key: bool = False, nullable: bool = False, server_default: str | None = None
) -> Column[int]:
    """A 64-bit integer; INTEGER on SQLite, so that a primary key is the row's own id."""
    return Column(
        BigInteger().with_variant(Integer(), "sqlite"),
        primary_key=primary_key,
        nullable=nullable,
        autoincrement=False,
        server_default=server_default,
    )


class Message(SQLModel, table=True):
    """A message, accepted or rejected. Times in milliseconds since 1970 UTC."""

    __tablename__ = "message"
    __table_args__ = (
        Index(
            "message_once",
            "channel",
            "sender",
            "sender_message_id",
            unique=True,
            sqlite_where=text("state = 'accepted'"),
            postgresql_where=text("state = 'accepted'"),
        ),
        Index("message_position", "position", unique=True),
        # Of the search. (On SQLite an index ends with the row's id by itself.)
        Index("message_kind", "channel", "message_type", "endpoint"),
        Index("message_sender", "sender"),
        partial("message_conversation", "conversation", where="conversation != ''"),
        partial("message_refused", "id", where="state = 'rejected'"),
        partial("message_refused_id", "sender_message_id", where="state = 'rejected'"),
        partial("message_process", "process", where="process != ''"),
    )

    id: int = Field(sa_column=big(primary_key=True))
    channel: str
    message_type: str
    sender: str
    sender_message_id: str
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    received_at: int = Field(sa_column=big())
    state: str
    endpoint: str
    conversation: str
    items: int
    bytes: int
    content_type: str
    detail: str = Field(sa_column=Column(Text, nullable=False))
    process: str = Field(sa_column_kwargs={"server_default": ""})
    #: Given inside the commit, so that it rises in the order of commits over all workers.
    position: int = Field(sa_column=big(server_default="0"))
    #: The digest of what was said beside the body; empty where it was stored before there was one.
    identity: Digest = Field(
        sa_column=Column(LargeBinary, nullable=False, server_default=text("x''"))
    )


class Position(SQLModel, table=True):
    """One row: the last position that was given to a message; it stays when the message is
    dropped.
    """

    __tablename__ = "position"

    id: int = Field(sa_column=big(primary_key=True))
    last: int = Field(sa_column=big())


class Body(SQLModel, table=True):
    """The bytes of a message, compressed (zstandard) when `codec` is 1."""

    __tablename__ = "body"

    message_id: int = Field(sa_column=big(primary_key=True))
    codec: int = Field(sa_column=Column(SmallInteger, nullable=False))
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Delivery(SQLModel, table=True):
    """One message to one receiver."""

    __tablename__ = "delivery"
    __table_args__ = (
        partial(
            "delivery_due",
            "next_at",
            "lane",
            where="state = 'waiting' AND mode = 'push' AND ordered = 0",
        ),
        partial(
            "delivery_ordered",
            "receiver",
            "position",
            where="state = 'waiting' AND mode = 'push' AND ordered = 1",
        ),
        partial("delivery_mailbox", "receiver", "position", where=_OPEN_IN_MAILBOX),
        partial(
            "delivery_mailbox_order",
            "receiver",
            "ordered",
            "ordered_in",
            "position",
            where=_OPEN_IN_MAILBOX,
        ),
        partial(
            "delivery_mailbox_age", "message_id", where="state = 'waiting' AND mode = 'mailbox'"
        ),
        partial("delivery_asked", "next_at", where="state = 'waiting' AND mode = 'ask'"),
        Index("delivery_message", "message_id"),
        Index("delivery_receiver", "receiver", "message_id"),
        partial("delivery_open", "state", "message_id", where="state != 'delivered'"),
        partial("delivery_failed", "message_id", "reason", where="reason != ''"),
        partial("delivery_dead", "id", where="state = 'dead'"),
        partial(
            "delivery_dead_ordered", "receiver", "lane", where="state = 'dead' AND ordered = 1"
        ),
    )

    id: int = Field(sa_column=big(primary_key=True))
    message_id: int = Field(sa_column=big())
    receiver: str
    mode: str
    state: str
    attempts: int
    items: int
    next_at: int = Field(sa_column=big())
    ended_at: int = Field(sa_column=big())
    lane: int
    ordered: int
    reason: str
    position: int = Field(sa_column=big(server_default="0"))
    #: Who holds it, or held it last, of a mailbox; 0: nobody yet.
    lease: int = Field(sa_column=big(server_default="0"))
    ordered_in: str = Field(default="", sa_column_kwargs={"server_default": ""})


class NamedPerson(SQLModel, table=True):
    """That a message whose body is kept names a person: see `search.persons`."""

    __tablename__ = "named_person"
    __table_args__ = {"sqlite_with_rowid": False}

    segment: int = Field(primary_key=True, sa_type=BigInteger)
    person: int = Field(primary_key=True, sa_type=BigInteger)
    message_id: int = Field(primary_key=True, sa_type=BigInteger)


class Answer(SQLModel, table=True):
    """The business reply to a delivery, compressed like a body."""

    __tablename__ = "answer"

    delivery_id: int = Field(sa_column=big(primary_key=True))
    codec: int = Field(sa_column=Column(SmallInteger, nullable=False))
    content_type: str
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Event(SQLModel, table=True):
    """What happened, in the order of happening; `delivery_id` is 0 when it is about the message."""

    __tablename__ = "event"
    __table_args__ = (
        Index("event_message", "message_id"),
        partial("event_refused", "detail", "message_id", where="kind = 'rejected'"),
        partial("event_repeated", "message_id", where="kind = 'duplicate'"),
    )

    id: int | None = Field(
        default=None,
        sa_column=Column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    )
    message_id: int = Field(sa_column=big())
    delivery_id: int = Field(sa_column=big())
    at: int = Field(sa_column=big())
    kind: str
    detail: str = Field(sa_column=Column(Text, nullable=False))
    #: Of what came with it: the stored body, the answer, the audit row.
    digest: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))


class Chain(SQLModel, table=True):
    """What each commit added for ever: see `chain`."""

    __tablename__ = "chain"
    __table_args__ = (Index("chain_event", "last_event"), {"sqlite_with_rowid": False})

    node: int = Field(primary_key=True)
    epoch: int = Field(primary_key=True, sa_type=BigInteger)
    number: int = Field(primary_key=True, sa_type=BigInteger)
    since: int = Field(sa_type=BigInteger)
    first_event: int = Field(sa_type=BigInteger)
    last_event: int = Field(sa_type=BigInteger)
    events: int
    dropped: int
    kept: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    memory: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class PartnerHistory(SQLModel, table=True):
    """What a partner was from a day on (days since 1970, in Finland), until its next row: what the
    statistics tell partners apart by.
    """

    __tablename__ = "partner_history"
    __table_args__ = {"sqlite_with_rowid": False}

    partner: str = Field(primary_key=True)
    since: int = Field(sa_column=big(primary_key=True))
    name: str
    sector: str
    country: str


class Held(SQLModel, table=True):
    """Days (since 1970, in Finland) on which an exchange kept this ledger: `since` when it opened,
    `until` when it closed (the same until then).
    """

    __tablename__ = "held"
    __table_args__ = {"sqlite_with_rowid": False}

    since: int = Field(sa_column=big(primary_key=True))
    until: int = Field(sa_column=big())


class Owner(SQLModel, table=True):
    """Who writes, or wrote last, as each node (see `ownership`); `since` in milliseconds since 1970
    UTC.
    """

    __tablename__ = "owner"

    node: int = Field(sa_column=big(primary_key=True))
    epoch: int = Field(sa_column=big())
    name: str
    since: int = Field(sa_column=big())


class Memory(SQLModel, table=True):
    """What a channel remembers between messages, as JSON; `version` grows by one with each
    change; `digest` is that of the row; `message_id` is the message with which it is forgotten (0:
    never). (`replaced` was the digest of the version before: nothing reads or writes it now.)
    """

    __tablename__ = "memory"
    __table_args__ = (
        partial("memory_message", "message_id", where="message_id > 0"),
        {"sqlite_with_rowid": False},
    )

    channel: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    value: str = Field(sa_column=Column(Text, nullable=False))
    version: int
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False, server_default=text("x''")))
    replaced: bytes = Field(
        sa_column=Column(LargeBinary, nullable=False, server_default=text("x''"))
    )
    message_id: int = Field(sa_column=big(server_default="0"))


class Turn(SQLModel, table=True):
    """A sender's message that a node is taking in: a row from when the message came, numbered in
    the order of commits, until it is taken in or refused.
    """

    __tablename__ = "turn"

    number: int = Field(sa_column=big(primary_key=True))
    channel: str
    sender: str
    node: int = Field(sa_column=big())


class ReceiverState(SQLModel, table=True):
    """A receiver that is, or was, not up: see `ports.receiver_states`. Times in milliseconds."""

    __tablename__ = "receiver_state"

    receiver: str = Field(primary_key=True)
    state: str
    since: int = Field(sa_column=big())
    reason: str = Field(sa_column=Column(Text, nullable=False))
    failures: int
    next_probe_at: int = Field(sa_column=big())
    probes: int
    outages: int


class CallRecordRow(SQLModel, table=True):
    """What a security server recorded of a call over X-Road (see `ports.services.CallRecord`),
    numbered in the order of commits; `content` is JSON.
    """

    __tablename__ = "call_record"
    __table_args__ = (Index("call_record_at", "at"),)

    number: int = Field(sa_column=big(primary_key=True))
    at: int = Field(sa_column=big())
    client: str
    provider: str
    content: str = Field(sa_column=Column(Text, nullable=False))

"""The tables of counters: by minute and by day, and what of them is folded or forgotten."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, LargeBinary, SmallInteger, Text
from sqlmodel import Field, SQLModel

from exchange.storage.tables import big


class Counted(SQLModel):
    """The shape of a counter: a period and the dimensions that the statistics rows select by."""

    period: int = Field(primary_key=True)
    channel: str = Field(primary_key=True)
    message_type: str = Field(primary_key=True)
    sender: str = Field(primary_key=True)
    receiver: str = Field(primary_key=True)
    endpoint: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    process: str = Field(primary_key=True)
    count: int = Field(sa_type=BigInteger)
    items: int = Field(sa_type=BigInteger)
    bytes: int = Field(sa_type=BigInteger)


class Counter(Counted, table=True):
    """Counts by minute (since 1970 UTC)."""

    __tablename__ = "counter"
    __table_args__ = {"sqlite_with_rowid": False}


class DayCounter(Counted, table=True):
    """Counts by day (days since 1970, in Finland's time), kept in the same transaction: what the
    statistics read.

    `hours` is what the minutes of its deliveries were folded into (see `counters.compaction`), as
    JSON.
    """

    __tablename__ = "day_counter"
    __table_args__ = {"sqlite_with_rowid": False}

    hours: str | None = Field(default=None, sa_column=Column(Text, nullable=True))


class DayCurve(SQLModel, table=True):
    """What came in through a channel's endpoint, and was delivered of it, in each minute of
    a folded day, as compressed JSON (see `counters.compaction`).

    The endpoint is `?` for what was folded before endpoints were told apart.
    """

    __tablename__ = "day_curve"
    __table_args__ = {"sqlite_with_rowid": False}

    day: int = Field(primary_key=True)
    channel: str = Field(primary_key=True)
    endpoint: str = Field(primary_key=True)
    codec: int = Field(sa_column=Column(SmallInteger, nullable=False))
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Folded(SQLModel, table=True):
    """One row: the minute (since 1970 UTC) before which minutes are folded."""

    __tablename__ = "folded"

    id: int = Field(sa_column=big(primary_key=True))
    before: int = Field(sa_column=big())


class PrunedCounter(Counted, table=True):
    """Counts by minute of what retention has dropped, so that `verify` can still account for every
    counter.
    """

    __tablename__ = "pruned_counter"
    __table_args__ = {"sqlite_with_rowid": False}


class PrunedDayCounter(Counted, table=True):
    """The same by day, where the minutes are folded."""

    __tablename__ = "pruned_day_counter"
    __table_args__ = {"sqlite_with_rowid": False}

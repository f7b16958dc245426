"""The tables of operators, their keys and sessions, and of the audit log."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary
from sqlmodel import Field, SQLModel

from exchange.storage.tables import big


class Audit(SQLModel, table=True):
    """What an operator changed, who it was and from where; never dropped."""

    __tablename__ = "audit"

    id: int | None = Field(
        default=None,
        sa_column=Column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    )
    at: int = Field(sa_column=big())
    operator: str
    role: str
    what: str
    target: str
    outcome: str
    address: str


class OperatorAccount(SQLModel, table=True):
    """An operator and the role."""

    __tablename__ = "operator"

    name: str = Field(primary_key=True)
    role: str


class OperatorKey(SQLModel, table=True):
    """The SHA-256 digest of an operator's key."""

    __tablename__ = "operator_key"

    digest: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    operator: str
    made_at: int = Field(sa_column=big())


class OperatorSession(SQLModel, table=True):
    """A session that a key opened, by the SHA-256 digest of its token; ends at `until`."""

    __tablename__ = "operator_session"

    digest: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    operator: str
    key_digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    until: int = Field(sa_column=big())

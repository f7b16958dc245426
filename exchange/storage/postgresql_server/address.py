"""The address of a ledger on PostgreSQL: which server and database; no connection."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

#: What the address of a ledger on PostgreSQL begins with, as libpq has it.
#: Source: PostgreSQL's documentation, 32.1.1.2 "Connection URIs".
SCHEMES = ("postgresql", "postgres")


@dataclass(frozen=True, slots=True)
class Server:
    """A ledger on PostgreSQL, by its URL (`postgresql://user@host:5432/database?...`)."""

    url: str

    def __str__(self) -> str:
        """The URL without what is secret in it, for everything that is told."""
        parts = urlsplit(self.url)
        who, at, where = parts.netloc.rpartition("@")
        told = parts._replace(netloc=f"{who.partition(':')[0]}{at}{where}", query="", fragment="")
        return urlunsplit(told)

    def __repr__(self) -> str:
        return f"Server({self})"

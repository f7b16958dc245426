"""The address of a ledger on PostgreSQL: which server and database; no connection."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

#: What the address of a ledger on PostgreSQL begins with, as libpq has it.
#: Source: PostgreSQL's documentation, 32.1.1.2 "Connection URIs".
SCHEMES = ("postgresql", "postgres")
#: Its parts that name files. Source: the same, 32.1.2 "Parameter Key Words". (asyncpg says of one
#: that is not there which error it was, and not which file.)
_FILES = {"passfile", "sslcert", "sslcrl", "sslkey", "sslrootcert"}
_UNREADABLE = (
    "its parts can't be told apart: a port is a number, what stands after `?` is `name=value`, and "
    "any of `:/?#[]@%` in a user, a password or a name is written as `%` and two hexadecimal digits"
)


@dataclass(frozen=True, slots=True)
class Server:
    """A ledger on PostgreSQL, by its URL (`postgresql://user@host:5432/database?...`)."""

    url: str

    @property
    def hosts(self) -> list[str]:
        """The URL by each of its hosts alone, in their order."""
        parts = urlsplit(self.url)
        who, at, where = parts.netloc.rpartition("@")
        if where:
            return [
                urlunsplit(parts._replace(netloc=f"{who}{at}{host}")) for host in where.split(",")
            ]
        given = dict(parse_qsl(parts.query))
        hosts, ports = given.get("host", "").split(","), given.get("port", "").split(",")
        if len(hosts) == 1:
            return [self.url]
        queries = [given | {"host": host} for host in hosts]
        if len(ports) == len(hosts):
            queries = [each | {"port": port} for each, port in zip(queries, ports, strict=True)]
        return [
            urlunsplit(parts._replace(query=urlencode(each, quote_via=quote))) for each in queries
        ]

    def check(self) -> None:
        """See that it can be read, and that the files which it names for TLS are there.

        Raises:
            ValueError: when it can't, or one is not. (What can't be read is not told: it may be the
                end, or the beginning, of a password.)
        """
        try:
            parts = urlsplit(self.url)
            given = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True))
            ports = [urlsplit(each).port for each in self.hosts]
            ports += [int(port or 0) for port in given.get("port", "").split(",")]
        except ValueError as error:
            raise ValueError(_UNREADABLE) from error
        if parts.fragment or "@" in parts.path:
            raise ValueError(_UNREADABLE)
        for name in _FILES & given.keys():
            if not Path(given[name]).is_file():
                raise ValueError(f"the file that {name} names is not there")

    def __str__(self) -> str:
        """The URL without what is secret in it, for everything that is told."""
        parts = urlsplit(self.url)
        who, at, where = parts.netloc.rpartition("@")
        told = parts._replace(netloc=f"{who.partition(':')[0]}{at}{where}", query="", fragment="")
        return urlunsplit(told)

    def __repr__(self) -> str:
        return f"Server({self})"

"""The address of a ledger on PostgreSQL: which server and database; no connection."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

#: What the address of a ledger on PostgreSQL begins with, as libpq has it.
#: Source: PostgreSQL's documentation, 32.1.1.2 "Connection URIs".
SCHEMES = ("postgresql", "postgres")


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
        """See that it can be read.

        Raises:
            ValueError: when a host or a port is none.
        """
        for each in self.hosts:
            parts = urlsplit(each)
            for port in (parts.port, dict(parse_qsl(parts.query)).get("port")):
                int(port or 0)

    def __str__(self) -> str:
        """The URL without what is secret in it, for everything that is told."""
        parts = urlsplit(self.url)
        who, at, where = parts.netloc.rpartition("@")
        told = parts._replace(netloc=f"{who.partition(':')[0]}{at}{where}", query="", fragment="")
        return urlunsplit(told)

    def __repr__(self) -> str:
        return f"Server({self})"

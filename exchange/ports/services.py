"""What X-Road needs of the exchange: the services that channels offer there, with their addresses
there and here, and the port of the operational records of calls; serves nothing, no SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from exchange.schemas.directory import Partner


def everybody(partner: Partner) -> bool:
    """Who has a right to a service that anybody may call."""
    return True


@dataclass(frozen=True, slots=True)
class Service:
    """A service of a subsystem of a member (`GOV/0245437-2`).

    `path` is where the channel serves it: for REST what its endpoints' paths begin with, for SOAP
    the path of the one endpoint that takes an envelope and answers one. `wsdl` makes the
    description of a SOAP service. `may` tells which partners have a right to it.
    """

    member: str
    subsystem: str
    code: str
    kind: Literal["REST", "SOAP"]
    path: str
    version: str = ""
    wsdl: Callable[[], bytes] | None = None
    may: Callable[[Partner], bool] = everybody


class CallRecord(NamedTuple):
    """What one security server recorded of a call: when the call had ended (milliseconds since 1970
    UTC), who made it and whose service it was (`FI-TEST/MUN/1234567-1/test`), and the record itself
    as JSON.
    """

    at: int
    client: str
    provider: str
    content: str


class CallRecords(Protocol):
    """The operational records, shared by every worker; each change is committed when it returns."""

    async def keep(self, records: Sequence[CallRecord], most: int) -> None:
        """Keep them; of all records the newest `most` stay."""
        ...

    async def told(
        self, first: int, end: int, whose: Sequence[str], most: int, newest_first: bool = False
    ) -> list[CallRecord]:
        """At most `most` records of the milliseconds [first, end) in the order of their times, each
        of a call that every one of `whose` made or served.
        """
        ...

    async def drop(self, before: int) -> int:
        """Forget the records of calls that had ended before that time (milliseconds); how many."""
        ...

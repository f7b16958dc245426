"""The open connections of a worker and the bytes of requests that they hold, within the limits; no
HTTP.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable
from typing import Protocol

import structlog

from exchange.schemas.call import Reply
from exchange.settings import Limits
from exchange.web.garbage import Garbage
from exchange.web.networks import network_of

log = structlog.get_logger(__name__)

#: File descriptors left for the ledger, for partners and for what the process itself holds.
DESCRIPTORS_KEPT = 48
#: How often it is looked whether a request has come.
HEARD_EVERY_SECONDS = 0.01


class RequestLate(Exception):
    """The request was not whole within `limits.read_seconds` of its first byte."""


class NoRoom(Exception):
    """So many bytes of requests are held already that this one is not read on."""


#: The reply to what is no request, by the status that aiohttp would give, what was wrong, and the
#: first bytes of it, which tell whose form the reply should have.
NoRequest = Callable[[int, BaseException | None, bytes], Reply]


class Caller(Protocol):
    """A connection of somebody who may call."""

    @property
    def silent(self) -> bool:
        """Whether no request has come on it."""
        ...


class Connections:
    """Every open connection of a worker, and the bytes of requests that they hold."""

    def __init__(self, limits: Limits, no_request: NoRequest) -> None:
        self.limits = limits
        self.no_request = no_request
        self.open: set[Caller] = set()
        self.unknown_bytes = 0
        self.held_bytes = 0
        self.most = min(limits.connections_max, _descriptors())
        self.loop = asyncio.get_running_loop()
        self.garbage = Garbage()
        self._of_address: dict[str, int] = {}

    def admit(self, connection: Caller, address: str) -> bool:
        """Whether there is room for one more connection, in all and of its address: of IPv6 one
        caller has a network of them.
        """
        network = network_of(address)
        of_address = self._of_address.get(network, 0)
        if len(self.open) >= self.most or of_address >= self.limits.connections_address_max:
            log.warning("connection refused", open=len(self.open), of_address=of_address)
            return False
        self.open.add(connection)
        self._of_address[network] = of_address + 1
        return True

    async def heard(self, seconds: float) -> None:
        """Wait until a request has come on each connection, but no longer than that: it may be on
        its way, and nobody would answer it.
        """
        for _ in range(int(seconds / HEARD_EVERY_SECONDS)):
            if not any(each.silent for each in self.open):
                return
            await asyncio.sleep(HEARD_EVERY_SECONDS)

    def leave(self, connection: Caller, address: str) -> None:
        """The connection is closed."""
        if connection in self.open:
            self.open.remove(connection)
            network = network_of(address)
            left = self._of_address[network] - 1
            if left:
                self._of_address[network] = left
            else:
                del self._of_address[network]


class Held:
    """The bytes of requests that one connection holds, counted in those of all."""

    def __init__(self, connections: Connections) -> None:
        self._all = connections
        self._bytes = 0
        self._known = False

    def take(self, size: int) -> bool:
        """Count bytes as they come; whether there is room for them. A connection always has room
        for a head, which tells whose request it is: else strangers could keep every partner out.
        """
        every, limits = self._all, self._all.limits
        if every.held_bytes + size > limits.held_bytes_max:
            return False
        in_body = not self._known and self._bytes + size > limits.head_bytes_max
        if in_body and every.unknown_bytes + size > limits.unknown_bytes_max:
            return False
        self._bytes += size
        every.held_bytes += size
        if not self._known:
            every.unknown_bytes += size
        return True

    def make_known(self) -> None:
        """They are a partner's."""
        if not self._known:
            self._known = True
            self._all.unknown_bytes -= self._bytes

    def release(self) -> None:
        """They are held no more; the next ones are nobody's again."""
        self._all.held_bytes -= self._bytes
        if not self._known:
            self._all.unknown_bytes -= self._bytes
        self._bytes, self._known = 0, False


def _descriptors() -> int:
    """How many connections the process may have open: as many as it may open files."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 30 if files == resource.RLIM_INFINITY else max(files - DESCRIPTORS_KEPT, 8)

"""A connection to a partner: aiohttp's response handler, whose heads are bounded as they come and
which never waits for a partner that does not read.
"""

from __future__ import annotations

import asyncio
import select
from functools import partial
from typing import Any, cast

from aiohttp import ClientError, TCPConnector
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage
from aiohttp.streams import StreamReader

from exchange.web.garbage import Garbage

#: While a head is coming so many bytes are parsed at once: a flood of interim responses (1xx) is
#: cut off before it holds the loop.
PIECE_BYTES = 8_192


class HeadTooLarge(ClientError):
    """The head of a response, with the interim responses before it, is too large."""


class KeptConnectionClosed(ClientError):
    """The partner closed a kept connection before it sent a byte of this response."""


class PartnerConnector(TCPConnector):
    """aiohttp's connector, for connections that bound the head of a response."""

    def __init__(self, head_bytes_max: int, **settings: Any) -> None:
        super().__init__(**settings)
        made = partial(PartnerConnection, self._loop, head_bytes_max, Garbage())
        self._factory = cast("partial[ResponseHandler]", made)


class PartnerConnection(ResponseHandler):
    """One connection. aiohttp parses and keeps; this one counts the bytes of heads."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, head_bytes_max: int, garbage: Garbage
    ) -> None:
        super().__init__(loop)
        self._garbage = garbage
        self._head_bytes_max = head_bytes_max
        #: Calls made on it, and the bytes that came since the last one began.
        self._calls = 0
        self._came = 0
        self._in_head = False

    def is_connected(self) -> bool:
        """Whether a call may be made on it: not when something has come without a call, also what
        the event loop has not read yet.
        """
        return super().is_connected() and not (self._is_idle() and self._has_come())

    def _is_idle(self) -> bool:
        return not self._in_head and (self._payload is None or self._payload.is_eof())

    def _has_come(self) -> bool:
        if self.transport is None or (connected := self.transport.get_extra_info("socket")) is None:
            return False
        waiting = select.poll()
        waiting.register(connected.fileno(), select.POLLIN)
        return bool(waiting.poll(0))

    def set_response_params(self, **settings: Any) -> None:
        """A call begins."""
        self._calls += 1
        self._came = 0
        self._in_head = True
        super().set_response_params(**settings)

    def data_received(self, data: bytes) -> None:
        """Parse piece by piece until the head is whole."""
        self._garbage.saw(len(data))
        # (Without bytes aiohttp calls this itself, to parse what it has kept.)
        if data and self._is_idle():
            self._drop()
            return
        while self._in_head and data:
            piece, data = data[:PIECE_BYTES], data[PIECE_BYTES:]
            self._came += len(piece)
            super().data_received(piece)
            if self._in_head and self._came > self._head_bytes_max:
                self.set_exception(HeadTooLarge())
            if self.exception() is not None:
                self._drop()
                return
        if data:
            super().data_received(data)

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """A head is whole; after an interim one the response's own is still to come."""
        if not self._in_head:
            self._drop()
            return
        if data[0].code >= 200 or data[0].code == 101:
            self._in_head = False
        super().feed_data(data, size)

    def _drop(self) -> None:
        """Use it no more. What came without a call would be taken for the answer to the next one,
        which may be to another partner at the same address.
        """
        if self.transport is not None:
            self.transport.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is closed: nobody's failure when it was kept and nothing was answered on it."""
        if self._in_head and self._calls > 1 and not self._came:
            exc = KeptConnectionClosed()
        super().connection_lost(exc)

    def close(self) -> None:
        """Close at once: what a partner does not read is not kept for it."""
        self.abort()

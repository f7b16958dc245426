"""One HTTP/1.1 connection to a partner: a request out, its response in, by httptools' parser;
pooling and errors are `transport`'s.
"""

from __future__ import annotations

import asyncio
from typing import cast

import httptools
from multidict import CIMultiDict

from exchange.errors import Unreachable
from exchange.schemas.call import Reply

#: Most bytes of a response's head, all header lines together.
HEAD_BYTES_MAX = 65_536


class Connection(asyncio.Protocol):
    """Used by one call at a time. `usable` says whether another may follow on it."""

    def __init__(self, answer_bytes_max: int) -> None:
        self._answer_bytes_max = answer_bytes_max
        self._transport: asyncio.Transport | None = None
        self._future: asyncio.Future[Reply] | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._headers: CIMultiDict[str] = CIMultiDict()
        self._parts: list[bytes] = []
        self._head_bytes = 0
        self._body_bytes = 0
        self._keep = False
        #: Whether anything of the present response has come.
        self.answered = False

    @property
    def usable(self) -> bool:
        """Whether it is open, idle and the partner wants to keep it."""
        return (
            self._transport is not None
            and not self._transport.is_closing()
            and self._keep
            and self._future is None
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed; a response that ends with the connection is whole now."""
        future, parser, self._transport = self._future, self._parser, None
        if future is None or future.done():
            return
        try:
            if (
                self.answered
                and parser is not None
                and not self._keep
                and self._ends_with_connection()
            ):
                self._finish(parser)
            else:
                self._fail("the partner closed the connection before its response was whole")
        except httptools.HttpParserError as error:
            self._fail(f"no HTTP response: {error}")

    def close(self) -> None:
        """Give it up."""
        self._keep = False
        if self._transport is not None:
            self._transport.close()

    async def exchange(self, request: bytes) -> Reply:
        """Send a whole request and wait for the whole response.

        Raises:
            Unreachable: when the connection breaks, or what comes is no HTTP response, or too large
            a one.
        """
        if self._transport is None:
            raise Unreachable("the partner closed the connection")
        self._future = future = asyncio.get_running_loop().create_future()
        self._parser = httptools.HttpResponseParser(self)
        self._headers, self._parts = CIMultiDict(), []
        self._head_bytes = self._body_bytes = 0
        self.answered = self._keep = False
        self._transport.write(request)
        try:
            reply: Reply = await future
            return reply
        finally:
            self._future = None
            if not future.done() or future.cancelled():
                # What is still to come would be taken for the next call's response.
                self.close()

    def data_received(self, data: bytes) -> None:
        """Feed the parser; bytes that nobody asked for end the connection."""
        parser, future = self._parser, self._future
        if parser is None or future is None or future.done():
            self.close()
            return
        self.answered = True
        try:
            parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(str(error.__context__ or f"no HTTP response: {error}"))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header line."""
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > HEAD_BYTES_MAX:
            raise ValueError(f"the response's head is larger than {HEAD_BYTES_MAX} bytes")
        self._headers.add(name.decode("latin-1"), value.decode("latin-1"))

    def on_body(self, data: bytes) -> None:
        """A part of the body."""
        self._body_bytes += len(data)
        if self._body_bytes > self._answer_bytes_max:
            raise ValueError(f"the response is larger than {self._answer_bytes_max} bytes")
        self._parts.append(data)

    def on_message_complete(self) -> None:
        """The response is whole, unless it was an interim one (1xx)."""
        parser = self._parser
        assert parser is not None, "only a parser calls this"
        if parser.get_status_code() < 200:
            self._headers, self._parts = CIMultiDict(), []
            return
        self._keep = parser.should_keep_alive()
        self._finish(parser)

    def _ends_with_connection(self) -> bool:
        return (
            "Content-Length" not in self._headers
            and "chunked" not in self._headers.get("Transfer-Encoding", "").lower()
        )

    def _finish(self, parser: httptools.HttpResponseParser) -> None:
        future = self._future
        if future is not None and not future.done():
            status = parser.get_status_code()
            future.set_result(
                Reply(
                    status,
                    b"".join(self._parts),
                    self._headers.get("Content-Type", ""),
                    self._headers,
                )
            )

    def _fail(self, why: str) -> None:
        self.close()
        if self._future is not None and not self._future.done():
            self._future.set_exception(Unreachable(why))

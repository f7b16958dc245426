"""What ends a request at any address before or instead of its handler, told in the form of the
address: the channel's own, or a problem document; nothing that aiohttp would say itself.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import structlog
from aiohttp import HttpVersion10, HttpVersion11, hdrs, web
from aiohttp.http_exceptions import LineTooLong

from exchange.ports import Refusal
from exchange.schemas.call import Reply
from exchange.schemas.out_of_memory import is_out_of_memory
from exchange.schemas.violation import Violation
from exchange.settings import Limits
from exchange.web.connection_limits import NoRoom, RequestLate
from exchange.web.endpoints import (
    FAILED,
    NO_ENDPOINT,
    NO_MEMORY,
    Endpoints,
    failed,
    response,
)
from exchange.web.pages.refused import as_page
from exchange.web.request_body import BROKEN_OFF, BUSY, COMPRESSED, SLOW, too_large

log = structlog.get_logger(__name__)

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

#: The method of a request line and the first step of its path.
_ROOT = re.compile(rb"[A-Za-z]+ (/[A-Za-z0-9_-]+)")
#: Where no page is: the operators' API, what is measured, and X-Road.
PROGRAMS = ("/api/", "/health/", "/metrics", "/r1/", "/x-road", "/listClients")
#: After these the rest of the request is not read: the connection ends with the reply.
_UNREAD = frozenset((400, 408, 413, 417, 431, 501, 503, 505))

NO_TEXT = Refusal(
    "head-encoding", 400, "the head of the request is no text: UTF-8 is wanted, ASCII is safe"
)
EXPECTS = Refusal("expectation", 417, "the header Expect takes 100-continue and nothing else")
#: RFC 9112, section 6.1. aiohttp takes every coding that is followed by `chunked`, and none at all.
CODING = Refusal("transfer-coding", 501, "Transfer-Encoding takes chunked and nothing else")
VERSION = Refusal("version", 505, "HTTP/1.1 is spoken here, and HTTP/1.0")
NO_REQUEST = Refusal("not-http", 400, "what came is no HTTP/1.1 request (RFC 9112)")
SLOW_HEAD = Refusal("timeout", 408, "the head of the request did not arrive in time")
NO_ROOM = Refusal("busy", 503, "the exchange holds too many requests", 1)


class Refusals:
    """Every refusal of a worker that no endpoint makes itself."""

    def __init__(self, endpoints: Endpoints, limits: Limits) -> None:
        self._endpoints = endpoints
        self._limits = limits

    def around(self, handler: Handler) -> Handler:
        """The application's handler, with each of its errors and each of aiohttp's told as a
        refusal.
        """

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            answered = await self._told(handler, request)
            return answered if self._is_for_programs(request.path) else as_page(request, answered)

        return answer

    async def _told(self, handler: Handler, request: web.BaseRequest) -> web.StreamResponse:
        """What the handler answers, or the refusal of what it raises."""
        if refusal := self._of_head(request):
            return self._refuse(request, refusal)
        try:
            return await handler(request)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            answered = self._refuse(request, self._of_aiohttp(error))
            if isinstance(error, web.HTTPMethodNotAllowed):
                answered.headers[hdrs.ALLOW] = _methods(error)
            return answered
        except RequestLate:
            return self._refuse(request, SLOW)
        except NoRoom:
            return self._refuse(request, BUSY)
        except web.RequestPayloadError:
            return self._refuse(request, BROKEN_OFF)
        except ConnectionError:
            raise
        except Exception as error:  # a bug must say nothing of the request, to nobody
            if not is_out_of_memory(error):
                log.exception("request failed", at=_resource(request))
            return self._refuse(request, failed(error))

    def _is_for_programs(self, path: str) -> bool:
        """Whether what is told at that path is no page, whatever a call accepts: Java's own client
        accepts text/html before all else.
        """
        return path.startswith(PROGRAMS) or self._endpoints.is_a_channels(path)

    def of_no_request(self, status: int, error: BaseException | None, first: bytes) -> Reply:
        """The reply to what is no request: what aiohttp would answer with that status, or why it
        was given up. Its form is that of the address which its first bytes seem to name.
        """
        if isinstance(error, RequestLate):
            refusal = SLOW_HEAD
        elif isinstance(error, NoRoom):
            refusal = NO_ROOM
        elif isinstance(error, MemoryError):
            refusal = NO_MEMORY
        elif isinstance(error, LineTooLong) or "Too many headers" in str(error):
            refusal = self._head_too_large("more")
        else:
            refusal = NO_REQUEST if status < 500 else FAILED
        root = _ROOT.match(first)
        return self._endpoints.refuse(root[1].decode() if root else "", refusal)

    def of_handshake(self) -> None:
        """Count a TLS handshake that failed; there is nobody to tell anything to."""
        self._endpoints.handshake_refused()

    def _refuse(self, request: web.BaseRequest, refusal: Refusal) -> web.Response:
        if request.writer.output_size > 0:
            raise ConnectionError("a part of the reply is sent already")
        answered = response(self._endpoints.refuse(request.path, refusal))
        if refusal.status in _UNREAD and not request.content.is_eof():
            answered.force_close()
        return answered

    def _of_head(self, request: web.BaseRequest) -> Refusal | None:
        """What is wrong with a head that aiohttp took."""
        size = head_bytes(request)
        if size > self._limits.head_bytes_max:
            return self._head_too_large(f"{size} bytes")
        if len(request.raw_headers) > self._limits.headers_max:
            return self._head_too_large(f"{len(request.raw_headers)} headers")
        if request.version not in (HttpVersion10, HttpVersion11):
            return VERSION
        if request.headers.get(hdrs.TRANSFER_ENCODING, "chunked").lower() != "chunked":
            return CODING
        if name := self._endpoints.twice(request.headers):
            return _stands_twice(name)
        return None if is_text(request) else NO_TEXT

    def _of_aiohttp(self, error: web.HTTPException) -> Refusal:
        """The same as aiohttp refuses, in our words: its own repeat what was sent."""
        if isinstance(error, web.HTTPRequestEntityTooLarge):
            return too_large(self._limits.body_bytes_max)
        if isinstance(error, web.HTTPUnsupportedMediaType):
            return COMPRESSED
        if isinstance(error, web.HTTPNotFound):
            return NO_ENDPOINT
        if isinstance(error, web.HTTPMethodNotAllowed):
            return Refusal("method", 405, f"this address takes {_methods(error)} only")
        if isinstance(error, web.HTTPExpectationFailed):
            return EXPECTS
        phrase = HTTPStatus(error.status).phrase.lower()
        return Refusal("refused", error.status, f"the request can't be served: {phrase}")

    def _head_too_large(self, found: str) -> Refusal:
        limits = self._limits
        return Refusal(
            "head-too-large",
            431,
            f"the head of the request has {found}; at most {limits.head_bytes_max} bytes and "
            f"{limits.headers_max} headers are taken",
        )


#: Where an application keeps its refusals, for the server that it is put on.
REFUSALS = web.AppKey("REFUSALS", Refusals)


def _stands_twice(name: str) -> Refusal:
    violation = Violation("call.header-twice", f"header {name}: stands twice", expected="it once")
    message = f"the header {name} stands twice, and says one thing only"
    return Refusal("header-twice", 400, message, violations=(violation,))


def _methods(error: web.HTTPMethodNotAllowed) -> str:
    return ", ".join(sorted(error.allowed_methods))


def _resource(request: web.BaseRequest) -> str:
    """The address as the routes have it, without what the caller put into it."""
    found = request.match_info.route.resource if isinstance(request, web.Request) else None
    return found.canonical if found else ""


def head_bytes(request: web.BaseRequest) -> int:
    """The size of the request's head, in bytes."""
    return len(request.raw_path) + sum(
        len(name) + len(value) + 4 for name, value in request.raw_headers
    )


def is_text(request: web.BaseRequest) -> bool:
    """Whether the request's headers and target are text (the target is ASCII, or aiohttp refuses
    it). What is not in UTF-8 is no character that could be stored, shown or sent on: aiohttp
    makes half surrogates of it; U+0000 is in no text either.
    """
    return "%00" not in request.raw_path and all(
        value.isascii() or _is_utf8(value) for _, value in request.raw_headers
    )


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True

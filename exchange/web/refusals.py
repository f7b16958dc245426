"""What ends a request at any address before or instead of its handler, told in the form of the
address: the channel's own, or a problem document.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from exchange.ports import Refusal
from exchange.ports.channel import refuse_with_problem
from exchange.settings import Limits
from exchange.web.connections import Connection, NoRoom, RequestLate, head_bytes, is_text
from exchange.web.endpoints import (
    BROKEN_OFF,
    BUSY,
    FAILED,
    NO_ENDPOINT,
    SLOW,
    Endpoints,
    response,
    too_large,
)

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

#: After these the rest of the request is not read: the connection ends with the reply.
_UNREAD = frozenset((400, 408, 413, 431, 503))

NO_TEXT = Refusal(
    "head-encoding", 400, "the head of the request is no text: UTF-8 is wanted, ASCII is safe"
)


def refusing(  # noqa: C901 - one clause for each way in which a request ends
    endpoints: Endpoints, limits: Limits
) -> Middleware:
    """The middleware around every handler of a worker."""

    def refuse(request: web.Request, refusal: Refusal) -> web.Response:
        reply = endpoints.refuse(request.path, refusal) or refuse_with_problem(refusal)
        answered = response(reply)
        if refusal.status in _UNREAD and not request.content.is_eof():
            answered.force_close()
        return answered

    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        size = head_bytes(request)
        if size > limits.head_bytes_max:
            return refuse(request, _head_too_large(limits.head_bytes_max, size))
        if not is_text(request):
            return refuse(request, NO_TEXT)
        try:
            return await handler(request)
        except web.HTTPRequestEntityTooLarge:
            return refuse(request, too_large(limits.body_bytes_max))
        except web.HTTPNotFound:
            return refuse(request, NO_ENDPOINT)
        except web.HTTPMethodNotAllowed as error:
            methods = ", ".join(sorted(error.allowed_methods))
            answered = refuse(request, Refusal("method", 405, f"this address takes {methods} only"))
            answered.headers[hdrs.ALLOW] = methods
            return answered
        except RequestLate:
            return refuse(request, SLOW)
        except NoRoom:
            return refuse(request, BUSY)
        except web.RequestPayloadError:
            return refuse(request, BROKEN_OFF)
        except (web.HTTPException, ConnectionError):
            raise
        except Exception:  # a bug must say nothing of the request, to nobody
            resource = request.match_info.route.resource
            log.exception("request failed", at=resource.canonical if resource else "")
            return refuse(request, FAILED)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await answer(request, handler)
        finally:
            if isinstance(request.protocol, Connection):
                request.protocol.answered()

    return middleware


def _head_too_large(most: int, found: int) -> Refusal:
    return Refusal(
        "head-too-large",
        431,
        f"the head of the request has {found} bytes, at most {most} are taken",
    )

"""The channels' endpoints over aiohttp: body and key in, reply out, and every refusal in
the channel's own form; no journey step of its own.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog
from aiohttp import hdrs, web
from multidict import MultiMapping

from exchange.errors import Full, LedgerClosed, LedgerUnavailable
from exchange.journey import trace
from exchange.journey.requests import Requests
from exchange.journey.waiting import RETRY_AFTER_SECONDS as FULL_SECONDS
from exchange.ports import Channel, Desk, Endpoint, Inbound, Refusal
from exchange.ports.channel import refuse_with_problem
from exchange.schemas.call import Call, Reply
from exchange.schemas.directory import Directory, Partner
from exchange.schemas.out_of_memory import is_out_of_memory
from exchange.schemas.violation import Violation
from exchange.settings import Limits
from exchange.web.access.callers import caller, not_here
from exchange.web.call_slots import CallSlots
from exchange.web.caller_connection import sender_known, when_lost
from exchange.web.metrics import Metrics
from exchange.web.rate_limits import Rates
from exchange.web.request_body import BUSY, RETRY_AFTER_SECONDS, read_body
from exchange.web.telemetry.tracing import Tracing

log = structlog.get_logger(__name__)

#: Headers that say one thing wherever they stand (RFC 9110, 5.3; SOAP 1.1, 6.1.1); those that an
#: endpoint's interface describes do so, too. (aiohttp refuses Host, Content-Type and others.)
ONCE = ("authorization", "soapaction", "x-api-key", "x-authorization")
#: What refusals at addresses of no channel are counted under.
NO_CHANNEL = "none"
NO_QUERY: Mapping[str, str] = {}

BUSY_PARTNER = Refusal(
    "busy", 429, "too many calls of yours at once; nothing was taken in", RETRY_AFTER_SECONDS
)
UNAVAILABLE = Refusal(
    "unavailable",
    503,
    "the ledger can't keep anything just now; send it again, as the same message, later",
    2,
)
NO_MEMORY = Refusal(
    "memory",
    503,
    "there is no memory for this call just now; send it again, as the same message, later",
    RETRY_AFTER_SECONDS,
)
CLOSING = Refusal("closing", 503, "the exchange is closing; nothing was taken in", 5)
NO_ENDPOINT = Refusal(
    "not-found", 404, "there is no such address; /api/openapi.json lists every one"
)
LEFT = Refusal(
    "left", 400, "the caller ended its side of the connection while the call was waiting"
)
#: Refusals of a whole message, which are counted as rejections; after the others the sender comes
#: again with the same one.
OF_MESSAGE = frozenset(("too-large", "unsupported"))
FAILED = Refusal("internal", 500, "the exchange failed to serve this call; nothing was taken in")


@dataclass(frozen=True, slots=True)
class Entry:
    """An endpoint, the channel that it belongs to and the desk behind it."""

    channel: Channel
    endpoint: Endpoint
    desk: Desk


class Endpoints:
    """Serves the endpoints of every channel, within the limits, fairly between partners."""

    def __init__(
        self,
        directory: Directory,
        limits: Limits,
        metrics: Metrics,
        requests: Requests,
        rates: Rates,
        tracing: Tracing | None = None,
    ) -> None:
        self._directory = directory
        self._requests = requests
        self._limits = limits
        self._metrics = metrics
        self._rates = rates
        self._tracing = tracing or Tracing()
        self._working = CallSlots(limits.in_flight_max, limits.in_flight_partner_max)
        self._waiting = CallSlots(limits.waiting_calls_max, limits.waiting_calls_partner_max)
        self._channels: dict[str, Channel] = {}
        self._once = set(ONCE)

    def routes(self, channel: Channel, desk: Desk) -> list[web.RouteDef]:
        """The channel's endpoints as routes of aiohttp."""
        routes = [
            _route(endpoint, self._serve(channel, endpoint, desk)) for endpoint in channel.endpoints
        ]
        # What no endpoint takes is refused in the channel's form as well; aiohttp tries the longer
        # paths first.
        roots = dict.fromkeys(
            (endpoint.path.split("/")[1] for endpoint in channel.endpoints), channel
        )
        self._channels |= roots
        self._once |= {
            each.name.lower()
            for endpoint in channel.endpoints
            for each in endpoint.interface.parameters
            if each.place == "header"
        }
        return routes + [
            web.route("*", f"/{root}{{rest:(/.*)?}}", self._serve_nothing(channel))
            for root in roots
        ]

    def _serve_nothing(self, channel: Channel) -> Callable[[web.Request], Awaitable[web.Response]]:
        # As in aiohttp, no parameter holds a brace: with one, the address is unknown.
        paths = [
            (endpoint.method, re.compile(re.sub(r"\\{\w+\\}", "[^{}/]+", re.escape(endpoint.path))))
            for endpoint in channel.endpoints
        ]

        async def serve(request: web.Request) -> web.Response:
            allowed = sorted({method for method, path in paths if path.fullmatch(request.path)})
            if not allowed:
                return response(self._refuse(channel, NO_ENDPOINT))
            methods = ", ".join(allowed)
            answered = response(
                self._refuse(channel, Refusal("method", 405, f"this address takes {methods} only"))
            )
            answered.headers[hdrs.ALLOW] = methods
            return answered

        return serve

    def _serve(
        self, channel: Channel, endpoint: Endpoint, desk: Desk
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        if endpoint.public is not None:
            public = endpoint.public

            async def serve_public(request: web.Request) -> web.Response:
                started = time.perf_counter()
                refusal = not_here(request, channel.name)
                reply = self._refuse(channel, refusal) if refusal else public(call_of(request, b""))
                self._metrics.served(channel.name, reply.status, time.perf_counter() - started)
                return response(reply)

            return serve_public
        entry = Entry(channel, endpoint, desk)

        async def serve(request: web.Request) -> web.Response:
            with self._tracing.call(request.headers, request.method, endpoint.path) as served:
                answered = response(await self.serve(entry, request))
                served.status = answered.status
            answered.headers.update(served.answered)
            return answered

        return serve

    def twice(self, headers: MultiMapping[str]) -> str:
        """A header that stands more than once though it says one thing, as who calls, or a part of
        a message's envelope, in small letters; empty: none does. Which of two counted would be
        chance: a proxy may take the other one.
        """
        if len(headers) == len({name.lower() for name in headers}):
            return ""
        return next((name for name in sorted(self._once) if len(headers.getall(name, ())) > 1), "")

    def is_a_channels(self, path: str) -> bool:
        """Whether the path is below a channel's, and not its page for caseworkers."""
        channel = self._channel_of(path)
        return channel is not None and not (
            channel.caseworkers and channel.caseworkers.path == path
        )

    def _channel_of(self, path: str) -> Channel | None:
        return self._channels.get(path.split("/")[1] if "/" in path else "")

    def refuse(self, path: str, refusal: Refusal) -> Reply:
        """The refusal in the form of the channel that the path belongs to, or as a problem document
        when it is no channel's; counted either way.
        """
        channel = self._channel_of(path)
        if channel is not None:
            return self._refuse(channel, refusal)
        self._metrics.refused(NO_CHANNEL, refusal.reason)
        return refuse_with_problem(refusal)

    def handshake_refused(self) -> None:
        """Count a TLS handshake that failed: it never was a call of any channel."""
        self._metrics.refused(NO_CHANNEL, "tls-handshake")

    async def serve(self, entry: Entry, request: web.Request) -> Reply:
        """Refuse, or let the channel's handler answer; a body is read only when its sender may
        send it.
        """
        started = time.perf_counter()
        reply = await self._answer(entry, request)
        self._metrics.served(entry.channel.name, reply.status, time.perf_counter() - started)
        return reply

    async def _answer(self, entry: Entry, request: web.Request) -> Reply:
        channel, endpoint = entry.channel, entry.endpoint
        partner = caller(request, channel, self._directory)
        if isinstance(partner, Refusal):
            return self._refuse(channel, partner)
        sender_known(request)
        if (refusal := self._not_now(endpoint, partner)) is not None:
            return self._refuse(channel, refusal)
        slots = self._waiting if endpoint.waits else self._working
        with slots.take(partner.id):
            return await self._handled(entry, request, partner)

    async def _handled(self, entry: Entry, request: web.Request, partner: Partner) -> Reply:
        channel, endpoint, desk = entry.channel, entry.endpoint, entry.desk

        async def read_and_handled() -> Reply:
            body = await read_body(request, partner, self._limits.body_bytes_max)
            if isinstance(body, Refusal):
                if endpoint.takes_messages and body.reason in OF_MESSAGE:
                    unread = _unread(endpoint, call_of(request, b""), partner)
                    await desk.refuse(unread, body.reason, body.violations)
                return self._refuse(channel, body)
            call = call_of(request, body)
            handling = self._requests.serve(channel, endpoint, call, partner, desk)
            if not endpoint.waits:
                return await handling
            return await _while_connected(request, handling) or self._refuse(channel, LEFT)

        return await self._surely(entry, read_and_handled())

    async def hand_on(self, entry: Entry, call: Call, partner: Partner) -> Reply:
        """The channel's answer to a call whose body was read already and whose caller is known,
        within the limits of calls at once.
        """
        channel, endpoint = entry.channel, entry.endpoint
        if (refusal := self._not_now(endpoint, partner)) is not None:
            return self._refuse(channel, refusal)
        slots = self._waiting if endpoint.waits else self._working
        with slots.take(partner.id):
            serving = self._requests.serve(channel, endpoint, call, partner, entry.desk)
            return await self._surely(entry, serving)

    def _not_now(self, endpoint: Endpoint, partner: Partner) -> Refusal | None:
        """Why a call of a partner is not taken just now; None when it is."""
        slots = self._waiting if endpoint.waits else self._working
        if slots.full:
            return BUSY
        if slots.full_for(partner.id):
            return BUSY_PARTNER
        if endpoint.takes_messages and (seconds := self._rates.take(partner)):
            return too_often(partner, seconds)
        return None

    async def _surely(self, entry: Entry, serving: Awaitable[Reply]) -> Reply:
        """The reply, or what is told when there is none."""
        channel = entry.channel
        try:
            return await serving
        except Full as error:
            return self._refuse(channel, full(error))
        except LedgerClosed:
            return self._refuse(channel, CLOSING)
        except LedgerUnavailable:
            return self._refuse(channel, UNAVAILABLE)
        except Exception as error:  # a bug answers in the channel's form, without the message
            if not is_out_of_memory(error):
                told = {"channel": channel.name, "endpoint": entry.endpoint.path}
                log.exception("call failed", **told, **trace.current())
            return self._refuse(channel, failed(error))

    def _refuse(self, channel: Channel, refusal: Refusal) -> Reply:
        self._metrics.refused(channel.name, refusal.reason)
        return channel.refuse(refusal)


def _route(
    endpoint: Endpoint, serve: Callable[[web.Request], Awaitable[web.Response]]
) -> web.RouteDef:
    if endpoint.method == hdrs.METH_GET:
        # HEAD would do what GET does, and lose what that hands out: a mailbox leases.
        return web.get(endpoint.path, serve, allow_head=False)
    return web.route(endpoint.method, endpoint.path, serve)


def full(error: Full) -> Refusal:
    """429 when it is a receiver that takes no more: messages to others are taken; 503 when all is
    full.
    """
    violation = Violation(
        "receiver.full" if error.receiver else "exchange.full",
        str(error),
        expected="the same message again, later",
    )
    status = 429 if error.receiver else 503
    return Refusal(
        reason="full",
        status=status,
        message=f"{error}; nothing was taken in",
        retry_after_seconds=FULL_SECONDS,
        violations=(violation,),
    )


def failed(error: BaseException) -> Refusal:
    """What nobody foresaw: no memory for the call, or a bug."""
    return NO_MEMORY if is_out_of_memory(error) else FAILED


def too_often(partner: Partner, seconds: int) -> Refusal:
    """More calls than the partner's entry in the directory allows."""
    violation = Violation(
        "call.rate",
        "more calls with messages than are taken of this partner",
        expected=f"at most {partner.per_second:g} a second",
    )
    message = f"too many calls of yours: at most {partner.per_second:g} a second are taken"
    return Refusal(
        reason="rate",
        status=429,
        message=message,
        retry_after_seconds=seconds,
        violations=(violation,),
    )


def _unread(endpoint: Endpoint, call: Call, partner: Partner) -> Inbound:
    """A message whose body is not looked at: what its call says beside it."""
    if endpoint.said is not None:
        return endpoint.said(call, partner)
    return Inbound(partner, b"", call.headers.get(hdrs.CONTENT_TYPE, ""))


async def _while_connected(request: web.Request, handling: Awaitable[Reply]) -> Reply | None:
    """The reply; None when the caller went before there was one, which ends the handler."""
    task = asyncio.ensure_future(handling)
    try:
        with when_lost(request, task.cancel):
            await asyncio.wait([task])
    finally:
        task.cancel()
    return None if task.cancelled() else task.result()


def call_of(request: web.Request, body: bytes) -> Call:
    """A request as a plain value."""
    parameters: Mapping[str, str] = request.match_info
    query = request.query if request.query_string else NO_QUERY
    return Call(
        method=request.method,
        path=request.path,
        headers=request.headers,
        body=body,
        query=query,
        parameters=parameters,
        scheme=request.scheme,
    )


def response(reply: Reply) -> web.Response:
    """A plain reply as a response."""
    return web.Response(
        status=reply.status,
        body=reply.body,
        headers={**reply.headers, hdrs.CONTENT_TYPE: reply.content_type},
    )

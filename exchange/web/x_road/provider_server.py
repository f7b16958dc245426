"""The provider's security server, where that is another exchange: calls go on to it as they came,
with the id under which both servers record them.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web
from multidict import CIMultiDict

from exchange.errors import Unreachable
from exchange.ports.delivery import Transport
from exchange.schemas.call import Call, Reply, media_type
from exchange.schemas.directory import Partner
from exchange.schemas.x_road import rest
from exchange.schemas.x_road.faults import Fault
from exchange.schemas.x_road.operational_records import Observed

#: The longest wait for it: longer than any synchronous answer takes.
WAIT_SECONDS = 60.0
#: What an answer's own connection says, and what the client's server says itself; the rest comes
#: back.
_NOT_BACK = rest.SKIPPED | {"date", "content-type", "x-road-id", "x-road-client", "x-road-service"}
_ENVELOPES = ("text/xml", "multipart/related")
#: Says that a client's security server handed a call on, as a proxy does (RFC 9110, 7.6.3): where
#: the provider's is a client's in turn, or this one itself, the call would go round.
VIA = "1.1 x-road-client-server"


class ProviderServer:
    """The exchange at an address. It is sent the caller's key, since it looks itself at who calls.

    Source: the headers that are passed on, and the codes: RestRequest and ErrorCodes of X-Road
    7.8.1. The connection between the servers is modelled.
    """

    def __init__(self, transport: Transport, address: str, now: Callable[[], int]) -> None:
        self._transport = transport
        self._now = now
        self._server = Partner("provider-server", "", "", url=address)

    async def hand_on(self, request: web.Request, path: str, body: bytes, seen: Observed) -> Reply:
        """Its answer to a call, and when it was asked and answered.

        Raises:
            Fault: `network_error`, when there is none, or the call comes from a client's server.
        """
        if VIA in map(str.strip, ",".join(request.headers.getall("Via", ())).split(",")):
            message = (
                "the call comes from a client's security server, and this is a client's, too: "
                "x_road.provider_address there has to name a provider's"
            )
            raise Fault("server.clientproxy.network_error", message)
        seen.passed_at = self._now()
        passed = (each for each in request.headers.items() if each[0].lower() not in rest.SKIPPED)
        headers = CIMultiDict(passed)
        headers.add("Via", VIA)
        headers[rest.REQUEST_ID] = seen.request_id
        if seen.made_id:
            headers["X-Road-Id"] = seen.made_id
        # (On a kept connection a call may be made twice, which would be two records.)
        headers["Connection"] = "close"
        call = Call(request.method, path, headers, body)
        try:
            reply = await self._transport.send(self._server, call, WAIT_SECONDS)
        except Unreachable as error:
            message = f"the provider's security server did not answer: {error}"
            raise Fault("server.clientproxy.network_error", message) from None
        seen.answered_at = self._now()
        kept = CIMultiDict(
            (name, text) for name, text in reply.headers.items() if name.lower() not in _NOT_BACK
        )
        return Reply(reply.status, reply.body, reply.content_type, kept)

    async def hand_on_soap(
        self, request: web.Request, path: str, body: bytes, seen: Observed
    ) -> Reply:
        """Its answer to an envelope.

        Raises:
            Fault: `network_error`, when there is none; `io_error`, when it is no envelope.
        """
        reply = await self.hand_on(request, path, body, seen)
        if reply.status != HTTPStatus.OK or media_type(reply.content_type) not in _ENVELOPES:
            message = "the provider's security server answered without a SOAP message"
            raise Fault("server.clientproxy.io_error", message)
        return reply

"""X-Road's client side over HTTP: REST below /r1/, the list of clients, and SOAP at every other
path below /x-road; what a service does is its channel's endpoint.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from aiohttp import web
from lxml import etree
from multidict import CIMultiDict

from exchange.journey.worker_thread import WorkerThread
from exchange.ports import Channel, Ids, Refusal
from exchange.ports.channel import refuse_with_problem
from exchange.schemas import document_limits
from exchange.schemas.call import JSON, XML, Call, Reply
from exchange.schemas.directory import Partner
from exchange.schemas.x_road import faults, meta, operational_records, record_fields, rest, soap
from exchange.schemas.x_road.faults import Fault
from exchange.schemas.x_road.identifiers import Identifier
from exchange.schemas.x_road.operational_records import Observed
from exchange.settings import Limits
from exchange.settings.x_road import X_ROAD
from exchange.settings.x_road import XRoad as Settings
from exchange.web.access.callers import not_here
from exchange.web.caller_connection import sender_known
from exchange.web.endpoints import NO_ENDPOINT, Endpoints, Entry, response
from exchange.web.metrics import Metrics
from exchange.web.request_body import read_body
from exchange.web.telemetry.tracing import Tracing
from exchange.web.x_road.clients import Clients
from exchange.web.x_road.monitoring import Monitoring
from exchange.web.x_road.provider_server import ProviderServer
from exchange.web.x_road.services import Offered, Services

#: Where security servers are below the exchange's own address, since it has pages of its own.
PREFIX = "/x-road"
CLIENTS = "/listClients"
WSDL = "/wsdl"
#: Bodies at most, in bytes: a large town asks about all its residents at once.
REST_BYTES_MAX, SOAP_BYTES_MAX = 8_388_608, 1_048_576
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Parts:
    """What the security server is made of; `describe` gives a channel in OpenAPI. `provider` is the
    provider's server, where the exchange is the client's alone.
    """

    x_road: Settings
    provider: ProviderServer | None
    clients: Clients
    services: Services
    endpoints: Endpoints
    metrics: Metrics
    tracing: Tracing
    ids: Ids
    monitoring: Monitoring
    limits: Limits
    worker_thread: WorkerThread
    describe: Callable[[Channel], dict[str, Any]]


class SecurityServer:
    """Answers as the client's security server does."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._x_road = parts.x_road

    def routes(self) -> list[web.RouteDef]:
        """Its addresses."""
        return [
            web.route("*", "/r1/{tail:.*}", self.serve),
            web.get(CLIENTS, self.serve),
            web.route("*", f"{PREFIX}{{tail:(/.*)?}}", self.serve),
        ]

    async def serve(self, request: web.Request) -> web.Response:
        """The answer to a request, or a fault in the form of its protocol."""
        started = time.perf_counter()
        # (The trace is not answered: what an answer carries is X-Road's.)
        with self._parts.tracing.call(request.headers, request.method, X_ROAD) as served:
            if (refusal := not_here(request, X_ROAD)) is not None:
                reply = refuse_with_problem(refusal)
            else:
                reply = await self._reply(request)
            served.status = reply.status
        self._parts.metrics.served(X_ROAD, reply.status, time.perf_counter() - started)
        return response(reply)

    async def _reply(self, request: web.Request) -> Reply:
        target = _target(request)
        if target.startswith(rest.BEGIN):
            return await self._rest(request, target)
        if request.method == "GET" and target.partition("?")[0] == CLIENTS:
            return self._list_clients(request)
        if self._x_road.wsdl_address and target.partition("?")[0] == WSDL:
            return self._wsdl_at(request)
        return await self._soap(request)

    def _list_clients(self, request: web.Request) -> Reply:
        instance = request.query.get("xRoadInstance", self._x_road.instance)
        members = self._parts.clients.all() if instance == self._x_road.instance else ()
        return meta.list_clients(members, ",".join(request.headers.getall("Accept", [])))

    def _wsdl_at(self, request: web.Request) -> Reply:
        named = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode")
        owner = "/".join(request.query.get(name, "") for name in named)
        try:
            return Reply(200, self._wsdl(owner, request.query.get("serviceCode", "")), XML)
        except Fault as fault:
            return faults.soap(fault, self._uuid(), self._x_road.fault_codes)

    def _wsdl(self, owner: str, code: str, version: str = "") -> bytes:
        """The description of a service of a subsystem."""
        if not code:
            raise Fault("server.serverproxy.invalid_request", "serviceCode is wanted")
        for each in self._parts.services.of(owner):
            own = each.service
            if own.code != code or (version and own.version != version):
                continue
            if own.wsdl is None:
                raise Fault("server.serverproxy.service_type", "that is no SOAP service")
            return own.wsdl()
        raise Fault("server.serverproxy.unknown_service", "the subsystem has no such service")

    # ---- REST

    async def _rest(self, request: web.Request, target: str) -> Reply:
        x_road = self._x_road
        headers = [(name.decode(), text.decode("latin-1")) for name, text in request.raw_headers]
        seen = self._seen(request)
        try:
            asked = rest.read(target, headers)
            record_fields.rest_request(seen, request.method, asked, headers)
            body = await self._body(request, REST_BYTES_MAX)
            seen.made_id = "" if asked.id else f"{x_road.instance}-{self._uuid()}"
            reply = await self._rest_service(request, asked, body, seen)
            record_fields.rest_reply(seen, reply, asked.id or seen.made_id, len(target) + len(body))
        except Fault as fault:
            self._count(fault)
            record_fields.fault(seen, fault.spelt(x_road.fault_codes), fault.message)
            accepts = ",".join(request.headers.getall("Accept", []))
            by_specification = x_road.rest_errors == "specification"
            return faults.rest(fault, self._uuid(), accepts, x_road.fault_codes, by_specification)
        finally:
            self._keep(seen)
        if rest.ERROR in reply.headers:
            # The provider's server refused it: its answer as it is.
            return reply
        request_id, made_id = seen.request_id, seen.made_id
        hashed = rest.request_hash(request.method, target, headers, request_id, made_id, body)
        told = {
            "x-road-id": asked.id or made_id,
            "x-road-client": asked.client_sent,
            "x-road-service": asked.service_sent,
            "x-road-request-id": request_id,
            "x-road-request-hash": hashed,
        }
        return Reply(reply.status, reply.body, reply.content_type, {**reply.headers, **told})

    def _seen(self, request: web.Request) -> Observed:
        """A call that begins; where the exchange is the provider's server alone it has passed the
        client's already, and comes with an id.
        """
        now, said = self._parts.monitoring.now(), request.headers.get(rest.REQUEST_ID, "")
        if self._x_road.side != "provider":
            return Observed(self._uuid(), now)
        return Observed(said if _UUID.fullmatch(said) else self._uuid(), now, passed_at=now)

    async def _rest_service(
        self, request: web.Request, asked: rest.RestRequest, body: bytes, seen: Observed
    ) -> Reply:
        parts = self._parts
        partner = parts.clients.authenticated(asked.client, request)
        own = parts.services.of(asked.service.owner)
        if parts.provider is not None:
            return await parts.provider.hand_on(request, _target(request), body, seen)
        parts.services.check_server(asked.security_server)
        seen.passed_at = seen.passed_at or parts.monitoring.now()
        code = asked.service.parts["serviceCode"]
        if code in meta.REST_SERVICES:
            seen.is_meta = True
            return self._rest_meta(code, own, asked.client, partner, request)
        offered = parts.services.find(asked.service, "REST")
        parts.services.check_right(offered, asked.client, partner)
        found = parts.services.endpoint(offered, request.method, asked.path)
        if found is None:
            return offered.channel.refuse(NO_ENDPOINT)
        call = Call(
            method=request.method,
            path=offered.service.path + asked.path,
            headers=request.headers,
            body=body,
            query=request.query,
            parameters=found.parameters,
        )
        entry = Entry(offered.channel, found.endpoint, offered.desk)
        return await self._hand_on(entry, call, partner, seen)

    async def _hand_on(self, entry: Entry, call: Call, partner: Partner, seen: Observed) -> Reply:
        """The service's own answer, and when it was asked and answered."""
        seen.asked_at = self._parts.monitoring.now()
        reply = await self._parts.endpoints.hand_on(entry, call, partner)
        seen.answered_at = self._parts.monitoring.now()
        return reply

    def _keep(self, seen: Observed) -> None:
        """Keep what was seen of a call that told who made it to whom."""
        if seen.client is not None:
            self._parts.monitoring.keep(seen)

    def _rest_meta(
        self,
        code: str,
        own: list[Offered],
        client: Identifier,
        partner: Partner,
        request: web.Request,
    ) -> Reply:
        if code == meta.GET_OPENAPI:
            return self._openapi(own, request.query.get("serviceCode", ""))
        return meta.rest_methods(
            (each.identifier, each.methods())
            for each in own
            if each.service.kind == "REST"
            and (code == meta.LIST_METHODS or self._parts.services.allows(each, client, partner))
        )

    def _openapi(self, own: list[Offered], code: str) -> Reply:
        if not code:
            raise Fault("server.serverproxy.invalid_request", "serviceCode is wanted")
        offered = next((each for each in own if each.service.code == code), None)
        if offered is None:
            raise Fault("server.serverproxy.unknown_service", "the subsystem has no such service")
        if offered.service.kind != "REST":
            raise Fault("server.serverproxy.service_type", "that is no REST service")
        document: dict[str, Any] = self._parts.describe(offered.channel)
        cut = len(offered.service.path)
        document["paths"] = {
            each.path[cut:] or "/": document["paths"][each.path] for each in offered.endpoints
        }
        return Reply(200, json.dumps(document, ensure_ascii=False).encode(), JSON)

    # ---- SOAP

    async def _soap(self, request: web.Request) -> Reply:
        seen = self._seen(request)
        try:
            body = await self._body(request, SOAP_BYTES_MAX)
            # An envelope is read before it is known who sent it.
            asked = await self._parts.worker_thread.run(
                f"at {request.remote}", len(body), self._read_soap, request, body
            )
            record_fields.soap_request(seen, asked, len(body))
            reply = await self._soap_service(request, body, asked, seen)
            record_fields.soap_reply(seen, reply)
            return reply
        except Fault as fault:
            self._count(fault)
            record_fields.fault(seen, fault.spelt(self._x_road.fault_codes), fault.message)
            return faults.soap(fault, self._uuid(), self._x_road.fault_codes)
        finally:
            self._keep(seen)

    def _read_soap(self, request: web.Request, body: bytes) -> soap.SoapRequest:
        with document_limits.within(self._parts.limits.documents):
            return soap.read(request.method, request.headers, body)

    async def _soap_service(
        self, request: web.Request, body: bytes, asked: soap.SoapRequest, seen: Observed
    ) -> Reply:
        parts = self._parts
        partner = parts.clients.authenticated(asked.client, request)
        code, server = asked.service.parts["serviceCode"], asked.security_server
        is_operations = code in (operational_records.DATA, operational_records.HEALTH)
        is_own = is_operations and asked.service.owner == parts.monitoring.owner
        # (The owner of another server is no subsystem with services: that server knows it.)
        is_unknown = is_own or (is_operations and parts.provider is not None)
        own = [] if is_unknown else parts.services.of(asked.service.owner)
        if parts.provider is not None and not is_own:
            return await parts.provider.hand_on_soap(request, PREFIX, body, seen)
        parts.services.check_server(server.path if server is not None else "")
        seen.passed_at = seen.passed_at or parts.monitoring.now()
        if is_own:
            seen.is_meta = True
            return await self._operations(asked, code)
        if code in meta.SOAP_SERVICES:
            seen.is_meta = True
            return self._soap_meta(code, own, asked, partner)
        offered = parts.services.find(asked.service, "SOAP")
        parts.services.check_right(offered, asked.client, partner)
        (endpoint,) = offered.endpoints
        headers = CIMultiDict(request.headers)
        headers["Content-Type"] = XML
        call = Call("POST", offered.service.path, headers, asked.message)
        entry = Entry(offered.channel, endpoint, offered.desk)
        reply = await self._hand_on(entry, call, partner, seen)
        return self._from_provider(asked, reply)

    async def _operations(self, asked: soap.SoapRequest, code: str) -> Reply:
        """Operational or health data of the servers."""
        child, attachment = await self._parts.monitoring.answer(asked, code)
        envelope = soap.answer(asked, child)
        if not attachment:
            return Reply(200, envelope, faults.SOAP_TYPE)
        boundary = f"xroad{self._uuid()}"
        body, kind = soap.with_attachment(
            envelope, attachment, boundary, operational_records.ATTACHMENT, "application/gzip"
        )
        return Reply(200, body, kind)

    def _from_provider(self, asked: soap.SoapRequest, reply: Reply) -> Reply:
        """A provider's envelope with X-Road's header, its own fault as it is."""
        try:
            root = etree.fromstring(reply.body)
        except etree.XMLSyntaxError:
            message = f"the service answered {reply.status} without a SOAP message"
            code = "server.serverproxy.service_failed.http_error"
            raise Fault(code, message) from None
        child = root.find(f"{{{soap.SOAP}}}Body/*")
        if child is None or child.tag == f"{{{soap.SOAP}}}Fault":
            return reply
        answered = etree.tostring(child, with_tail=False)
        return Reply(200, soap.answer(asked, answered), faults.SOAP_TYPE)

    def _soap_meta(
        self, code: str, own: list[Offered], asked: soap.SoapRequest, partner: Partner
    ) -> Reply:
        if code == meta.GET_WSDL:
            wanted, version = (
                asked.wrapper.findtext(f"{{*}}{name}") or ""
                for name in ("serviceCode", "serviceVersion")
            )
            wsdl = self._wsdl(asked.service.owner, wanted, version)
            envelope = soap.answer(asked, meta.wsdl_of(wanted, version))
            body, kind = soap.with_attachment(envelope, wsdl, f"xroad{self._uuid()}")
            return Reply(200, body, kind)
        found = (
            each.identifier
            for each in own
            if each.service.kind == "SOAP"
            and (
                code == meta.LIST_METHODS
                or self._parts.services.allows(each, asked.client, partner)
            )
        )
        return Reply(200, soap.answer(asked, meta.methods(code, found)), faults.SOAP_TYPE)

    def _count(self, fault: Fault) -> None:
        """Count a refusal; codes of the senders' own are one, for there may be any number."""
        code = fault.code if fault.code in faults.CODES else "client.fault"
        self._parts.metrics.refused(X_ROAD, code)

    async def _body(self, request: web.Request, bytes_max: int) -> bytes:
        """The body, of at most `bytes_max` bytes.

        Raises:
            Fault: `io_error`, when it is too large, too late or broken off.
        """
        if isinstance(self._parts.clients.caller(request), Partner):
            sender_known(request)
        sender = Partner("", "", "", body_bytes_max=bytes_max)
        body = await read_body(request, sender, self._parts.limits.body_bytes_max)
        if isinstance(body, Refusal):
            raise Fault("server.clientproxy.io_error", body.message)
        return body

    def _uuid(self) -> str:
        """A UUID of an id of ours, so that a run with one seed is the same again."""
        digest = blake2b(self._parts.ids.next().to_bytes(16), digest_size=16).digest()
        return str(uuid.UUID(bytes=digest, version=4))


def _target(request: web.Request) -> str:
    """The path and query of a request as they were sent, below where security servers are. (The
    target of a request may be a whole address: RFC 9112, 3.2.2.)
    """
    path = request.raw_path
    if not path.startswith("/"):
        _, slash, rest_of_it = path.partition("://")[2].partition("/")
        path = slash + rest_of_it
    return path.removeprefix(PREFIX)

"""Who is registered at the security server as a client, and which partner that is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from aiohttp import web

from exchange.ports import Refusal
from exchange.ports.channel import basic_or_key
from exchange.schemas.directory import Directory, Partner
from exchange.schemas.x_road.faults import Fault
from exchange.schemas.x_road.identifiers import Identifier, client
from exchange.schemas.x_road.members import class_of
from exchange.settings.x_road import XRoad as Settings
from exchange.web.access.callers import NO_CERTIFICATE, NO_KEY, caller_of


class Registered(NamedTuple):
    """A client: the partner that it is, and whether it may call without the partner's key."""

    partner: Partner
    is_open: bool


class Clients:
    """The clients that are registered: those of the settings, and each partner by its business id,
    as a member and with its own id as subsystem.
    """

    def __init__(self, directory: Directory, x_road: Settings) -> None:
        self._directory = directory
        self._x_road = x_road

    def find(self, identifier: Identifier) -> Registered | None:
        """The client of that identifier."""
        path = identifier.path
        named = self._x_road.clients.get(path)
        if named is None:
            parts = path.split("/")
            if len(parts) < len(("instance", "class", "code")):
                # (A header of SOAP may have left out any part.)
                return None
            instance, kind, code, *rest = parts
            member = self._directory.by_business_id(code)
            if member is None or (instance, kind) != (self._x_road.instance, class_of(member)):
                return None
            if rest not in ([], [member.id]):
                return None
            named = member.id
        partner = self._directory.get(named)
        if partner is None:
            return None
        return Registered(partner, path in self._x_road.clients_without_key)

    def authenticated(self, identifier: Identifier, request: web.BaseRequest) -> Partner:
        """The partner behind a client that proves who it is: at a listener with TLS by its
        certificate, at the plain one by the partner's key, in place of a certificate.

        Raises:
            Fault: `unknown_member`, or `ssl_authentication_failed` without the partner's
                certificate or key.
        """
        found = self.find(identifier)
        if found is None:
            message = "the client that the call names is not registered"
            raise Fault("server.clientproxy.unknown_member", message)
        caller = self.caller(request)
        if isinstance(caller, Partner):
            if caller.id == found.partner.id:
                return caller
            why = "the certificate or key is another partner's"
        elif found.is_open and caller in (NO_KEY, NO_CERTIFICATE):
            return found.partner
        else:
            why = caller.message
        message = f"the client did not prove who it is: {why}"
        raise Fault("server.clientproxy.ssl_authentication_failed", message)

    def caller(self, request: web.BaseRequest) -> Partner | Refusal:
        """Who calls, whichever client it says it is, or why that can't be told."""
        return caller_of(request, basic_or_key(request.headers), self._directory)

    def all(self) -> Iterator[tuple[Identifier, str]]:
        """Every client, with the name of its member."""
        for path, partner_id in self._x_road.clients.items():
            partner = self._directory.get(partner_id)
            if partner is not None:
                yield client(path.split("/")), partner.name
        for partner in self._directory:
            if partner.business_id:
                parts = (
                    self._x_road.instance,
                    class_of(partner),
                    partner.business_id,
                    partner.id,
                )
                yield client(parts), partner.name

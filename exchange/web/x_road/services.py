"""The services that channels offer to X-Road, found by their identifiers, and the endpoint that a
call of one goes to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote

from exchange.ports import Channel, Desk, Endpoint
from exchange.ports.services import Service
from exchange.schemas.directory import Partner
from exchange.schemas.x_road.faults import Fault
from exchange.schemas.x_road.identifiers import Identifier, service
from exchange.settings.x_road import XRoad as Settings

_PARAMETER = re.compile(r"\\\{(\w+)\\\}")


@dataclass(frozen=True, slots=True)
class Offered:
    """A service with its channel and the desk behind it."""

    service: Service
    identifier: Identifier
    channel: Channel
    desk: Desk

    @property
    def name(self) -> str:
        """The service as the settings name it: `VTJmutpa/VTJmutpa`."""
        return f"{self.service.subsystem}/{self.service.code}"

    @property
    def endpoints(self) -> list[Endpoint]:
        """The channel's endpoints that make up the service."""
        path, of_soap = self.service.path, self.service.kind == "SOAP"
        others = [each.path for each in self.channel.services if each.path != path]
        return [
            each
            for each in self.channel.endpoints
            if each.handler is not None
            and (each.path == path if of_soap else each.path.startswith(path))
            and each.path not in others
        ]

    def methods(self) -> Sequence[tuple[str, str]]:
        """Method and path of each endpoint, as the metadata services tell them: a parameter is any
        text.
        """
        cut = len(self.service.path)
        return [
            (each.method, re.sub(r"\{\w+\}", "*", each.path[cut:]) or "/")
            for each in self.endpoints
        ]


class Found(NamedTuple):
    """The endpoint of a REST call, and the parameters in its address."""

    endpoint: Endpoint
    parameters: Mapping[str, str]


class Services:
    """All services; rights and states by the settings."""

    def __init__(
        self, channels: Iterable[Channel], desk: Callable[[Channel], Desk], x_road: Settings
    ) -> None:
        self._x_road = x_road
        self._offered = [
            Offered(
                each,
                service(
                    f"{x_road.instance}/{each.member}/{each.subsystem}", each.code, each.version
                ),
                channel,
                behind,
            )
            for channel in channels
            if channel.services
            for behind in [desk(channel)]
            for each in channel.services
        ]

    def of(self, owner: str) -> list[Offered]:
        """The services of a subsystem.

        Raises:
            Fault: `unknown_member`, when there is no such subsystem.
        """
        found = [each for each in self._offered if each.identifier.owner == owner]
        if not found:
            raise Fault(
                "server.clientproxy.unknown_member",
                "the subsystem that the call names is not known",
            )
        return found

    def check_server(self, server: str) -> None:
        """Look at the server that a call names (empty: none), and at whether it serves at all.

        Raises:
            Fault: `invalid_security_server`, `maintenance_mode`.
        """
        if server and server != f"{self._x_road.instance}/{self._x_road.server}":
            message = "the server that the call names is not the service's"
            raise Fault("server.clientproxy.invalid_security_server", message)
        if self._x_road.maintenance:
            message = "the server is being maintained"
            raise Fault("server.clientproxy.maintenance_mode", message)

    def find(self, wanted: Identifier, kind: str) -> Offered:
        """The service of that identifier, of that kind.

        Raises:
            Fault: `unknown_member`, `unknown_service` or `service_type`.
        """
        code = wanted.parts.get("serviceCode", "")
        version = wanted.parts.get("serviceVersion", "")
        for each in self.of(wanted.owner):
            own = each.service
            if own.code != code or (kind == own.kind == "SOAP" and own.version != version):
                continue
            if own.kind != kind:
                message = f"that is a service of the kind {own.kind}"
                raise Fault("server.serverproxy.service_type", message)
            return each
        raise Fault("server.serverproxy.unknown_service", "the subsystem has no such service")

    def check_right(self, offered: Offered, client: Identifier, partner: Partner) -> None:
        """Look at whether a client may call a service, and whether it is in use.

        Raises:
            Fault: `access_denied`, `service_disabled`.
        """
        if not self.allows(offered, client, partner):
            message = f"the client has no right to {offered.name}"
            raise Fault("server.serverproxy.access_denied", message)
        if (notice := self._x_road.disabled.get(offered.name)) is not None:
            raise Fault("server.serverproxy.service_disabled", notice)

    def allows(self, offered: Offered, client: Identifier, partner: Partner) -> bool:
        """Whether a client has the right to a service."""
        is_denied = f"{client.path} {offered.name}" in self._x_road.denied
        return not is_denied and offered.service.may(partner)

    def endpoint(self, offered: Offered, method: str, path: str) -> Found | None:
        """The endpoint of a REST service at that path, as it was sent; None when the service has
        no such address, which is the provider's to say.

        Raises:
            Fault: `access_denied`, when the address takes other methods only.
        """
        others = False
        for each in offered.endpoints:
            own = re.escape(each.path[len(offered.service.path) :])
            match = re.fullmatch(_PARAMETER.sub(r"(?P<\1>[^/]+)", own), path)
            if match is None:
                continue
            if each.method == method:
                found = {name: unquote(text) for name, text in match.groupdict().items()}
                return Found(each, found)
            others = True
        if others:
            raise Fault("server.serverproxy.access_denied", "the address takes other methods")
        return None

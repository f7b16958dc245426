"""What the metadata services of a security server answer: clients, services; no rights.

Source: pr-meta and pr-mrest, and MetadataClientRequestProcessor of X-Road 7.8.1.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any
from xml.sax.saxutils import escape

from exchange.schemas.call import JSON, Reply
from exchange.schemas.x_road.faults import SOAP_TYPE
from exchange.schemas.x_road.identifiers import IDENTIFIERS, XROAD, Identifier

LIST_METHODS, ALLOWED_METHODS, GET_WSDL = "listMethods", "allowedMethods", "getWsdl"
GET_OPENAPI = "getOpenAPI"
SOAP_SERVICES = (LIST_METHODS, ALLOWED_METHODS, GET_WSDL)
REST_SERVICES = (LIST_METHODS, ALLOWED_METHODS, GET_OPENAPI)
#: What a WSDL says of where its service is.
PLACEHOLDER = "http://example.org/xroad-endpoint"
_NAMESPACES = f'xmlns:xrd="{XROAD}" xmlns:id="{IDENTIFIERS}"'


def list_clients(members: Iterable[tuple[Identifier, str]], accepts: str) -> Reply:
    """Members and subsystems with the names of the members: JSON where the header Accept
    (`accepts`) names it at all, else XML.
    """
    found = [(each, name, each.parts.get("subsystemCode", "")) for each, name in members]
    kinds = [each.partition(";")[0].strip().lower() for each in accepts.split(",")]
    if JSON in kinds:
        told = [
            {"id": each.as_json(), "name": name} | ({"subsystem_name": code} if code else {})
            for each, name, code in found
        ]
        return Reply(200, json.dumps({"member": told}, ensure_ascii=False).encode(), JSON)
    inside = "".join(
        f"<xrd:member>{each.as_xml('xrd:id')}<xrd:name>{escape(name)}</xrd:name>"
        + (f"<xrd:subsystemName>{escape(code)}</xrd:subsystemName>" if code else "")
        + "</xrd:member>"
        for each, name, code in found
    )
    body = f'<?xml version="1.0" encoding="UTF-8"?><xrd:clientList {_NAMESPACES}>{inside}'
    return Reply(200, f"{body}</xrd:clientList>".encode(), SOAP_TYPE)


def methods(meta_service: str, services: Iterable[Identifier]) -> bytes:
    """The answer of `listMethods` or `allowedMethods` over SOAP, as the body's child."""
    inside = "".join(each.as_xml("xrd:service") for each in services)
    return f"<xrd:{meta_service}Response>{inside}</xrd:{meta_service}Response>".encode()


def wsdl_of(code: str, version: str) -> bytes:
    """The answer of `getWsdl`, which the WSDL is attached to."""
    inside = f"<xrd:serviceCode>{escape(code)}</xrd:serviceCode>"
    if version:
        inside += f"<xrd:serviceVersion>{escape(version)}</xrd:serviceVersion>"
    return f"<xrd:getWsdlResponse>{inside}</xrd:getWsdlResponse>".encode()


def rest_methods(services: Iterable[tuple[Identifier, Sequence[tuple[str, str]]]]) -> Reply:
    """The answer of `listMethods` or `allowedMethods` over REST: services with their endpoints
    (method, path).
    """
    told: list[dict[str, Any]] = [
        {
            **service.as_json(),
            "service_type": "OPENAPI",
            "endpoint_list": [{"method": method, "path": path} for method, path in endpoints],
        }
        for service, endpoints in services
    ]
    return Reply(200, json.dumps({"service": told}, ensure_ascii=False).encode(), JSON)

"""The description of a SOAP service as a security server hands it out: one operation in
document/literal form, with X-Road's header fields.

Source: pr-mess 4.0, annexes; WSDL 1.1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from exchange.schemas.x_road.identifiers import IDENTIFIERS, PARTS, XROAD
from exchange.schemas.x_road.meta import PLACEHOLDER

_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
#: Where a schema is imported from: from beside it.
_LOCATION = re.compile(r'\s+schemaLocation="[^"]*"')
#: Header fields: whether each is wanted, and its type.
_FIELDS = {
    "client": "xrd:IdentifierType",
    "service": "xrd:IdentifierType",
    "userId": "xsd:string",
    "id": "xsd:string",
    "issue": "xsd:string",
    "protocolVersion": "xsd:string",
}


def _identifiers() -> str:
    elements = "".join(f'<xsd:element name="{name}" type="xsd:string"/>' for name in PARTS)
    return (
        f'<xsd:schema targetNamespace="{IDENTIFIERS}" elementFormDefault="qualified">'
        f'<xsd:attribute name="objectType" type="xsd:string"/>{elements}</xsd:schema>'
    )


def _header() -> str:
    parts = "".join(f'<xsd:element ref="id:{name}" minOccurs="0"/>' for name in PARTS)
    elements = "".join(
        f'<xsd:element name="{name}" type="{kind}"/>' for name, kind in _FIELDS.items()
    )
    return (
        f'<xsd:schema targetNamespace="{XROAD}" elementFormDefault="qualified">'
        f'<xsd:import namespace="{IDENTIFIERS}"/>'
        f'<xsd:complexType name="IdentifierType"><xsd:sequence>{parts}</xsd:sequence>'
        '<xsd:attribute ref="id:objectType" use="required"/></xsd:complexType>'
        f"{elements}</xsd:schema>"
    )


def description(namespace: str, operation: str, schemas: Sequence[str]) -> bytes:
    """The WSDL of an operation whose wrappers (its name, and that with `Response`) stand in a
    schema of that namespace, one of `schemas`, which stand in the WSDL itself.
    """
    own = "".join(_LOCATION.sub("", _DECLARATION.sub("", each)) for each in schemas)
    header = "".join(f'<wsdl:part name="{name}" element="xrd:{name}"/>' for name in _FIELDS)
    bound = "".join(
        f'<soap:header message="tns:Header" part="{name}" use="literal"/>' for name in _FIELDS
    )
    body = '<soap:body use="literal" parts="body"/>'
    messages = "".join(
        f'<wsdl:message name="{name}"><wsdl:part name="body" element="tns:{name}"/></wsdl:message>'
        for name in (operation, f"{operation}Response")
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<wsdl:definitions targetNamespace="{namespace}" xmlns:tns="{namespace}" '
        f'xmlns:xrd="{XROAD}" xmlns:id="{IDENTIFIERS}" '
        'xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" '
        'xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" '
        'xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
        f"<wsdl:types>{_identifiers()}{_header()}{own}</wsdl:types>"
        f'<wsdl:message name="Header">{header}</wsdl:message>{messages}'
        f'<wsdl:portType name="{operation}Type"><wsdl:operation name="{operation}">'
        f'<wsdl:input message="tns:{operation}"/><wsdl:output message="tns:{operation}Response"/>'
        "</wsdl:operation></wsdl:portType>"
        f'<wsdl:binding name="{operation}Binding" type="tns:{operation}Type">'
        '<soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>'
        f'<wsdl:operation name="{operation}"><soap:operation soapAction="" style="document"/>'
        f"<wsdl:input>{body}{bound}</wsdl:input><wsdl:output>{body}{bound}</wsdl:output>"
        "</wsdl:operation></wsdl:binding>"
        f'<wsdl:service name="{operation}Service">'
        f'<wsdl:port name="{operation}Port" binding="tns:{operation}Binding">'
        f'<soap:address location="{PLACEHOLDER}"/></wsdl:port></wsdl:service></wsdl:definitions>'
    ).encode()

"""Renders the services' WSDL documents and gives out the schemas that they import: what a SOAP
client needs; serves no message.

Source: the register's services and operations under `/20170526/` (technical interface 2021,
vero.fi); document/literal.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from exchange.adapters.income_register.document import NAMESPACE, text
from exchange.schemas import income_register as register_schemas
from exchange.schemas.call import XML, Call, Reply, problem

#: The register's own path, and the same under the channel's.
OFFICIAL_PREFIX = "/20170526"
PREFIX = f"/income-register{OFFICIAL_PREFIX}"
PREFIXES = (PREFIX, OFFICIAL_PREFIX)
_SCHEMAS = Path(register_schemas.__file__).parent
_HOST = re.compile(r"[A-Za-z0-9.\-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:]{2,39}\](:[0-9]{1,5})?")


class Operation(NamedTuple):
    """An operation: its SOAPAction, the roots of its request and its reply, and whether the reply
    is the outcome.
    """

    name: str
    request: str
    reply: str
    real_time: bool = True


_REPORTS_TO_IR = ("WageReport", "BenefitReport", "PayerSummaryReport")
_QUERIES = {
    "WageReports": ("OneIncomeEarner", "OnePayer", "OnePayerOneIncomeEarner", "OnePolicyNo"),
    "BenefitReports": ("OneIncomeEarner", "OnePayerOneIncomeEarner", "OneIRReportId"),
    "PayerSummaryReports": ("OnePayer", "OnePolicyNo"),
}


def _delivery_service(name: str, request: str, one: str = "Request") -> tuple[Operation, ...]:
    return (
        Operation(f"Send{name}", f"{request}{one}ToIR", "StatusResponseFromIR"),
        Operation(f"Send{name}s", f"{request}s{one}ToIR", "AckFromIR", False),
    )


#: Operations by service.
SERVICES: Mapping[str, tuple[Operation, ...]] = {
    **{f"{name}Service": _delivery_service(name, name) for name in _REPORTS_TO_IR},
    "InvalidationService": _delivery_service("Invalidation", "Invalidation"),
    "SubscriptionService": (
        Operation("ProcessSubscription", "SubscriptionsRequestToIR", "StatusResponseFromIR"),
        Operation("SendSubscription", "SubscriptionsRequestToIRAsync", "AckFromIR", False),
    ),
    "StatusService": (
        Operation("GetDeliveryDataStatus", "StatusRequestToIR", "StatusResponseFromIR"),
    ),
    "EchoService": (Operation("SendEcho", "Echo", "Echo"),),
    **{
        f"{name[:-1]}QueryService": tuple(
            Operation(f"Get{name}{by}", f"{name}{by}RequestToIR", f"{name}FromIR") for by in ways
        )
        for name, ways in _QUERIES.items()
    },
}


def _documents() -> dict[str, tuple[str, str]]:
    """Namespace (last part) and schema file by root element, as the catalogue of message types has
    them.
    """
    path = _SCHEMAS / "message_types.toml"
    types = tomllib.loads(path.read_text(encoding="utf-8"))["message_type"]
    return {
        root.rpartition("}")[2]: (root.rpartition("}")[0].rpartition("/")[2], each["schema"])
        for each in types
        for root in each["roots"]
    }


DOCUMENTS = _documents()


def _message(root: str) -> str:
    """The name of the message that a root element is, as the register's WSDLs have it."""
    if root in ("Echo", "StatusRequestToIR", "StatusResponseFromIR"):
        return f"{root}Message"
    if root.endswith("FromIR"):
        return root
    question = "One" in root
    return f"{root.replace('RequestToIR' if question else 'Request', '', 1)}Message"


def _part(root: str) -> str:
    return "echo" if root == "Echo" else "out" if root.endswith("FromIR") else "in"


def render(service: str, address: str, prefix: str = PREFIX) -> bytes:
    """The WSDL of a service that is reached at `address` (the base address of the exchange), with
    the register's own names of port types, bindings, messages and parts.
    """
    operations, stem = SERVICES[service], service.removesuffix("Service")
    roots = list(
        dict.fromkeys(
            root for operation in operations for root in (operation.request, operation.reply)
        )
    )
    imports = {DOCUMENTS[root] for root in roots}
    schemas_ = "".join(
        f'<xs:schema><xs:import namespace="{NAMESPACE}{name}" '
        f'schemaLocation="schemas/{file}"/></xs:schema>'
        for name, file in sorted(imports)
    )
    messages = "".join(
        f'<wsdl:message name="{_message(root)}"><wsdl:part name="{_part(root)}" '
        f'element="n{index}:{root}"/></wsdl:message>'
        for index, root in enumerate(roots)
    )
    prefixes = "".join(
        f' xmlns:n{index}="{NAMESPACE}{DOCUMENTS[root][0]}"' for index, root in enumerate(roots)
    )
    ports = "".join(
        f'<wsdl:operation name="{operation.name}">'
        f'<wsdl:input message="tns:{_message(operation.request)}"/>'
        f'<wsdl:output message="tns:{_message(operation.reply)}"/></wsdl:operation>'
        for operation in operations
    )
    literal = '<soap:body use="literal"/>'
    bindings = "".join(
        f'<wsdl:operation name="{operation.name}"><soap:operation soapAction="{operation.name}" '
        'style="document"/>'
        f"<wsdl:input>{literal}</wsdl:input><wsdl:output>{literal}</wsdl:output></wsdl:operation>"
        for operation in operations
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<wsdl:definitions name="{service}" '
        f'targetNamespace="http://www.tulorekisteri.fi/{service}" '
        f'xmlns:tns="http://www.tulorekisteri.fi/{service}" '
        'xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" '
        'xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" '
        f'xmlns:xs="http://www.w3.org/2001/XMLSchema"{prefixes}>'
        f"<wsdl:types>{schemas_}</wsdl:types>{messages}"
        f'<wsdl:portType name="{stem}Port">{ports}</wsdl:portType>'
        f'<wsdl:binding name="{stem}Soap" type="tns:{stem}Port">'
        '<soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>'
        f"{bindings}</wsdl:binding>"
        f'<wsdl:service name="{service}"><wsdl:port name="{service}" binding="tns:{stem}Soap">'
        f'<soap:address location="{text(address)}{prefix}/{service}.svc"/></wsdl:port>'
        "</wsdl:service></wsdl:definitions>\n"
    ).encode()


def serve_wsdl(service: str, prefix: str, call: Call) -> Reply:
    """The WSDL with the address under which the caller reached us; a Host that is no host name is
    not repeated.
    """
    host = call.headers.get("Host", "")
    address = f"{call.scheme}://{host if _HOST.fullmatch(host) else '127.0.0.1'}"
    return Reply(200, render(service, address, prefix), XML)


def serve_schema(call: Call) -> Reply:
    """One of the schemas, as it is in the product."""
    name = call.parameters.get("name", "")
    if name not in {path.name for path in _SCHEMAS.glob("*.xsd")}:
        return problem(404, "Not found", f"there is no schema {name!r}")
    return Reply(200, (_SCHEMAS / name).read_bytes(), XML)

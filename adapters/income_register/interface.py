"""What the description of the register's services tells: documents, answers and faults; the WSDLs
tell the same to SOAP clients.
"""

from __future__ import annotations

from collections.abc import Iterable

from exchange.adapters.income_register.document import ROOTS
from exchange.adapters.income_register.endpoints import soap, wsdl
from exchange.ports.description import XML, Body, Interface, Parameter, Schema, Told

_XML = ("text/xml",)
#: Message types by the local names of their root elements.
TYPES = {root.rpartition("}")[2]: name for root, name in ROOTS.items()}

SHAPES: dict[str, Schema] = {
    "income-register.Fault": {
        **XML,
        "description": "A SOAP 1.1 fault. `faultstring` begins with the reason and a colon; `detail` "
        f"holds every violation in the namespace {soap.VIOLATIONS}.",
    },
    "income-register.Wsdl": XML,
}
FAULT = Body(media_types=_XML, shape="income-register.Fault")
_ENVELOPE = "In a SOAP 1.1 envelope, signed by the register"


def of_service(operations: tuple[wsdl.Operation, ...]) -> Interface:
    """The interface of a service: a document of one of its operations, alone or in an envelope."""
    actions = [operation.name for operation in operations]
    return Interface(
        parameters=(
            Parameter(
                "SOAPAction",
                "The operation, alone or after a slash; may be left out, since the document tells it",
                schema={"type": "string", "examples": actions},
            ),
        ),
        takes=(Body(_types(operation.request for operation in operations), _XML),),
        tells={
            200: Told(
                _ENVELOPE, (Body(_types(operation.reply for operation in operations), _XML),)
            ),
            500: Told(
                "A fault with everything that was found",
                (FAULT,),
                ("malformed", "type-unknown", "schema", "rule", "real-person"),
            ),
        },
    )


def _types(roots: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(TYPES[root] for root in roots))


WSDL = Interface(
    tells={200: Told("The WSDL", (Body(media_types=_XML, shape="income-register.Wsdl"),))}
)
XSD = Interface(
    parameters=(Parameter("name", "The name of its file", "path"),),
    tells={
        200: Told("The XSD", (Body(media_types=_XML, shape="income-register.Wsdl"),)),
        404: Told(
            "No such schema", (Body(media_types=("application/problem+json",), shape="Problem"),)
        ),
    },
)

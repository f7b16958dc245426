"""Opens what comes to a service: which operation it is, whether it is that operation's document by
its schema; and wraps what goes back.
"""

from __future__ import annotations

import re
from functools import cache

from exchange.adapters.income_register.document import REAL_TIME_ENDPOINT
from exchange.adapters.income_register.endpoints import soap, wsdl
from exchange.adapters.income_register.parse import Document, parse
from exchange.adapters.income_register.signature.sign import sign_canonical, signing_key
from exchange.ports import Inbound
from exchange.schemas import guard
from exchange.schemas.call import Call, Reply
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.directory import Partner
from exchange.schemas.violation import Malformed, has_errors
from exchange.schemas.xml import XmlSchema, locate

_ROOT = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?([A-Za-z]+RequestToIR(?:Async)?|Echo)[\s/>]")

Operations = tuple[wsdl.Operation, ...]


@cache
def schema_of(message_type: str) -> XmlSchema:
    """The schema of a message type of this channel."""
    schema = Catalogue.load().schema(message_type)
    assert isinstance(schema, XmlSchema)
    return schema


def operation_of(call: Call, operations: Operations) -> wsdl.Operation | str:
    """The operation that a call is of: by SOAPAction, else by the document's root; a sentence when
    it can't be told.

    The root is looked for in the bytes, so that a large delivery isn't parsed twice.
    """
    action = call.headers.get("SOAPAction", "").strip().strip('"').rpartition("/")[2]
    match = _ROOT.search(call.body)
    root = match[1].decode() if match else ""
    for operation in operations:
        if action == operation.name:
            return (
                operation
                if root in ("", operation.request)
                else f"{action} does not take {root[:80]}"
            )
        if not action and root == operation.request:
            return operation
    names = ", ".join(operation.name for operation in operations)
    asked = action or root or "(none)"
    return (
        f"unknown operation {'' if guard.in_text(asked) else asked[:80]}; this service has {names}"
    )


def signed(document: bytes) -> Reply:
    """A document as `answer` and `extract` render it (in canonical form), signed, in a SOAP
    envelope.
    """
    return soap.envelope(sign_canonical(document, signing_key()))


def opened(
    message_type: str, operations: Operations, call: Call, partner: Partner
) -> Document | Reply:
    """A request that is answered at once and is no delivery, read and judged by its schema; a fault
    when it is not as it should be.
    """
    operation = operation_of(call, operations)
    if isinstance(operation, str):
        return soap.fault("Client", operation)
    try:
        parsed = parse(Inbound(partner, call.body, call.content_type, REAL_TIME_ENDPOINT))
    except Malformed as error:
        return soap.fault("Client", "malformed", error.violations)
    root = str(parsed.document.tag).rpartition("}")[2]
    if parsed.message_type != message_type or root != operation.request:
        return soap.fault("Client", f"{operation.request} is expected, not {root}")
    broken = schema_of(message_type).check(parsed.document)
    if has_errors(broken):
        return soap.fault("Client", "schema", locate(call.body, broken))
    return parsed

"""Tells which operation of a service a call is of, takes questions in and wraps what goes back;
what a delivery or a question says is read elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from exchange.adapters.income_register.document import QUERY_ENDPOINT
from exchange.adapters.income_register.endpoints import soap, wsdl
from exchange.adapters.income_register.envelope import FAULT_CODES, OPERATION, OPERATION_HINT
from exchange.adapters.income_register.signature.sign import sign_canonical, signing_key
from exchange.ports import Answered, Desk, Inbound, Outcome, Parsed
from exchange.schemas import guard
from exchange.schemas.call import XML, Call, Reply
from exchange.schemas.directory import Partner
from exchange.schemas.violation import Violation

_ROOT = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?([A-Za-z]+RequestToIR(?:Async)?|Echo)[\s/>]")

#: The rule that a body with attachments breaks.
ATTACHMENTS = "soap.attachments"
#: In so many bytes of a body its root is looked for, on the event loop.
_ROOT_BYTES_MAX = 1 << 20

Operations = tuple[wsdl.Operation, ...]


def operation_of(call: Call, operations: Operations) -> wsdl.Operation | Violation:
    """The operation that a call is of: by SOAPAction, else by the document's root; what is wrong
    with the call when it can't be told. Whether the document is the operation's is told as it is
    read (`envelope.check_operation`).

    The root is looked for in the bytes, so that a large delivery isn't parsed twice.
    """
    if call.content_type.startswith("multipart/"):
        told = "the services take one SOAP 1.1 envelope, and no attachments or MTOM beside it"
        return Violation(ATTACHMENTS, told, expected="text/xml", found=call.content_type[:80])
    given = call.headers.get("SOAPAction", "").strip().strip('"')
    action = given.rpartition("/")[2] or given
    match = _ROOT.search(call.body, 0, _ROOT_BYTES_MAX) if not action else None
    root = match[1].decode() if match else ""
    for operation in operations:
        if action == operation.name or (not action and root == operation.request):
            return operation
    names = ", ".join(operation.name for operation in operations)
    asked = action or root or "(none)"
    named = "" if guard.in_text(asked) else asked[:80]
    return Violation(OPERATION, f"unknown operation {named}; this service has {names}")


def signed(document: bytes) -> Reply:
    """A document as `answer` and `extract` render it (in canonical form), signed, in a SOAP
    envelope.
    """
    return soap.envelope(sign_canonical(document, signing_key()))


def fault_of(outcome: Outcome) -> Reply:
    """A rejection as a SOAP fault with everything that was found."""
    errors = sum(violation.severity == "error" for violation in outcome.violations)
    rules = [FAULT_CODES[each.rule] for each in outcome.violations if each.rule in FAULT_CODES]
    code = rules[0] if rules else "Client"
    return soap.fault(code, f"{outcome.reason}: {errors} error(s)", outcome.violations)


async def ask(
    operations: Operations,
    call: Call,
    partner: Partner,
    desk: Desk,
    answering: Callable[[Parsed], Awaitable[Answered]],
) -> tuple[Outcome, Reply | None]:
    """Take a question in and have it answered; None where it is rejected."""
    operation = operation_of(call, operations)
    hints = {} if isinstance(operation, Violation) else {OPERATION_HINT: operation.request}
    inbound = Inbound(
        partner=partner,
        body=call.body,
        content_type=call.content_type,
        endpoint=QUERY_ENDPOINT,
        hints=hints,
    )
    if isinstance(operation, Violation):
        return await desk.refuse(inbound, "type-unknown", [operation]), None
    outcome, answered = await desk.answer(inbound, answering)
    return outcome, Reply(200, answered.body, XML) if answered is not None else None

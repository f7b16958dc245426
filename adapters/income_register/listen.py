"""The doors of the register: SOAP services of reports and of status, their WSDLs and schemas; parses and renders through others.

Source: "Tekninen rajapinta - Tietojen toimittaminen tulorekisteriin 2021" (vero.fi): real-time calls answer with the outcome,
deferred ones with an acknowledgement; schema errors of real-time calls are SOAP faults.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import cache, partial

from adapters.income_register import answer, soap, wsdl
from adapters.income_register.identify import identify, message_id, text_of
from adapters.income_register.parse import STATUS_REQUEST, parse
from adapters.income_register.rules import REAL_TIME_DOOR, rules
from adapters.income_register.signature import SigningKey, make_key, sign
from adapters.income_register.verdict import errors_of, header_of
from exchange.ports import Context, Desk, Door, Inbound
from exchange.ports.desk import Outcome
from schemas import guard
from schemas.call import Call, Reply
from schemas.catalogue import Catalogue
from schemas.directory import Partner
from schemas.envelope import Envelope, id_from_public
from schemas.violation import Malformed, Violation, has_errors
from schemas.xml import XmlSchema, locate

DEFERRED_DOOR = "deferred"
_ROOT = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?([A-Za-z]+RequestToIR(?:Async)?)[\s/>]")
_UNOPENED = frozenset(("malformed", "type-unknown"))

Operations = tuple[wsdl.Operation, ...]


@cache
def signing_key() -> SigningKey:
    """The key that this process signs with: made at first use, kept in memory."""
    return make_key()


@cache
def _schema(message_type: str) -> XmlSchema:
    schema = Catalogue.load().schema(message_type)
    assert isinstance(schema, XmlSchema)
    return schema


def operation_of(call: Call, operations: Operations) -> wsdl.Operation | str:
    """The operation that a call is of: by SOAPAction, else by the document's root; a sentence when it can't be told.

    The root is looked for in the bytes, so that a large delivery isn't parsed twice.
    """
    action = call.headers.get("SOAPAction", "").strip().strip('"').rpartition("/")[2]
    match = _ROOT.search(call.body)
    root = match[1].decode() if match else ""
    for operation in operations:
        if action == operation.name:
            return operation if root in ("", operation.request) else f"{action} does not take {root[:80]}"
        if not action and root == operation.request:
            return operation
    names = ", ".join(operation.name for operation in operations)
    asked = action or root or "(none)"
    return f"unknown operation {'' if guard.in_text(asked) else asked[:80]}; this service has {names}"


def _signed(document: bytes) -> Reply:
    return soap.envelope(sign(document, signing_key()))


async def submit(operations: Operations, call: Call, partner: Partner, desk: Desk) -> Reply:
    """Take a delivery of reports."""
    operation = operation_of(call, operations)
    if isinstance(operation, str):
        unknown = Violation("ir.operation", operation)
        return _fault_of(await desk.refuse(Inbound(partner, call.body, call.content_type), "type-unknown", [unknown]))
    door = REAL_TIME_DOOR if operation.real_time else DEFERRED_DOOR
    outcome = await desk.accept(Inbound(partner, call.body, call.content_type, door))
    return _real_time(outcome) if operation.real_time else _deferred(outcome)


def _fault_of(outcome: Outcome) -> Reply:
    errors = sum(violation.severity == "error" for violation in outcome.violations)
    return soap.fault("Client", f"{outcome.reason}: {errors} error(s)", outcome.violations)


def _real_time(outcome: Outcome) -> Reply:
    if outcome.kind == "rejected" and (outcome.reason in _UNOPENED or outcome.reason == "schema"):
        return _fault_of(outcome)
    return _signed(answer.status_response(outcome.envelope, answer.detail_of(outcome), outcome.envelope.received_at))


def _deferred(outcome: Outcome) -> Reply:
    if outcome.kind == "rejected" and outcome.reason in _UNOPENED:
        return _fault_of(outcome)
    detail = answer.detail_of(outcome)
    document = answer.acknowledgement(outcome.envelope, detail)
    if outcome.kind == "rejected" and not _can_echo(document):
        return _fault_of(outcome)
    return _signed(document)


def _can_echo(document: bytes) -> bool:
    """Whether an acknowledgement that repeats a broken header is still one by its schema."""
    from schemas import xml

    found = _schema("income-register.acknowledgement").check(xml.parse(sign(document, signing_key())))
    return not found


async def tell_status(operations: Operations, call: Call, partner: Partner, desk: Desk) -> Reply:
    """Answer what became of a delivery, by DeliveryId, by IRDeliveryId or by both (which must then be the same one)."""
    operation = operation_of(call, operations)
    if isinstance(operation, str):
        return soap.fault("Client", operation)
    try:
        parsed = parse(Inbound(partner, call.body, call.content_type, REAL_TIME_DOOR))
    except Malformed as error:
        return soap.fault("Client", "malformed", error.violations)
    if parsed.message_type != STATUS_REQUEST:
        return soap.fault("Client", f"StatusRequestToIR is expected, not {parsed.document.tag}")
    broken = _schema(STATUS_REQUEST).check(parsed.document)
    if has_errors(broken):
        return soap.fault("Client", "schema", locate(call.body, broken))
    document, now = parsed.document, desk.now()
    found = rules(parsed, identify(parsed), Context(desk.directory, now))
    if has_errors(found):
        violations = [violation for violation in locate(call.body, found) if violation.severity == "error"]
        return _signed(_refused(document, violations, now))
    envelope = await _look_up(document, partner, desk)
    return _signed(answer.status_response(envelope, envelope.detail, now) if envelope else answer.unknown_delivery(now))


def _refused(document: object, violations: list[Violation], now: int) -> bytes:
    empty = Envelope(0, "income-register", STATUS_REQUEST, "", "", now, "")
    detail = {"status": 4, "header": header_of(document), "errors": errors_of(violations, "message")}
    return answer.status_response(empty, detail, now)


async def _look_up(document: object, partner: Partner, desk: Desk) -> Envelope | None:
    """The partner's own delivery that the request names; None when there is none, or the two references differ."""
    owner, kind = text_of(document, "DeliveryDataOwner/Code"), text_of(document, "DeliveryDataType")
    delivery_id, register_id = text_of(document, "DeliveryId"), text_of(document, "IRDeliveryId")
    envelope = None
    if register_id:
        try:
            envelope = await desk.message(id_from_public(register_id))
        except ValueError:
            return None
        if envelope is None or envelope.sender != partner.id:
            return None
    if delivery_id:
        own = message_id(delivery_id, owner, kind)
        if envelope is None:
            envelope = await desk.find(partner.id, own)
        elif envelope.sender_message_id != own:
            return None
    return envelope if envelope is not None and "status" in envelope.detail else None


def _doors() -> tuple[Door, ...]:
    doors = [Door("GET", f"{wsdl.PREFIX}/schemas/{{name}}", "A schema that the WSDLs import", public=wsdl.serve_schema)]
    handlers: dict[str, Callable[[Operations, Call, Partner, Desk], Awaitable[Reply]]] = {
        "WageReportService": submit,
        "BenefitReportService": submit,
        "StatusService": tell_status,
    }
    for service, handler in handlers.items():
        path, names = f"{wsdl.PREFIX}/{service}.svc", ", ".join(operation.name for operation in wsdl.SERVICES[service])
        takes = handler is submit
        handled = partial(handler, wsdl.SERVICES[service])
        doors.append(Door("POST", path, f"SOAP 1.1: {names}", handler=handled, takes_messages=takes))
        doors.append(Door("GET", path, f"WSDL of {service} (?wsdl)", public=partial(wsdl.serve_wsdl, service)))
    return tuple(doors)


DOORS = _doors()

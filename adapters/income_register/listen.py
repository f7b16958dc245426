"""The endpoints of the register: SOAP services, their WSDLs and schemas; parses, looks up
and renders through others.

Source: "Tekninen rajapinta - Tietojen toimittaminen tulorekisteriin 2021" (vero.fi): real-time
calls answer with the outcome, deferred ones with an acknowledgement; schema errors of real-time
calls are SOAP faults.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from exchange.adapters.income_register import answer
from exchange.adapters.income_register.document import (
    DEFERRED_ENDPOINT,
    ECHO,
    REAL_TIME_ENDPOINT,
    STATUS_REQUEST,
    Element,
    text_of,
)
from exchange.adapters.income_register.endpoints import soap, wsdl
from exchange.adapters.income_register.endpoints.request import (
    Operations,
    opened,
    operation_of,
    schema_of,
    signed,
)
from exchange.adapters.income_register.hand_out.query import ask
from exchange.adapters.income_register.identify import identify, kind_of
from exchange.adapters.income_register.parse import Document
from exchange.adapters.income_register.register.lookup import is_invalidated, look_up, with_target
from exchange.adapters.income_register.register.verdict import errors_of, header_of
from exchange.adapters.income_register.rules.judge import rules
from exchange.adapters.income_register.signature.sign import sign, signing_key
from exchange.adapters.income_register.signature.verify import check_signature
from exchange.ports import Context, Desk, Endpoint, Inbound
from exchange.ports.desk import Outcome
from exchange.schemas import xml
from exchange.schemas.call import Call, Reply
from exchange.schemas.directory import Partner
from exchange.schemas.envelope import Envelope
from exchange.schemas.violation import Violation, has_errors
from exchange.schemas.xml import locate

_UNOPENED = frozenset(("malformed", "type-unknown"))


async def submit(operations: Operations, call: Call, partner: Partner, desk: Desk) -> Reply:
    """Take a delivery."""
    operation = operation_of(call, operations)
    if isinstance(operation, str):
        unknown = Violation("ir.operation", operation)
        return _fault_of(
            await desk.refuse(
                Inbound(partner, call.body, call.content_type), "type-unknown", [unknown]
            )
        )
    endpoint = REAL_TIME_ENDPOINT if operation.real_time else DEFERRED_ENDPOINT
    inbound = Inbound(partner, call.body, call.content_type, endpoint)
    if operation.request.startswith("Invalidation"):
        inbound = await with_target(inbound, desk)
    outcome = await desk.accept(inbound)
    return _real_time(outcome) if operation.real_time else _deferred(outcome)


def _fault_of(outcome: Outcome) -> Reply:
    errors = sum(violation.severity == "error" for violation in outcome.violations)
    return soap.fault("Client", f"{outcome.reason}: {errors} error(s)", outcome.violations)


def _real_time(outcome: Outcome) -> Reply:
    if outcome.kind == "rejected" and (outcome.reason in _UNOPENED or outcome.reason == "schema"):
        return _fault_of(outcome)
    return signed(
        answer.status_response(
            outcome.envelope, answer.detail_of(outcome), outcome.envelope.received_at
        )
    )


def _deferred(outcome: Outcome) -> Reply:
    if outcome.kind == "rejected" and outcome.reason in _UNOPENED:
        return _fault_of(outcome)
    detail = answer.detail_of(outcome)
    document = answer.acknowledgement(outcome.envelope, detail)
    if outcome.kind == "rejected" and not _can_echo(document):
        return _fault_of(outcome)
    return signed(document)


def _can_echo(document: bytes) -> bool:
    """Whether an acknowledgement that repeats a broken header is still one by its schema."""
    found = schema_of("income-register.acknowledgement").check(
        xml.parse(sign(document, signing_key()))
    )
    return not found


async def tell_status(operations: Operations, call: Call, partner: Partner, desk: Desk) -> Reply:
    """Answer what became of a delivery, by DeliveryId, by IRDeliveryId or by both (which must then
    be the same one).
    """
    parsed = opened(STATUS_REQUEST, operations, call, partner)
    if isinstance(parsed, Reply):
        return parsed
    document, now = parsed.document, desk.now()
    found = rules(parsed, identify(parsed), Context(desk.directory, now)) + check_signature(
        parsed, True
    )
    if has_errors(found):
        violations = [
            violation for violation in locate(call.body, found) if violation.severity == "error"
        ]
        return signed(_refused(document, violations, now))
    delivery_id, register_id = text_of(document, "DeliveryId"), text_of(document, "IRDeliveryId")
    owner = text_of(document, "DeliveryDataOwner/Code")
    envelope = await look_up(desk, partner, delivery_id, register_id, owner, kind_of(document))
    if envelope is None:
        return signed(answer.unknown_delivery(now))
    if await is_invalidated(desk, envelope):
        return signed(answer.invalidated(envelope, now))
    return signed(answer.status_response(envelope, envelope.detail, now))


def _refused(document: Element, violations: list[Violation], now: int) -> bytes:
    empty = Envelope(
        id=0,
        channel="income-register",
        message_type=STATUS_REQUEST,
        sender="",
        sender_message_id="",
        received_at=now,
        content_type="",
    )
    detail = {
        "status": 4,
        "header": header_of(document),
        "errors": errors_of(violations, "message"),
    }
    return answer.status_response(empty, detail, now)


async def echo(operations: Operations, call: Call, partner: Partner, desk: Desk) -> Reply:
    """Give back what was said, signed by the register: for trying a connection."""
    parsed = opened(ECHO, operations, call, partner)
    if isinstance(parsed, Document) and (found := check_signature(parsed, True)):
        return soap.fault("Client", "signature", locate(call.body, found))
    return (
        parsed
        if isinstance(parsed, Reply)
        else signed(answer.echo(parsed.document.findtext("Data") or ""))
    )


def _endpoints() -> tuple[Endpoint, ...]:
    endpoints = [
        Endpoint(
            "GET",
            f"{wsdl.PREFIX}/schemas/{{name}}",
            "A schema that the WSDLs import",
            public=wsdl.serve_schema,
        )
    ]
    special: dict[str, Callable[[Operations, Call, Partner, Desk], Awaitable[Reply]]] = {
        "StatusService": tell_status,
        "EchoService": echo,
    }
    for service, operations in wsdl.SERVICES.items():
        handler = special.get(service) or (ask if service.endswith("QueryService") else submit)
        path, names = (
            f"{wsdl.PREFIX}/{service}.svc",
            ", ".join(operation.name for operation in operations),
        )
        takes, handled = handler is submit, partial(handler, operations)
        endpoints.append(
            Endpoint("POST", path, f"SOAP 1.1: {names}", handler=handled, takes_messages=takes)
        )
        endpoints.append(
            Endpoint(
                "GET", path, f"WSDL of {service} (?wsdl)", public=partial(wsdl.serve_wsdl, service)
            )
        )
    return tuple(endpoints)


ENDPOINTS = _endpoints()

"""The endpoints of the register: SOAP services, their WSDLs and schemas; parses, looks up
and renders through others.

Source: "Tekninen rajapinta - Tietojen toimittaminen tulorekisteriin 2021" (vero.fi): real-time
calls answer with the outcome, deferred ones with an acknowledgement; schema errors of real-time
calls are SOAP faults.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from hashlib import blake2b

from exchange.adapters.income_register import answer, interface
from exchange.adapters.income_register.document import (
    DEFERRED_ENDPOINT,
    DEFERRED_ENDPOINTS,
    REAL_TIME_ENDPOINT,
    own_schema,
    text_of,
)
from exchange.adapters.income_register.endpoints import wsdl
from exchange.adapters.income_register.endpoints.request import (
    Operations,
    ask,
    fault_of,
    operation_of,
    signed,
)
from exchange.adapters.income_register.envelope import OPERATION_HINT
from exchange.adapters.income_register.hand_out.query import answer_query
from exchange.adapters.income_register.identify import kind_of
from exchange.adapters.income_register.register.lookup import is_invalidated, look_up
from exchange.adapters.income_register.register.turns import take_in
from exchange.adapters.income_register.register.verdict import REJECTED_AT_RECEPTION, errors_of
from exchange.adapters.income_register.signature.sign import sign, signing_key
from exchange.ports import Answered, Desk, Endpoint, Inbound, Parsed
from exchange.ports.desk import Outcome
from exchange.schemas import xml
from exchange.schemas.call import Call, Reply
from exchange.schemas.directory import Partner
from exchange.schemas.envelope import Envelope
from exchange.schemas.violation import Violation

_UNOPENED = frozenset(("malformed", "type-unknown"))


def said(operations: Operations, call: Call, partner: Partner) -> Inbound:
    """What a call says beside its document: the service, and the message type by its operation."""
    operation = operation_of(call, operations)
    real_time, hints = operations[0].real_time, dict[str, str]()
    if not isinstance(operation, Violation):
        taken, real_time = operation.request, operation.real_time
        hints = {"type": interface.TYPES.get(taken, ""), OPERATION_HINT: taken}
    endpoint = REAL_TIME_ENDPOINT if real_time else DEFERRED_ENDPOINT
    return Inbound(
        partner=partner,
        body=call.body,
        content_type=call.content_type,
        endpoint=endpoint,
        hints=hints,
    )


async def submit(operations: Operations, call: Call, partner: Partner, desk: Desk) -> Reply:
    """Take a delivery."""
    operation = operation_of(call, operations)
    inbound = said(operations, call, partner)
    if isinstance(operation, Violation):
        return fault_of(await desk.refuse(inbound, "type-unknown", [operation]))
    outcome = await take_in(inbound, desk)
    language = desk.processing.language
    return _real_time(outcome, language) if operation.real_time else _deferred(outcome, language)


def _real_time(outcome: Outcome, language: str) -> Reply:
    if outcome.kind == "rejected" and (outcome.reason in _UNOPENED or outcome.reason == "schema"):
        return fault_of(outcome)
    return signed(
        answer.status_response(
            outcome.envelope, answer.detail_of(outcome), outcome.envelope.received_at, language
        )
    )


def _deferred(outcome: Outcome, language: str) -> Reply:
    if outcome.kind == "rejected" and outcome.reason in _UNOPENED:
        return fault_of(outcome)
    detail = answer.detail_of(outcome)
    document = answer.acknowledgement(outcome.envelope, detail, language)
    if outcome.kind == "rejected" and not _can_echo(document):
        return fault_of(outcome)
    return signed(document)


def _can_echo(document: bytes) -> bool:
    """Whether an acknowledgement that repeats a broken header is still one by its schema."""
    found = own_schema("income-register.acknowledgement").check(
        xml.parse(sign(document, signing_key()))
    )
    return not found


async def tell_status(operations: Operations, call: Call, partner: Partner, desk: Desk) -> Reply:
    """Answer what became of a delivery, by DeliveryId, by IRDeliveryId or by both (which must then
    be the same one).
    """
    outcome, reply = await ask(operations, call, partner, desk, partial(_status, partner, desk))
    if reply is not None:
        return reply
    if outcome.reason != "rule":
        return fault_of(outcome)
    return signed(_refused(outcome, desk.processing.language))


async def _status(partner: Partner, desk: Desk, parsed: Parsed) -> Answered:
    document, now = parsed.document, desk.now()
    delivery_id, register_id = text_of(document, "DeliveryId"), text_of(document, "IRDeliveryId")
    owner = text_of(document, "DeliveryDataOwner/Code")
    envelope = await look_up(desk, partner, delivery_id, register_id, owner, kind_of(document))
    if envelope is None or _is_lost(desk, envelope, now):
        return Answered(signed(answer.unknown_delivery(now)).body)
    about = {"message": envelope.public_id}
    if await is_invalidated(desk, envelope):
        return Answered(signed(answer.invalidated(envelope, now)).body, about)
    waits = envelope.endpoint in DEFERRED_ENDPOINTS and (
        now < envelope.received_at + desk.processing.milliseconds
    )
    told = (
        answer.in_process(envelope, now)
        if waits
        else answer.status_response(envelope, envelope.detail, now, desk.processing.language)
    )
    return Answered(signed(told).body, about)


def _is_lost(desk: Desk, envelope: Envelope, now: int) -> bool:
    """Whether the question fails by chance: the same at the same time with the same seed."""
    one_in = desk.processing.status_lost_one_in
    drawn = blake2b(f"{desk.processing.seed} {envelope.id} {now}".encode(), digest_size=8)
    return one_in > 0 and int.from_bytes(drawn.digest(), "big") % one_in == 0


def _refused(outcome: Outcome, language: str) -> bytes:
    envelope = outcome.envelope
    errors = [each for each in outcome.violations if each.severity == "error"]
    detail = {
        "status": REJECTED_AT_RECEPTION,
        "header": envelope.detail.get("header", {}),
        "errors": errors_of(errors, "message"),
    }
    return answer.status_response(envelope, detail, envelope.received_at, language)


async def echo(operations: Operations, call: Call, partner: Partner, desk: Desk) -> Reply:
    """Give back what was said, signed by the register: for trying a connection."""
    outcome, reply = await ask(operations, call, partner, desk, _echo)
    return fault_of(outcome) if reply is None else reply


async def _echo(parsed: Parsed) -> Answered:
    return Answered(signed(answer.echo(parsed.document.findtext("Data") or "")).body)


def _endpoints() -> tuple[Endpoint, ...]:
    """Every service under each prefix; those under the register's own path are the same."""
    return tuple(each for prefix in wsdl.PREFIXES for each in _under(prefix))


def _under(prefix: str) -> Iterator[Endpoint]:
    yield Endpoint(
        "GET",
        f"{prefix}/schemas/{{name}}",
        "A schema that the WSDLs import",
        public=wsdl.serve_schema,
        interface=interface.XSD,
    )
    special: dict[str, Callable[[Operations, Call, Partner, Desk], Awaitable[Reply]]] = {
        "StatusService": tell_status,
        "EchoService": echo,
    }
    for service, operations in wsdl.SERVICES.items():
        handler = special.get(service) or (
            answer_query if service.endswith("QueryService") else submit
        )
        path = f"{prefix}/{service}.svc"
        names = ", ".join(operation.name for operation in operations)
        yield Endpoint(
            "POST",
            path,
            f"SOAP 1.1: {names}",
            handler=partial(handler, operations),
            takes_messages=True,
            said=partial(said, operations),
            interface=interface.of_service(operations),
        )
        yield Endpoint(
            "GET",
            path,
            f"WSDL of {service} (?wsdl)",
            public=partial(wsdl.serve_wsdl, service, prefix),
            interface=interface.WSDL,
        )


ENDPOINTS = _endpoints()

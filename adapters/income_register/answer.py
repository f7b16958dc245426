"""Renders what the register answers, from a message's envelope alone: acknowledgement and status
response; signs nothing.

The documents are in exclusive canonical form, without XML declaration and signature. The same
envelope gives the same bytes, so that a duplicate gets the same receipt. Source: "Tietojen
toimittaminen - Skeemat - Käsittelypalaute 2021" (vero.fi).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from exchange.adapters.income_register.document import PARTIES, text
from exchange.adapters.income_register.register.verdict import REJECTED_AT_RECEPTION, errors_of
from exchange.adapters.income_register.register_records import (
    OF_DELIVERIES,
    OF_REPORTS,
    ReportKeys,
    subscription_id,
)
from exchange.ports.desk import Outcome
from exchange.schemas.envelope import Envelope
from exchange.schemas.income_register.codes import ERRORS, ERRORS_BY_CODE, plain
from exchange.schemas.instants import instant

_ACK = "http://www.tulorekisteri.fi/2017/1/AckFromIR"
_STATUS = "http://www.tulorekisteri.fi/2017/1/StatusResponseFromIR"
_ECHO = "http://www.tulorekisteri.fi/2017/1/Echo"
UNKNOWN, IN_PROCESS, INVALIDATED = 0, 2, 6
_PLAIN_REASONS = ("rule", "schema")


def _element(name: str, value: object) -> str:
    return f"<{name}>{text(value)}</{name}>" if value not in ("", None) else ""


def register_ids(header: dict[str, Any]) -> Callable[[str, str], str]:
    """What tells the register's id of an item by its sender's reference and the id that the sender
    gave, if any.
    """
    kind = str(header.get("DeliveryDataType", ""))
    fields = dict(header.get("DeliveryDataOwner", ()))
    owner = f"{plain(fields.get('Type'))}:{str(fields.get('Code', '')).strip()}"
    if kind in OF_DELIVERIES:
        return lambda name, given: given
    if kind in ("103", "108"):
        return lambda name, given: given or subscription_id(owner, name)
    report_keys = ReportKeys(owner, OF_REPORTS.get(kind, kind))
    return lambda name, given: report_keys.register_id(name)


def _response(envelope: Envelope | None, at: int, status: int) -> str:
    number = envelope.id if envelope else 0
    taken_in = envelope is not None and status not in (UNKNOWN, REJECTED_AT_RECEPTION)
    return (
        f"<IRResponseId>{at:016x}{number:016x}</IRResponseId><IRResponseTimestamp>"
        f"{instant(at)}</IRResponseTimestamp>"
        f"<DeliveryDataStatus>{status}</DeliveryDataStatus>"
        + (f"<IRDeliveryId>{number:032x}</IRDeliveryId>" if taken_in else "")
    )


def _header(header: dict[str, Any]) -> str:
    parts = []
    for name in (
        "Timestamp",
        "Source",
        "DeliveryDataType",
        "DeliveryId",
        "FaultyControl",
        "ProductionEnvironment",
    ):
        parts.append(_element(name, header.get(name)))
    for name in PARTIES:
        if fields := header.get(name):
            parts.append(
                f"<{name}>{''.join(_element(field, value) for field, value in fields)}</{name}>"
            )
    return f"<DeliveryData>{''.join(parts)}</DeliveryData>"


def _error(code: str, details: str, language: str) -> str:
    message = _element("ErrorMessage", ERRORS_BY_CODE[code].text(language))
    return (
        f"<ErrorInfo><ErrorCode>{code}</ErrorCode>"
        f"{message}{_element('ErrorDetails', details)}</ErrorInfo>"
    )


def _problems(errors: Iterable[list[str]], language: str) -> str:
    """MessageErrors, which suppress all others, else DeliveryErrors."""
    found = list(errors)
    level = "message" if any(error[0] == "message" for error in found) else "delivery"
    inside = "".join(
        _error(code, details, language) for kind, code, details in found if kind == level
    )
    name = "MessageErrors" if level == "message" else "DeliveryErrors"
    return f"<{name}>{inside}</{name}>" if inside else ""


def detail_of(outcome: Outcome) -> dict[str, Any]:
    """What the answer is rendered from: the verdict's detail, or for other rejections the reason as
    an error of reception.
    """
    detail = outcome.envelope.detail
    if outcome.kind != "rejected" or (
        outcome.reason in _PLAIN_REASONS and detail.get("status", 0) >= REJECTED_AT_RECEPTION
    ):
        return detail
    if outcome.reason == "schema":
        errors = errors_of(outcome.violations, "message")
    else:
        rule = outcome.reason if outcome.reason in ERRORS else "internal"
        level = "delivery" if ERRORS[rule].level == "delivery" else "message"
        errors = [
            [
                level,
                ERRORS[rule].code,
                outcome.violations[0].message[:500] if outcome.violations else "",
            ]
        ]
    return {"status": REJECTED_AT_RECEPTION, "header": detail.get("header", {}), "errors": errors}


def acknowledgement(envelope: Envelope, detail: dict[str, Any], language: str = "en") -> bytes:
    """AckFromIR of a deferred delivery: status 4 with the errors of reception, otherwise 2 (what
    the processing found is asked for later).
    """
    rejected = detail.get("status") == REJECTED_AT_RECEPTION
    status = REJECTED_AT_RECEPTION if rejected else IN_PROCESS
    problems = _problems(detail.get("errors", ()), language) if rejected else ""
    return (
        f'<ack:AckFromIR xmlns:ack="{_ACK}">{_header(detail.get("header", {}))}'
        f"<AckData>{_response(envelope, envelope.received_at, status)}{problems}</AckData>"
        "</ack:AckFromIR>"
    ).encode()


def status_response(
    envelope: Envelope, detail: dict[str, Any], at: int, language: str = "en"
) -> bytes:
    """StatusResponseFromIR of a delivery: its status, valid and invalid items and errors, as they
    stand at a time. `language` is that of ErrorMessage.
    """
    status = detail.get("status", UNKNOWN)
    header = detail.get("header") or {}
    register_id = register_ids(header)
    valid = "".join(
        f"<Item>{_element('ItemId', name)}{_element('IRItemId', register_id(name, given))}"
        f"{_element('ItemVersion', version or '')}</Item>"
        for _, name, version, given in detail.get("valid", ())
    )
    invalid = "".join(
        f"<Item>{_element('ItemId', name)}{_element('IRItemId', register_id)}{_element('ItemVersion', version)}"
        f"<ItemErrors>{''.join(_error(code, details, language) for code, details in errors)}</ItemErrors>"
        "</Item>"
        for _, name, register_id, version, errors in detail.get("invalid", ())
    )
    return (
        f'<sr:StatusResponseFromIR xmlns:sr="{_STATUS}">{_header(header) if header else ""}'
        f"<StatusResponse>{_response(envelope, at, status)}"
        + (f"<ValidItems>{valid}</ValidItems>" if valid else "")
        + (f"<InvalidItems>{invalid}</InvalidItems>" if invalid else "")
        + f"{_problems(detail.get('errors', ()), language)}</StatusResponse></sr:StatusResponseFromIR>"
    ).encode()


def in_process(envelope: Envelope, at: int) -> bytes:
    """StatusResponseFromIR of a delivery whose processing goes on: status 2, and no items yet."""
    return status_response(
        envelope, {"status": IN_PROCESS, "header": envelope.detail.get("header", {})}, at
    )


def invalidated(envelope: Envelope, at: int) -> bytes:
    """StatusResponseFromIR of a delivery that was invalidated as a whole: status 6, and no items
    any more.
    """
    return status_response(
        envelope, {"status": INVALIDATED, "header": envelope.detail.get("header", {})}, at
    )


def refused_file(at: int, why: str, language: str = "en") -> bytes:
    """StatusResponseFromIR of a file that was not read: status 4 and the reason; not signed yet."""
    problem = _problems([["message", ERRORS["internal"].code, why]], language)
    return (
        f'<sr:StatusResponseFromIR xmlns:sr="{_STATUS}"><StatusResponse>'
        f"{_response(None, at, REJECTED_AT_RECEPTION)}{problem}"
        "</StatusResponse></sr:StatusResponseFromIR>"
    ).encode()


def unknown_delivery(at: int) -> bytes:
    """StatusResponseFromIR when there is no such delivery: status 0 and no header."""
    return (
        f'<sr:StatusResponseFromIR xmlns:sr="{_STATUS}"><StatusResponse>'
        f"{_response(None, at, UNKNOWN)}"
        "</StatusResponse></sr:StatusResponseFromIR>"
    ).encode()


def echo(data: str) -> bytes:
    """Echo with the same data."""
    return f'<e:Echo xmlns:e="{_ECHO}">{_element("Data", data)}</e:Echo>'.encode()

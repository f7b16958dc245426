"""Renders what the register answers, from a message's envelope alone: acknowledgement and status response; signs nothing.

The documents are in exclusive canonical form, without XML declaration and signature. The same envelope gives the same
bytes, so that a duplicate gets the same receipt.
Source: "Tietojen toimittaminen - Skeemat - Käsittelypalaute 2021" (vero.fi).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any

from adapters.income_register.header_rules import PARTIES
from adapters.income_register.soap import text
from adapters.income_register.verdict import REJECTED_AT_RECEPTION, errors_of
from exchange.ports.desk import Outcome
from schemas.envelope import Envelope
from schemas.income_register.codes import ERRORS, ERRORS_BY_CODE

_ACK = "http://www.tulorekisteri.fi/2017/1/AckFromIR"
_STATUS = "http://www.tulorekisteri.fi/2017/1/StatusResponseFromIR"
UNKNOWN, IN_PROCESS = 0, 2
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_PLAIN_REASONS = ("rule", "schema")


def _element(name: str, value: object) -> str:
    return f"<{name}>{text(value)}</{name}>" if value not in ("", None) else ""


def timestamp(milliseconds: int) -> str:
    """A time as xs:dateTime in UTC, `2026-11-24T10:00:00.250Z`."""
    moment = _EPOCH + datetime.timedelta(milliseconds=milliseconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds % 1000:03d}Z"


def item_id(envelope_id: int, index: int) -> str:
    """The register's id of a report: its place in the delivery and the delivery's id, 32 hexadecimal digits."""
    return f"{index + 1:016x}{envelope_id:016x}"


def _response(envelope: Envelope | None, at: int, status: int) -> str:
    number = envelope.id if envelope else 0
    taken_in = envelope is not None and status not in (UNKNOWN, REJECTED_AT_RECEPTION)
    return (
        f"<IRResponseId>{at:016x}{number:016x}</IRResponseId><IRResponseTimestamp>{timestamp(at)}</IRResponseTimestamp>"
        f"<DeliveryDataStatus>{status}</DeliveryDataStatus>" + (f"<IRDeliveryId>{number:032x}</IRDeliveryId>" if taken_in else "")
    )


def _header(header: dict[str, Any]) -> str:
    parts = []
    for name in ("Timestamp", "Source", "DeliveryDataType", "DeliveryId", "FaultyControl", "ProductionEnvironment"):
        parts.append(_element(name, header.get(name)))
    for name in PARTIES:
        if fields := header.get(name):
            parts.append(f"<{name}>{''.join(_element(field, value) for field, value in fields)}</{name}>")
    return f"<DeliveryData>{''.join(parts)}</DeliveryData>"


def _error(code: str, details: str) -> str:
    message = _element("ErrorMessage", ERRORS_BY_CODE[code].message)
    return f"<ErrorInfo><ErrorCode>{code}</ErrorCode>{message}{_element('ErrorDetails', details)}</ErrorInfo>"


def _problems(errors: Iterable[list[str]]) -> str:
    """MessageErrors, which suppress all others, else DeliveryErrors."""
    found = list(errors)
    level = "message" if any(error[0] == "message" for error in found) else "delivery"
    inside = "".join(_error(code, details) for kind, code, details in found if kind == level)
    name = "MessageErrors" if level == "message" else "DeliveryErrors"
    return f"<{name}>{inside}</{name}>" if inside else ""


def detail_of(outcome: Outcome) -> dict[str, Any]:
    """What the answer is rendered from: the verdict's detail, or for other rejections the reason as an error of reception."""
    detail = outcome.envelope.detail
    if outcome.kind != "rejected" or (outcome.reason in _PLAIN_REASONS and detail.get("status", 0) >= REJECTED_AT_RECEPTION):
        return detail
    if outcome.reason == "schema":
        errors = errors_of(outcome.violations, "message")
    else:
        rule = outcome.reason if outcome.reason in ERRORS else "internal"
        errors = [["message", ERRORS[rule].code, outcome.violations[0].message[:500] if outcome.violations else ""]]
    return {"status": REJECTED_AT_RECEPTION, "header": detail.get("header", {}), "errors": errors}


def acknowledgement(envelope: Envelope, detail: dict[str, Any]) -> bytes:
    """AckFromIR of a deferred delivery: status 4 with the errors of reception, otherwise 2 (what the processing found is
    asked for later)."""
    rejected = detail.get("status") == REJECTED_AT_RECEPTION
    status = REJECTED_AT_RECEPTION if rejected else IN_PROCESS
    problems = _problems(detail.get("errors", ())) if rejected else ""
    return (
        f'<ack:AckFromIR xmlns:ack="{_ACK}">{_header(detail.get("header", {}))}'
        f"<AckData>{_response(envelope, envelope.received_at, status)}{problems}</AckData></ack:AckFromIR>"
    ).encode()


def status_response(envelope: Envelope, detail: dict[str, Any], at: int) -> bytes:
    """StatusResponseFromIR of a delivery: its status, valid and invalid items and errors, as they stand at a time."""
    status = detail.get("status", UNKNOWN)
    valid = "".join(
        f"<Item>{_element('ItemId', name)}<IRItemId>{item_id(envelope.id, index)}</IRItemId>"
        f"<ItemVersion>{version}</ItemVersion></Item>"
        for index, name, version in detail.get("valid", ())
    )
    invalid = "".join(
        f"<Item>{_element('ItemId', name)}{_element('IRItemId', register_id)}{_element('ItemVersion', version)}"
        f"<ItemErrors>{''.join(_error(code, details) for code, details in errors)}</ItemErrors></Item>"
        for _, name, register_id, version, errors in detail.get("invalid", ())
    )
    return (
        f'<sr:StatusResponseFromIR xmlns:sr="{_STATUS}">{_header(detail["header"]) if detail.get("header") else ""}'
        f"<StatusResponse>{_response(envelope, at, status)}"
        + (f"<ValidItems>{valid}</ValidItems>" if valid else "")
        + (f"<InvalidItems>{invalid}</InvalidItems>" if invalid else "")
        + f"{_problems(detail.get('errors', ()))}</StatusResponse></sr:StatusResponseFromIR>"
    ).encode()


def unknown_delivery(at: int) -> bytes:
    """StatusResponseFromIR when there is no such delivery: status 0 and no header."""
    return (
        f'<sr:StatusResponseFromIR xmlns:sr="{_STATUS}"><StatusResponse>{_response(None, at, UNKNOWN)}'
        "</StatusResponse></sr:StatusResponseFromIR>"
    ).encode()

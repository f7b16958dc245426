"""The SOAP 1.1 wrapping of replies: envelopes and faults; knows no register document.

Source: SOAP 1.1 (W3C note, 8 May 2000). The violations in a fault's detail are in a namespace of
ours.
"""

from __future__ import annotations

from collections.abc import Iterable

from exchange.adapters.income_register.document import SOAP, text
from exchange.ports import Refusal
from exchange.schemas.call import XML, Reply
from exchange.schemas.violation import Violation

VIOLATIONS = "urn:exchange:violations"


def envelope(document: bytes) -> Reply:
    """A document (without XML declaration) in a SOAP envelope."""
    head = f'<soap:Envelope xmlns:soap="{SOAP}"><soap:Body>'.encode()
    return Reply(200, b"".join((head, document, b"</soap:Body></soap:Envelope>")), XML)


def _violation(violation: Violation) -> str:
    fields = "".join(
        f"<v:{name}>{text(value)}</v:{name}>" for name, value in violation.as_dict().items()
    )
    return f"<v:violation>{fields}</v:violation>"


def fault(
    code: str, message: str, violations: Iterable[Violation] = (), status: int = 500
) -> Reply:
    """A SOAP fault. `code` is `Client`, `Server`, `VersionMismatch` or `MustUnderstand`; every
    violation is in the detail.
    """
    inside = "".join(map(_violation, violations))
    detail = (
        f'<detail><v:violations xmlns:v="{VIOLATIONS}">{inside}</v:violations></detail>'
        if inside
        else ""
    )
    body = (
        f'<soap:Envelope xmlns:soap="{SOAP}"><soap:Body><soap:Fault><faultcode>'
        f"soap:{code}</faultcode>"
        f"<faultstring>{text(message)}</faultstring>{detail}</soap:Fault></soap:Body>"
        "</soap:Envelope>"
    )
    return Reply(status, body.encode(), XML)


def refuse(refusal: Refusal) -> Reply:
    """A call that never became a message, as a fault with the refusal's own HTTP status."""
    code = "Server" if refusal.status >= 500 else "Client"
    reply = fault(code, f"{refusal.reason}: {refusal.message}", refusal.violations, refusal.status)
    if refusal.retry_after_seconds:
        return Reply(
            reply.status,
            reply.body,
            reply.content_type,
            {"Retry-After": str(refusal.retry_after_seconds)},
        )
    return reply

"""What the sender of an EESSI message gets at once: the acknowledgement or the errors, as JSON;
nothing that is looked up later.

AS4 itself (signed receipts and ebMS error signals) is not spoken yet: the same facts travel as JSON
(modelled), with the error codes of OASIS ebXML Messaging 3.0, part 1, chapter 6.7.
"""

from __future__ import annotations

from typing import Any

from exchange.ports import Outcome
from exchange.schemas.call import Reply, json_reply, problem
from exchange.schemas.instants import instant
from exchange.schemas.violation import Violation

SHORT_DESCRIPTIONS = {
    "EBMS:0001": "ValueNotRecognized",
    "EBMS:0003": "ValueInconsistent",
    "EBMS:0004": "Other",
    "EBMS:0007": "MimeInconsistency",
    "EBMS:0009": "InvalidHeader",
    "EBMS:0103": "PolicyNoncompliance",
}
_OTHER = "EBMS:0004"
_CODES = {
    "malformed": "EBMS:0009",
    "type-unknown": "EBMS:0001",
    "receiver-unknown": "EBMS:0001",
    "message-id-reused": "EBMS:0003",
    "real-person": "EBMS:0103",
}
_STATUSES = {"malformed": 400, "message-id-reused": 409, "media-type": 415}
#: Reason and violation of a body that says it is something else than XML.
NOT_XML = (
    "media-type",
    (
        Violation(
            "eessi.media-type",
            "A message is XML.",
            expected="text/xml or application/xml",
            code="EBMS:0007",
        ),
    ),
)


def date(milliseconds: int) -> str:
    """A moment as RINA writes it: `2020-06-30T12:48:00.039+0000`."""
    return f"{instant(milliseconds)[:-1]}+0000"


def acknowledged(outcome: Outcome) -> Reply:
    """The acknowledgement of an accepted message, the same bytes again for a duplicate: `{id, date,
    sender, receivers, ...}`.
    """
    envelope = outcome.envelope
    return json_reply(
        {
            "id": envelope.public_id,
            "date": date(envelope.received_at),
            "sender": envelope.detail.get("sender", ""),
            "receivers": envelope.detail.get("receivers", []),
            "messageId": envelope.sender_message_id,
            "caseId": envelope.conversation,
            "status": "SENT",
        },
        202,
    )


def rejected(outcome: Outcome) -> Reply:
    """A problem document with every violation, and the same as ebMS errors."""
    code = _CODES.get(outcome.reason, _OTHER)
    errors = [
        error(
            violation.code if violation.code in SHORT_DESCRIPTIONS else code,
            violation.message,
            outcome.envelope.sender_message_id,
        )
        for violation in outcome.violations
        if violation.severity == "error"
    ]
    return problem(
        _STATUSES.get(outcome.reason, 422),
        "Message rejected",
        _detail(outcome),
        reason=outcome.reason,
        violations=[violation.as_dict() for violation in outcome.violations],
        errors=errors or [error(code, outcome.reason, outcome.envelope.sender_message_id)],
    )


def error(code: str, description: str, message_id: str) -> dict[str, Any]:
    """An ebMS error with the attributes of `eb:Error` as JSON."""
    return {
        "errorCode": code,
        "severity": "failure",
        "category": "Content",
        "origin": "ebMS",
        "shortDescription": SHORT_DESCRIPTIONS[code],
        "refToMessageInError": message_id,
        "description": description,
    }


def _detail(outcome: Outcome) -> str:
    """The first error, and how many more there are."""
    messages = [
        violation.message for violation in outcome.violations if violation.severity == "error"
    ]
    if not messages:
        return f"The message was rejected: {outcome.reason}."
    more = len(messages) - 1
    return (
        messages[0]
        if not more
        else f"{messages[0].rstrip('.')}, and {more} more error{'s' * (more > 1)}."
    )

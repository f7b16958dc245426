"""JSON Schemas of what the operators' API answers, for its description; tests hold the answers
against them.
"""

from __future__ import annotations

from typing import Any

from exchange.journey.mailbox import PER_SECOND_MAX
from exchange.ports.operators import ROLES
from exchange.schemas.directory import SECTORS
from exchange.web.api.filters import FILTERS
from exchange.web.api.receivers import REASON_CHARACTERS_MAX
from exchange.web.openapi import listed

_ID = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
_NUMBER = {"type": "integer"}
_INSTANT: dict[str, Any] = {"type": "string", "format": "date-time"}
_INSTANT_OR_NONE: dict[str, Any] = {"type": ["string", "null"], "format": "date-time"}
_TEXT = {"type": "string"}


def _object(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


_DELIVERIES = _object({"deliveries": {"type": "array", "items": _ID}})
_REFUSED = {"type": "array", "items": _object({"delivery": _ID, "reason": _TEXT})}

VIOLATION = _object(
    {
        "rule": _TEXT,
        "message": _TEXT,
        "path": {"type": "string", "description": "XPath or JSON Pointer"},
        "line": {"type": "integer", "minimum": 0},
        "column": {"type": "integer", "minimum": 0},
        "severity": {"enum": ["error", "warning"]},
    },
    expected=_TEXT,
    found=_TEXT,
    source={"type": "string", "description": "The line that it stands on, cut"},
    code={"type": "string", "description": "The channel's own error code"},
    item={"type": "integer", "minimum": 0},
)

DELIVERY = _object(
    {
        "id": _ID,
        "message_id": _ID,
        "receiver": _TEXT,
        "mode": {"enum": ["push", "mailbox", "ask"]},
        "state": {"enum": ["waiting", "delivered", "dead", "skipped"]},
        "attempts": _NUMBER,
        "items": _NUMBER,
        "next_at": _INSTANT_OR_NONE,
        "ended_at": _INSTANT_OR_NONE,
        "reason": _TEXT,
    }
)

EVENT = _object(
    {"message_id": _ID, "delivery_id": _ID, "at": _INSTANT, "kind": _TEXT, "detail": _TEXT}
)

MESSAGE = _object(
    {
        "id": _ID,
        "channel": _TEXT,
        "message_type": _TEXT,
        "sender": _TEXT,
        "sender_message_id": _TEXT,
        "digest": {
            "type": "string",
            "pattern": "^[0-9a-f]*$",
            "description": "BLAKE2b-128 of the body",
        },
        "received_at": _INSTANT,
        "state": {"enum": ["accepted", "rejected"]},
        "endpoint": _TEXT,
        "conversation": _TEXT,
        "items": _NUMBER,
        "bytes": _NUMBER,
        "content_type": _TEXT,
        "detail": {"type": "object"},
        "deliveries": listed("Delivery"),
        "events": listed("Event"),
    }
)

#: A message as a search shows it, and the names of what it shows.
_OF_FOUND = (
    *("channel", "message_type", "sender", "sender_message_id", "state"),
    *("endpoint", "conversation", "items", "bytes"),
)
MESSAGES_FOUND = _object(
    {
        "messages": {
            "type": "array",
            "items": _object(
                {
                    "id": _ID,
                    "received_at": _INSTANT,
                    **{name: MESSAGE["properties"][name] for name in _OF_FOUND},
                },
                process=_TEXT,
            ),
        },
        "before": {"type": "string", "description": "Where to go on; empty: all was looked at"},
    }
)

#: What a filter of dead letters names.
_FILTERS = {**dict.fromkeys(FILTERS, _TEXT), "since": _INSTANT}

#: Named schemas of the document.
SCHEMAS: dict[str, dict[str, Any]] = {
    "Violation": VIOLATION,
    "Problem": _object(
        {"type": _TEXT, "title": _TEXT, "status": _NUMBER},
        detail=_TEXT,
        violations=listed("Violation"),
    ),
    "Checked": _object(
        {
            "valid": {"type": "boolean"},
            "type": _TEXT,
            "basis": _TEXT,
            "violations": listed("Violation"),
        }
    ),
    "Delivery": DELIVERY,
    "Event": EVENT,
    "Message": MESSAGE,
    "MessagesFound": MESSAGES_FOUND,
    "DeadLetter": _object(
        {
            **{
                "id": _ID,
                "message": _ID,
                "channel": _TEXT,
                "message_type": _TEXT,
                "sender": _TEXT,
                "receiver": _TEXT,
            },
            **{"attempts": _NUMBER, "reason": _TEXT, "ended_at": _INSTANT},
        }
    ),
    "Audited": _object(
        {
            "id": _NUMBER,
            "at": _INSTANT,
            "operator": _TEXT,
            "role": {"enum": [*ROLES]},
            "what": {"type": "string", "description": "resend, operator-add, sign-in, ..."},
            "target": {"type": "string", "description": "The id or name that it was about"},
            "outcome": _TEXT,
            "address": {"type": "string", "description": "Where the request came from"},
        }
    ),
    "ByIdsOrFilter": {
        "oneOf": [
            _DELIVERIES,
            _object(
                {"filter": {"type": "object", "properties": _FILTERS}},
                per_second={"type": "number", "exclusiveMinimum": 0, "maximum": PER_SECOND_MAX},
            ),
        ]
    },
    "Resent": _object(
        {
            "resent": {"type": "array", "items": _ID},
            "refused": _REFUSED,
        }
    ),
    "Skipped": _object({"skipped": {"type": "array", "items": _ID}, "refused": _REFUSED}),
    "DeadLetterJob": _object(
        {
            "action": {"enum": ["resend", "skip"]},
            "filter": {"type": "object"},
            "per_second": {"type": "number"},
            "operator": _TEXT,
            "role": {"enum": [*ROLES]},
            "began_at": _INSTANT,
            "matched": _NUMBER,
            "handled": _NUMBER,
            "left": _NUMBER,
            "state": {"enum": ["running", "done", "stopped"]},
            "why": _TEXT,
            "ended_at": _INSTANT_OR_NONE,
        }
    ),
    "Count": _object(
        {"count": _NUMBER, "items": _NUMBER, "bytes": _NUMBER},
        period={"type": "string", "description": "The minute as RFC 3339 time, or the date"},
    ),
    "Health": _object(
        {"status": _TEXT},
        worker=_NUMBER,
        full={"type": "array", "items": {"type": "object"}},
        held_up=_NUMBER,
        held_up_oldest_at=_INSTANT_OR_NONE,
    ),
    "MessageType": _object(
        {
            "name": _TEXT,
            "format": {"enum": ["xml", "json"]},
            "version": _TEXT,
            "basis": {"enum": ["published", "modelled"]},
            "source": _TEXT,
            "item": _TEXT,
            "versions": {"type": "array", "items": _TEXT},
            "roots": {"type": "array", "items": _TEXT},
            "title": {
                "type": "object",
                "required": ["fi", "sv", "en"],
                "additionalProperties": _TEXT,
            },
        }
    ),
    "Receiver": _object(
        {
            "receiver": _TEXT,
            "name": _TEXT,
            "state": {"enum": ["up", "failing", "paused"]},
            "since": _INSTANT_OR_NONE,
            "reason": _TEXT,
            "failures": _NUMBER,
            "next_probe_at": _INSTANT_OR_NONE,
            "probes": _NUMBER,
            "outages": _NUMBER,
            "waiting": {"type": "integer", "description": "Deliveries that wait for it"},
            "full": {"type": "boolean"},
            "held_up": {
                "type": "integer",
                "description": "Of those, deliveries behind dead letters of their conversation",
            },
            "held_up_oldest_at": _INSTANT_OR_NONE,
        }
    ),
    "Pause": _object({}, reason={"type": "string", "maxLength": REASON_CHARACTERS_MAX}),
    "NewPartner": _object(
        {"id": _TEXT, "sector": {"enum": list(SECTORS)}},
        name=_TEXT,
        url={
            "type": "string",
            "description": "Where it is called; without one it can't be pushed to",
        },
        delivery={"enum": ["push", "mailbox"]},
        business_id=_TEXT,
        eessi_id=_TEXT,
        country={"type": "string", "description": "ISO 3166-1 alpha-2"},
        conflict={"enum": ["delivered", "refused"]},
        serves={"type": "array", "items": _TEXT},
        demands={"type": "array", "items": _TEXT},
        per_second={"type": "number"},
        body_bytes_max=_NUMBER,
    ),
    "AddedPartner": _object({"id": _TEXT, "key": _TEXT, "callback_secret": _TEXT}),
    "Rotation": _object({}, at_once={"type": "boolean"}),
    "PartnerKey": _object({"id": _TEXT, "key": _TEXT}),
    "Partner": _object(
        {
            **dict.fromkeys(
                ("id", "name", "sector", "country", "business_id", "eessi_id", "url"), _TEXT
            ),
            "delivery": {"enum": ["push", "mailbox"]},
            "played": {"type": "boolean", "description": "Whether a stub plays it"},
            "added": {"type": "boolean", "description": "Whether it was added while this runs"},
            "channels": {
                "type": "array",
                "items": _object(
                    {
                        "channel": _TEXT,
                        "sends": {"type": "array", "items": _TEXT},
                        "receives": {"type": "array", "items": _TEXT},
                        "mailbox": {"type": "boolean"},
                        "pushes": {"type": "array", "items": _TEXT},
                    }
                ),
            },
        }
    ),
    "Changed": _object({"receiver": _TEXT, "changed": {"type": "boolean"}}),
    "Snapshot": _object(
        {
            "at": _INSTANT,
            "channels": {
                "type": "object",
                "additionalProperties": {"type": "object", "additionalProperties": _NUMBER},
            },
            "rates": {
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "additionalProperties": {"type": "number"},
                },
            },
            "full": {"type": "array", "items": {"type": "object"}},
        }
    ),
}

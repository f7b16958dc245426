"""JSON Schemas of what the operators' API answers, for its description; tests hold the answers
against them.
"""

from __future__ import annotations

from typing import Any

from exchange.journey.mailbox import PER_SECOND_MAX
from exchange.ports.description import (
    ID,
    INSTANT,
    INSTANT_OR_NONE,
    NUMBER,
    TEXT,
    listed,
    members,
    reference,
)
from exchange.ports.operators import ROLES
from exchange.schemas.directory import SECTORS
from exchange.web.api.filters import FILTERS
from exchange.web.api.nodes import NODES, ROLE
from exchange.web.api.receivers import REASON_CHARACTERS_MAX

_DELIVERIES = members({"deliveries": {"type": "array", "items": ID}})
_REFUSED = {"type": "array", "items": members({"delivery": ID, "reason": TEXT})}

VIOLATION = members(
    {
        "rule": TEXT,
        "message": TEXT,
        "path": {"type": "string", "description": "XPath or JSON Pointer"},
        "line": {"type": "integer", "minimum": 0},
        "column": {"type": "integer", "minimum": 0},
        "severity": {"enum": ["error", "warning"]},
    },
    expected=TEXT,
    found=TEXT,
    source={"type": "string", "description": "The line that it stands on, cut"},
    code={"type": "string", "description": "The channel's own error code"},
    item={"type": "integer", "minimum": 0},
)

DELIVERY = members(
    {
        "id": ID,
        "message_id": ID,
        "receiver": TEXT,
        "mode": {"enum": ["push", "mailbox", "ask"]},
        "state": {"enum": ["waiting", "delivered", "dead", "skipped"]},
        "attempts": NUMBER,
        "items": NUMBER,
        "next_at": INSTANT_OR_NONE,
        "ended_at": INSTANT_OR_NONE,
        "reason": TEXT,
    }
)

EVENT = members({"message_id": ID, "delivery_id": ID, "at": INSTANT, "kind": TEXT, "detail": TEXT})

MESSAGE = members(
    {
        "id": ID,
        "node": {"type": "integer", "minimum": 0, "description": "The node that took it in"},
        "channel": TEXT,
        "message_type": TEXT,
        "sender": TEXT,
        "sender_message_id": TEXT,
        "digest": {
            "type": "string",
            "pattern": "^[0-9a-f]*$",
            "description": "BLAKE2b-128 of the body",
        },
        "received_at": INSTANT,
        "state": {"enum": ["accepted", "rejected"]},
        "endpoint": TEXT,
        "conversation": TEXT,
        "items": NUMBER,
        "bytes": NUMBER,
        "content_type": TEXT,
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
MESSAGES_FOUND = members(
    {
        "messages": {
            "type": "array",
            "items": members(
                {
                    "id": ID,
                    "received_at": INSTANT,
                    **{name: MESSAGE["properties"][name] for name in _OF_FOUND},
                },
                process=TEXT,
            ),
        },
        "before": {"type": "string", "description": "Where to go on; empty: all was looked at"},
    }
)

_FAULT = {"enum": ["refuse", "down", "twice", "garbage", "drop"]}
_FAULT_OR_NONE = {"enum": [*_FAULT["enum"], None]}
OVERRIDE = {
    **members(
        {"id": {"type": "string", "minLength": 1, "maxLength": 100}},
        partner={"type": "string", "description": "A partner, a sector, or *: calls to whom"},
        message_type=TEXT,
        person={"type": "string", "description": "A personal identity code in the message"},
        first={"type": "integer", "minimum": 1, "description": "From the n-th such call on"},
        times={"type": "integer", "minimum": 0, "description": "So many calls; 0: all"},
        state={"type": "string", "description": "The partner's, at first: start"},
        then_state=TEXT,
        priority={"type": "integer", "description": "The highest is met, then the newest"},
        status={"type": "integer", "description": "200 to 599; 0: no answer of its own"},
        body=TEXT,
        content_type=TEXT,
        headers={"type": "object", "additionalProperties": TEXT},
        fault=_FAULT,
        delay_seconds={"type": "number", "minimum": 0, "maximum": 600},
    ),
    "additionalProperties": False,
}

#: What a filter of dead letters names.
_FILTERS = {**dict.fromkeys(FILTERS, TEXT), "since": INSTANT}

_OF_DISCLOSURE = (
    *("channel", "message_type", "endpoint", "state", "sender"),
    *("user", "purpose", "legal_ground"),
)

#: Named schemas of the document.
SCHEMAS: dict[str, dict[str, Any]] = {
    "Violation": VIOLATION,
    "Problem": members(
        {"type": TEXT, "title": TEXT, "status": NUMBER},
        detail=TEXT,
        violations=listed("Violation"),
    ),
    "Checked": members(
        {
            "valid": {"type": "boolean"},
            "type": TEXT,
            "basis": TEXT,
            "violations": listed("Violation"),
        }
    ),
    "Delivery": DELIVERY,
    "Event": EVENT,
    "Message": MESSAGE,
    "MessagesFound": MESSAGES_FOUND,
    "DeadLetter": members(
        {
            **{
                "id": ID,
                "message": ID,
                "channel": TEXT,
                "message_type": TEXT,
                "sender": TEXT,
                "receiver": TEXT,
            },
            **{"attempts": NUMBER, "reason": TEXT, "ended_at": INSTANT},
        }
    ),
    "Audited": members(
        {
            "id": NUMBER,
            "at": INSTANT,
            "operator": TEXT,
            "role": {"enum": [*ROLES]},
            "what": {"type": "string", "description": "resend, operator-add, sign-in, ..."},
            "target": {"type": "string", "description": "The id or name that it was about"},
            "outcome": TEXT,
            "address": {"type": "string", "description": "Where the request came from"},
        }
    ),
    "Disclosures": members(
        {
            "disclosures": {
                "type": "array",
                "items": members(
                    {
                        **{"id": ID, "at": INSTANT, "persons": NUMBER},
                        **dict.fromkeys(_OF_DISCLOSURE, TEXT),
                        "receivers": {"type": "array", "items": TEXT},
                    }
                ),
            },
            "before": {"type": "string", "description": "Where to go on; empty: this was all"},
        }
    ),
    "DeadLetterFilter": {"type": "object", "properties": _FILTERS},
    "ByIdsOrFilter": {
        "oneOf": [
            _DELIVERIES,
            members(
                {"filter": reference("DeadLetterFilter")},
                per_second={"type": "number", "exclusiveMinimum": 0, "maximum": PER_SECOND_MAX},
            ),
        ]
    },
    "Resent": members(
        {
            "resent": {"type": "array", "items": ID},
            "refused": _REFUSED,
        }
    ),
    "Skipped": members({"skipped": {"type": "array", "items": ID}, "refused": _REFUSED}),
    "DeadLetterJob": members(
        {
            "action": {"enum": ["resend", "skip"]},
            "filter": {"type": "object"},
            "per_second": {"type": "number"},
            "operator": TEXT,
            "role": {"enum": [*ROLES]},
            "began_at": INSTANT,
            "matched": NUMBER,
            "handled": NUMBER,
            "left": NUMBER,
            "state": {"enum": ["running", "done", "stopped"]},
            "why": TEXT,
            "ended_at": INSTANT_OR_NONE,
        }
    ),
    "Count": members(
        {"count": NUMBER, "items": NUMBER, "bytes": NUMBER},
        period={"type": "string", "description": "The minute as RFC 3339 time, or the date"},
    ),
    "Nodes": NODES,
    "Health": members(
        {"status": TEXT},
        worker=NUMBER,
        role=ROLE,
        full={"type": "array", "items": {"type": "object"}},
        held_up=NUMBER,
        held_up_oldest_at=INSTANT_OR_NONE,
    ),
    "MessageType": members(
        {
            "name": TEXT,
            "format": {"enum": ["xml", "json"]},
            "version": TEXT,
            "basis": {"enum": ["published", "modelled"]},
            "source": TEXT,
            "item": TEXT,
            "versions": {"type": "array", "items": TEXT},
            "roots": {"type": "array", "items": TEXT},
            "title": {
                "type": "object",
                "required": ["fi", "sv", "en"],
                "additionalProperties": TEXT,
            },
        }
    ),
    "Receiver": members(
        {
            "receiver": TEXT,
            "name": TEXT,
            "state": {"enum": ["up", "failing", "paused"]},
            "since": INSTANT_OR_NONE,
            "reason": TEXT,
            "failures": NUMBER,
            "next_probe_at": INSTANT_OR_NONE,
            "probes": NUMBER,
            "outages": NUMBER,
            "waiting": {"type": "integer", "description": "Deliveries that wait for it"},
            "full": {"type": "boolean"},
            "held_up": {
                "type": "integer",
                "description": "Of those, deliveries behind dead letters of their conversation",
            },
            "held_up_oldest_at": INSTANT_OR_NONE,
        }
    ),
    "Pause": members({}, reason={"type": "string", "maxLength": REASON_CHARACTERS_MAX}),
    "NewPartner": members(
        {"id": TEXT, "sector": {"enum": list(SECTORS)}},
        name=TEXT,
        url={
            "type": "string",
            "description": "Where it is called; without one it can't be pushed to",
        },
        delivery={"enum": ["push", "mailbox"]},
        business_id=TEXT,
        eessi_id=TEXT,
        country={"type": "string", "description": "ISO 3166-1 alpha-2"},
        conflict={"enum": ["delivered", "refused"]},
        serves={"type": "array", "items": TEXT},
        demands={"type": "array", "items": TEXT},
        per_second={"type": "number"},
        body_bytes_max=NUMBER,
    ),
    "AddedPartner": members({"id": TEXT, "key": TEXT, "callback_secret": TEXT}),
    "Resetting": members({"resetting": {"const": True}}),
    "Removal": {"type": "object", "additionalProperties": False},
    "RemovedPartner": members({"id": TEXT, "removed": {"const": True}}),
    "Rotation": members({}, at_once={"type": "boolean"}),
    "PartnerKey": members({"id": TEXT, "key": TEXT}),
    "Partner": members(
        {
            **dict.fromkeys(
                ("id", "name", "sector", "country", "business_id", "eessi_id", "url"), TEXT
            ),
            "delivery": {"enum": ["push", "mailbox"]},
            "played": {"type": "boolean", "description": "Whether a stub plays it"},
            "added": {"type": "boolean", "description": "Whether it was added while this runs"},
            "keys": {"type": "integer", "description": "How many keys it has that count"},
            "keyed_at": {
                **INSTANT_OR_NONE,
                "description": "When the newest of an added partner's keys was made",
            },
            "channels": {
                "type": "array",
                "items": members(
                    {
                        "channel": TEXT,
                        "sends": {"type": "array", "items": TEXT},
                        "receives": {"type": "array", "items": TEXT},
                        "mailbox": {"type": "boolean"},
                        "pushes": {"type": "array", "items": TEXT},
                    }
                ),
            },
        }
    ),
    "Override": OVERRIDE,
    "StandingOverride": members(
        {**OVERRIDE["properties"], "fault": _FAULT_OR_NONE, "alike": NUMBER}
    ),
    "OverrideSet": members({"id": TEXT}),
    "OverrideRemoval": {
        "oneOf": [
            {**members({"id": TEXT}), "additionalProperties": False},
            {**members({"all": {"const": True}}), "additionalProperties": False},
        ]
    },
    "OverridesRemoved": members({"removed": NUMBER}),
    "StubCall": members(
        {
            "number": NUMBER,
            **dict.fromkeys(("partner", "path", "message_type", "state"), TEXT),
            "met": {"type": "string", "description": "The override that it met; empty: none"},
            "not_met": {
                "type": "object",
                "additionalProperties": TEXT,
                "description": "By override, why the call did not meet it",
            },
        }
    ),
    "Changed": members({"receiver": TEXT, "changed": {"type": "boolean"}}),
    "Snapshot": members(
        {
            "at": INSTANT,
            "channels": {
                "type": "object",
                "additionalProperties": {"type": "object", "additionalProperties": NUMBER},
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

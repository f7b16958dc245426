"""An example of each schema of the operators' API, for its description; a test holds each against
its schema.
"""

from __future__ import annotations

from typing import Any

_MESSAGE = "000000000000000003e5a1b2c4d00000"
_DELIVERY = "000000000000000003e5a1b2c4d00001"
_AT = "2026-11-29T08:00:00.000Z"
_LATER = "2026-11-29T08:00:01.250Z"
_TYPE = "unemployment.benefit-data"

_FOUND: dict[str, Any] = {
    "id": _MESSAGE,
    "channel": "luova",
    "message_type": _TYPE,
    "sender": "kela.unemployment",
    "sender_message_id": "benefit-1",
    "received_at": _AT,
    "state": "accepted",
    "endpoint": "api",
    "conversation": "",
    "items": 1,
    "bytes": 2048,
}
_VIOLATION = {
    "rule": "json.type",
    "message": "a text is wanted",
    "path": "/changes/0/person",
    "line": 4,
    "column": 17,
    "severity": "error",
    "expected": "string",
    "found": "17",
}
_DELIVERED = {
    "id": _DELIVERY,
    "message_id": _MESSAGE,
    "receiver": "fund.super",
    "mode": "mailbox",
    "state": "delivered",
    "attempts": 1,
    "items": 1,
    "next_at": None,
    "ended_at": _LATER,
    "reason": "",
}
_EVENT = {
    "message_id": _MESSAGE,
    "delivery_id": _DELIVERY,
    "at": _LATER,
    "kind": "delivered",
    "detail": "",
}
_JOB = {
    "action": "resend",
    "filter": {"receiver": "fund.super"},
    "per_second": 500,
    "operator": "open",
    "role": "admin",
    "began_at": _AT,
    "matched": 1200,
    "handled": 500,
    "left": 700,
    "state": "running",
    "why": "",
    "ended_at": None,
}

_OVERRIDE = {
    "id": "busy",
    "partner": "fund.pro",
    "message_type": _TYPE,
    "times": 1,
    "status": 503,
}

#: By the name of the schema.
EXAMPLES: dict[str, Any] = {
    "Checked": {
        "valid": False,
        "type": "population.births",
        "basis": "modelled",
        "violations": [_VIOLATION],
    },
    "Message": {
        **_FOUND,
        "digest": "5d41402abc4b2a76b9719d911017c592",
        "content_type": "text/xml",
        "detail": {},
        "deliveries": [_DELIVERED],
        "events": [_EVENT],
    },
    "MessagesFound": {"messages": [_FOUND], "before": ""},
    "DeadLetter": {
        "id": _DELIVERY,
        "message": _MESSAGE,
        "channel": "luova",
        "message_type": _TYPE,
        "sender": "kela.unemployment",
        "receiver": "fund.pro",
        "attempts": 12,
        "reason": "http-503",
        "ended_at": _LATER,
    },
    "Audited": {
        "id": 7,
        "at": _AT,
        "operator": "open",
        "role": "admin",
        "what": "partner-add",
        "target": "county.mine",
        "outcome": "done",
        "address": "127.0.0.1",
    },
    "ByIdsOrFilter": {"filter": {"receiver": "fund.pro", "reason": "http-503"}, "per_second": 500},
    "Resent": {"resent": [_DELIVERY], "refused": []},
    "Skipped": {"skipped": [_DELIVERY], "refused": []},
    "DeadLetterJob": _JOB,
    "Count": {"channel": "luova", "kind": "accepted", "count": 42, "items": 63, "bytes": 86016},
    "Health": {
        "status": "ready",
        "worker": 0,
        "full": [],
        "held_up": 0,
        "held_up_oldest_at": None,
    },
    "MessageType": {
        "name": "population.births",
        "format": "json",
        "version": "1",
        "basis": "modelled",
        "source": "A model: there is no public specification",
        "item": "birth",
        "versions": ["1"],
        "roots": [],
        "title": {"fi": "Syntymät", "sv": "Födslar", "en": "Births"},
    },
    "Receiver": {
        "receiver": "fund.pro",
        "name": "A fund",
        "state": "failing",
        "since": _AT,
        "reason": "http-503",
        "failures": 3,
        "next_probe_at": _LATER,
        "probes": 2,
        "outages": 1,
        "waiting": 17,
        "full": False,
        "held_up": 0,
        "held_up_oldest_at": None,
    },
    "Pause": {"reason": "moving house on Sunday"},
    "NewPartner": {
        "id": "county.mine",
        "sector": "wellbeing-county",
        "url": "http://127.0.0.1:9000",
        "business_id": "1234567-1",
    },
    "AddedPartner": {
        "id": "county.mine",
        "key": "partner-0f1e2d3c4b5a69788796a5b4c3d2e1f0",
        "callback_secret": "callback-0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    },
    "Resetting": {"resetting": True},
    "Removal": {},
    "RemovedPartner": {"id": "county.mine", "removed": True},
    "Rotation": {"at_once": True},
    "PartnerKey": {"id": "county.mine", "key": "partner-0f1e2d3c4b5a69788796a5b4c3d2e1f0"},
    "Partner": {
        "id": "county.mine",
        "name": "county.mine",
        "sector": "wellbeing-county",
        "country": "FI",
        "business_id": "1234567-1",
        "eessi_id": "",
        "url": "http://127.0.0.1:9000",
        "delivery": "push",
        "played": False,
        "added": True,
        "channels": [
            {
                "channel": "kelmu",
                "sends": ["kelmu.benefit-query"],
                "receives": ["kelmu.information-request"],
                "mailbox": False,
                "pushes": ["/kelmu/information-requests"],
            }
        ],
    },
    "Changed": {"receiver": "fund.pro", "changed": True},
    "Problem": {
        "type": "urn:exchange:problem:not-a-time",
        "title": "Not a time",
        "status": 400,
        "detail": "since and until are times as in 2026-11-29T08:00:00Z",
    },
    "Override": _OVERRIDE,
    "StandingOverride": {
        **_OVERRIDE,
        "person": "",
        "first": 1,
        "state": "",
        "then_state": "",
        "priority": 0,
        "body": "",
        "content_type": "application/json",
        "headers": {},
        "fault": None,
        "delay_seconds": 0.0,
        "alike": 1,
    },
    "OverrideSet": {"id": "busy"},
    "OverrideRemoval": {"id": "busy"},
    "OverridesRemoved": {"removed": 1},
    "StubCall": {
        "number": 2,
        "partner": "fund.pro",
        "path": "/luova/deliveries/000000000000000003e5a1b2c4d00001",
        "message_type": _TYPE,
        "state": "start",
        "met": "",
        "not_met": {"busy": "it is call 2 of its kind, and the override was met 1 times"},
    },
    "Snapshot": {
        "at": _AT,
        "channels": {"luova": {"received": 42, "accepted": 41, "rejected": 1, "waiting": 0}},
        "rates": {"luova": {"accepted": 1.5, "delivered": 1.5}},
        "full": [],
    },
}

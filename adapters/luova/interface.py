"""What the description of Luova's endpoints tells: headers, bodies, receipts and the reasons of
problems; tests hold the answers against it.
"""

from __future__ import annotations

from exchange.adapters.luova.answer import DETAILS
from exchange.adapters.luova.routing import TYPES
from exchange.ports.description import (
    BYTES,
    ID,
    INSTANT,
    NUMBER,
    PROBLEMS,
    TEXT,
    TEXTS,
    Body,
    Interface,
    Parameter,
    Schema,
    Told,
    listed,
    members,
    reference,
)
from exchange.schemas.call import JSON

ALL = tuple(TYPES)
_PLAIN_ID: Schema = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._:@-]{0,99}$"}
_IDS: Schema = {"type": "array", "items": ID}
_RECEIPT = {
    "id": ID,
    "messageId": _PLAIN_ID,
    "messageType": TEXT,
    "receivedAt": INSTANT,
    "items": NUMBER,
    "receivers": TEXTS,
    "warnings": listed("Violation"),
}
_HELD: Schema = {
    "type": "array",
    "minItems": 1,
    "maxItems": 100,
    "items": members({"id": ID, "lease": ID}),
}
_LETTER = {
    "id": ID,
    "messageType": TEXT,
    "messageId": TEXT,
    "sender": TEXT,
    "receivedAt": INSTANT,
    "attempts": NUMBER,
    "contentType": TEXT,
    "encoding": {"enum": ["utf-8", "base64"]},
    "body": {"type": "string", "description": "The message, as `encoding` says"},
    "lease": ID,
    "leaseUntil": INSTANT,
}
_ATTACHMENTS = listed("luova.Attachment")
_ENTRY = {"index": NUMBER, "status": NUMBER}

SHAPES: dict[str, Schema] = {
    "luova.Receipt": members(_RECEIPT),
    "luova.Attachment": members(
        {"name": TEXT, "content_type": TEXT, "bytes": NUMBER, "sha256": TEXT}
    ),
    "luova.State": members(
        {**_RECEIPT, "state": {"enum": ["accepted", "rejected"]}},
        deliveries=listed("luova.Progress"),
        attachments=_ATTACHMENTS,
        reason=TEXT,
        violations=listed("Violation"),
    ),
    "luova.Progress": members(
        {"id": ID, "receiver": TEXT, "mode": TEXT, "state": TEXT, "attempts": NUMBER},
        items=NUMBER,
        reason=TEXT,
        nextAt=INSTANT,
        endedAt=INSTANT,
    ),
    "luova.BatchLine": members(
        {"id": _PLAIN_ID, "body": {"description": "JSON as it is, XML as a text"}},
        type=TEXT,
        receiver=TEXT,
        conversation=TEXT,
        ordered={"type": ["boolean", "string"]},
        createdAt=INSTANT,
    ),
    "luova.Batch": {
        **BYTES,
        "description": "NDJSON: at most 1,000 lines, each a `luova.BatchLine`. multipart/mixed: at "
        "most 1,000 parts, each with the headers of a single message.",
    },
    "luova.BatchAnswer": members(
        {
            "accepted": NUMBER,
            "duplicate": NUMBER,
            "rejected": NUMBER,
            "outcomes": {
                "type": "array",
                "description": "One of each message, in order, with the status that it would have "
                "got alone",
                "items": {
                    "anyOf": [
                        members({**_ENTRY, **_RECEIPT}),
                        members(
                            {**_ENTRY, "reason": TEXT, "violations": listed("Violation")},
                            id=ID,
                            messageId=TEXT,
                            messageType=TEXT,
                        ),
                    ]
                },
            },
        },
        full=NUMBER,
    ),
    "luova.WithAttachments": {
        "type": "object",
        "description": "The first part is the message, each other one an attachment",
        "required": ["message"],
        "properties": {"message": BYTES},
        "additionalProperties": BYTES,
    },
    "luova.Letter": members(_LETTER, conversation=TEXT, attachments=_ATTACHMENTS),
    "luova.Mailbox": members({"deliveries": listed("luova.Letter")}),
    "luova.Acknowledgement": members({"deliveries": _HELD}),
    "luova.Refusal": members(
        {"deliveries": _HELD, "reason": {"type": "string", "minLength": 1, "maxLength": 400}}
    ),
    "luova.Extension": members(
        {
            "deliveries": _HELD,
            "lease_seconds": {"type": "integer", "minimum": 1, "maximum": 3600},
        }
    ),
    "luova.Held": members({}, acknowledged=_IDS, refused=_IDS, extended=_IDS, leaseUntil=INSTANT),
    "luova.NotHeld": {"allOf": [reference("Problem"), reference("luova.Held")]},
}

_ENVELOPE = (
    Parameter(
        name="X-Message-Id",
        text="The sender's own id of the message",
        required=True,
        schema=_PLAIN_ID,
    ),
    Parameter(
        "X-Message-Type",
        "The message type; may be left out where the document tells it; `;v=2` names a version",
    ),
    Parameter("X-Receiver", "A partner's id; needed where the type has no default receiver"),
    Parameter("X-Conversation-Id", "Ties an answer to its question", schema=_PLAIN_ID),
    Parameter(
        "X-Ordered",
        "Delivered in the order of the receipts within the conversation",
        schema={"enum": ["true", "false"]},
    ),
    Parameter("X-Created-At", "The sender's time with its offset (RFC 3339)"),
)
_RECEIPTS = (Body(shape="luova.Receipt"),)
_OF_VERDICT = {"malformed": 400, "real-person": 403, "message-id-reused": 409}

SUBMIT = Interface(
    parameters=_ENVELOPE,
    takes=(
        Body(ALL, (JSON, "text/xml")),
        Body(
            media_types=("multipart/related", "multipart/form-data"), shape="luova.WithAttachments"
        ),
    ),
    tells={
        202: Told("The receipt: the message is committed", _RECEIPTS),
        200: Told("The same message came before: the receipt that it got then", _RECEIPTS),
        400: Told("No document", (PROBLEMS,), ("malformed",)),
        403: Told(
            "This sector does not send this type, or a living person's code",
            (PROBLEMS,),
            ("real-person", "rule"),
        ),
        409: Told("The id stands for another message", (PROBLEMS,), ("message-id-reused",)),
        422: Told(
            "Not valid",
            (PROBLEMS,),
            tuple(reason for reason in DETAILS if reason not in _OF_VERDICT),
        ),
    },
)
BATCH = Interface(
    takes=(Body(media_types=("application/x-ndjson", "multipart/mixed"), shape="luova.Batch"),),
    tells={
        200: Told("What became of each message", (Body(shape="luova.BatchAnswer"),)),
        400: Told(
            "A batch that can't be taken apart, or an empty one", (PROBLEMS,), ("malformed",)
        ),
        413: Told("More than 1,000 messages", (PROBLEMS,), ("too-large",)),
        415: Told("Neither NDJSON nor multipart/mixed", (PROBLEMS,), ("unsupported",)),
    },
)
STATE = Interface(
    parameters=(Parameter("id", "The id of the receipt", "path"),),
    tells={
        200: Told("How far it is", (Body(shape="luova.State"),)),
        404: Told("No such message of the caller's", (PROBLEMS,), ("not-found",)),
    },
)
_QUERY_WRONG = Told("A parameter of the query or the body is wrong", (PROBLEMS,), ("malformed",))
MAILBOX = Interface(
    parameters=(
        Parameter(
            "most",
            "At most so many",
            "query",
            schema={"type": "integer", "minimum": 1, "maximum": 100},
        ),
        Parameter(
            "lease_seconds",
            "For how long they are the caller's",
            "query",
            schema={"type": "integer", "minimum": 1, "maximum": 3600},
        ),
        Parameter(
            "wait",
            "Seconds to wait for some when there are none",
            "query",
            schema={"type": "integer", "minimum": 0, "maximum": 30},
        ),
        Parameter("conversation", "Of this conversation", "query", schema=_PLAIN_ID),
        Parameter("type", "Of this message type", "query", schema={"enum": list(ALL)}),
    ),
    tells={
        200: Told("The oldest that wait, leased", (Body(shape="luova.Mailbox"),)),
        400: _QUERY_WRONG,
    },
    gives_out=ALL,
)


def _about_leases(shape: str) -> Interface:
    return Interface(
        takes=(Body(shape=shape),),
        tells={
            200: Told("Done", (Body(shape="luova.Held"),)),
            400: _QUERY_WRONG,
            409: Told(
                "Some are not leased by the caller, and the others done",
                (Body(media_types=PROBLEMS.media_types, shape="luova.NotHeld"),),
                ("not-leased",),
            ),
        },
    )


ACKNOWLEDGE = _about_leases("luova.Acknowledgement")
REFUSE = _about_leases("luova.Refusal")
EXTEND = _about_leases("luova.Extension")

"""What the description of Kelmu's endpoints tells: headers, bodies, answers and the reasons of
problems; tests hold the answers against it.
"""

from __future__ import annotations

from exchange.adapters.kelmu.identify import (
    BULK,
    DOCUMENT,
    LIST,
    NOTICE,
    QUERY,
    REQUEST,
    REQUEST_ANSWER,
    TRANSFER,
    WITHDRAWAL,
    WORK_LIST,
)
from exchange.ports.description import (
    BYTES,
    ID,
    INSTANT,
    PROBLEMS,
    TEXT,
    TEXTS,
    XML,
    Body,
    Interface,
    Parameter,
    Schema,
    Told,
    listed,
    members,
    reference,
)

_RECEIPT = {"id": ID, "message_id": TEXT, "message_type": TEXT, "received_at": INSTANT}

_DATE: Schema = {"type": "string", "format": "date"}
_INSTANT_OR_NONE: Schema = {"type": ["string", "null"], "format": "date-time"}

SHAPES: dict[str, Schema] = {
    "kelmu.Receipt": members(_RECEIPT, late={"type": "boolean"}),
    "kelmu.Answer": members(
        {
            **_RECEIPT,
            "from": _DATE,
            "to": _DATE,
            "benefits": TEXTS,
            "data_groups": TEXTS,
            "results": listed("kelmu.PersonRecords"),
            "left_out": {"type": "array", "items": {"type": "object"}},
        }
    ),
    "kelmu.List": members(
        {**_RECEIPT, "list": TEXT, "period": TEXT, "entries": listed("kelmu.ListEntry")}
    ),
    "kelmu.Envelope": {
        **XML,
        "description": "An envelope of SOAP 1.1; its description is handed out over X-Road",
    },
    "kelmu.WithFiles": {
        "type": "object",
        "description": "The first part is the message in JSON, each other one a PDF, JPEG or PNG "
        "file with a file name",
        "required": ["message"],
        "properties": {"message": BYTES},
        "additionalProperties": BYTES,
    },
    "kelmu.OpenRequest": members(
        {
            "information_request": TEXT,
            "state": {"enum": ["open", "answered", "withdrawn"]},
            "received_at": INSTANT,
            "person": TEXT,
            "statements": TEXTS,
            "question": TEXT,
            "answer_by": _DATE,
            "late": {"type": "boolean"},
            "reminded_at": _INSTANT_OR_NONE,
            "answered_at": _INSTANT_OR_NONE,
        }
    ),
    "kelmu.GivenNotice": members(
        {
            "notice": TEXT,
            "state": {"enum": ["given", "moving", "moved"]},
            "notice_kind": TEXT,
            "received_at": INSTANT,
            "given_at": INSTANT,
        },
        person=TEXT,
    ),
    "kelmu.WorkList": members(
        {
            "entries": {
                "type": "array",
                "items": {
                    "anyOf": [reference("kelmu.OpenRequest"), reference("kelmu.GivenNotice")]
                },
            },
            "after": {"type": "string", "description": "Where to go on; empty: this was all"},
        }
    ),
}

_ID = Parameter(
    "X-Message-Id",
    "The sender's own id; the exchange gives one where there is none",
    schema={"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"},
)
_OF_ANY = {
    400: Told(
        "Not valid", (PROBLEMS,), ("malformed", "schema", "rule", "type-unknown", "real-person")
    ),
    403: Told("The organisation has no right to this", (PROBLEMS,), ("no-right",)),
    503: Told(
        "Nobody serves the register, or the receiver is no partner",
        (PROBLEMS,),
        ("register-unknown", "receiver-unknown"),
    ),
}
_REUSED = "message-id-reused"


#: A message that comes with files.
_WITH_FILES = Body(
    media_types=("multipart/form-data", "multipart/related"), shape="kelmu.WithFiles"
)


def _asks(message_type: str, shape: str = "kelmu.Answer") -> Interface:
    return Interface(
        parameters=(_ID,),
        takes=(Body((message_type,)),),
        tells={
            **_OF_ANY,
            200: Told("The receipt and what the organisation may see", (Body(shape=shape),)),
            409: Told(
                "The id stands for another query, or the same one is being answered just now",
                (PROBLEMS,),
                (_REUSED, "in-progress"),
            ),
            502: Told(
                "The register refused the query for good; the reason is its status", (PROBLEMS,)
            ),
            504: Told("No sound answer of the register in time", (PROBLEMS,), ("no-answer",)),
        },
    )


def _sends(message_type: str, *parameters: Parameter, more: tuple[Body, ...] = ()) -> Interface:
    return Interface(
        parameters=(*parameters, _ID),
        takes=(Body((message_type,)), *more),
        tells={
            **_OF_ANY,
            202: Told("The receipt: the message is committed", (Body(shape="kelmu.Receipt"),)),
            409: Told("The id stands for another message", (PROBLEMS,), (_REUSED,)),
        },
    )


ASK = _asks(QUERY)
_ENVELOPE = Body(media_types=("text/xml",), shape="kelmu.Envelope")
ASK_SOAP = Interface(
    parameters=(_ID,),
    takes=(_ENVELOPE,),
    tells={
        200: Told(
            "The receipt and what the organisation may see, or a fault with the reason and "
            "everything that was found",
            (_ENVELOPE,),
        )
    },
)
ASK_BULK = _asks(BULK)
ASK_LIST = _asks(LIST, "kelmu.List")
_REQUEST_ID = Parameter("id", "The message id of Kela's request", "path")
REQUEST_INFORMATION = _sends(REQUEST)
ANSWER = _sends(REQUEST_ANSWER, _REQUEST_ID, more=(_WITH_FILES,))
WITHDRAW = _sends(WITHDRAWAL, _REQUEST_ID)
SEND_DOCUMENT = _sends(DOCUMENT, more=(_WITH_FILES,))
GIVE_NOTICE = _sends(NOTICE)
TRANSFER_NOTICE = _sends(TRANSFER, Parameter("id", "The message id of Kela's notice", "path"))
READ_WORK_LIST = Interface(
    takes=(Body((WORK_LIST,)),),
    tells={
        **_OF_ANY,
        200: Told("A page of the work list", (Body(shape="kelmu.WorkList"),)),
    },
)

"""What the description of Kelmu's endpoints tells: headers, bodies, answers and the reasons of
problems; tests hold the answers against it.
"""

from __future__ import annotations

from exchange.adapters.kelmu.identify import BULK, QUERY, REQUEST, REQUEST_ANSWER
from exchange.ports.description import (
    ID,
    INSTANT,
    PROBLEMS,
    TEXT,
    Body,
    Interface,
    Parameter,
    Schema,
    Told,
    listed,
    members,
)

_RECEIPT = {"id": ID, "message_id": TEXT, "message_type": TEXT, "received_at": INSTANT}
_TEXTS: Schema = {"type": "array", "items": TEXT}

SHAPES: dict[str, Schema] = {
    "kelmu.Receipt": members(_RECEIPT),
    "kelmu.Answer": members(
        {
            **_RECEIPT,
            "from": {"type": "string", "format": "date"},
            "to": {"type": "string", "format": "date"},
            "benefits": _TEXTS,
            "data_groups": _TEXTS,
            "results": listed("kelmu.PersonRecords"),
            "left_out": {"type": "array", "items": {"type": "object"}},
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


def _asks(message_type: str) -> Interface:
    return Interface(
        parameters=(_ID,),
        takes=(Body((message_type,)),),
        tells={
            **_OF_ANY,
            200: Told(
                "The receipt and what the organisation may see", (Body(shape="kelmu.Answer"),)
            ),
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


def _sends(message_type: str, *parameters: Parameter) -> Interface:
    return Interface(
        parameters=(*parameters, _ID),
        takes=(Body((message_type,)),),
        tells={
            **_OF_ANY,
            202: Told("The receipt: the message is committed", (Body(shape="kelmu.Receipt"),)),
            409: Told("The id stands for another message", (PROBLEMS,), (_REUSED,)),
        },
    )


ASK = _asks(QUERY)
ASK_BULK = _asks(BULK)
REQUEST_INFORMATION = _sends(REQUEST)
ANSWER = _sends(REQUEST_ANSWER, Parameter("id", "The message id of Kela's request", "path"))

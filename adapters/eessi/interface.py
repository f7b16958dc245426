"""What the description of EESSI's endpoints tells, in RINA's JSON names: bodies, acknowledgements,
cases and the reasons of problems; tests hold the answers against it.
"""

from __future__ import annotations

from typing import Any

from exchange.adapters.eessi.identification import OUTCOMES
from exchange.ports.description import (
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
from exchange.schemas.catalogue import Catalogue

ALL = tuple(each.name for each in Catalogue.load() if each.family == "eessi")
XML_TYPES = ("text/xml", "application/xml")
#: A moment as RINA writes it, which is not RFC 3339: no colon in the offset.
_DATE: Schema = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$"}
_OBJECTS: Schema = {"type": "array", "items": {"type": "object"}}
_FLAG: Schema = {"type": "boolean"}


def _or_none(name: str) -> dict[str, Any]:
    return {"anyOf": [reference(name), {"type": "null"}]}


SHAPES: dict[str, Schema] = {
    "eessi.Acknowledgement": members(
        {
            "id": TEXT,
            "date": _DATE,
            "sender": TEXT,
            "receivers": TEXTS,
            "messageId": TEXT,
            "caseId": TEXT,
            "status": {"const": "SENT"},
        }
    ),
    "eessi.ReceiverAcknowledgement": members(
        {"id": TEXT, "date": _DATE, "sender": TEXT, "receiver": TEXT}
    ),
    "eessi.Organisation": members({"id": TEXT, "countryCode": TEXT, "name": TEXT, "acronym": TEXT}),
    "eessi.Participant": members({"role": TEXT, "organisation": reference("eessi.Organisation")}),
    "eessi.Case": members(
        {
            "id": TEXT,
            "startDate": _DATE,
            "lastUpdate": _DATE,
            "status": TEXT,
            "creator": members({"organisation": reference("eessi.Organisation")}),
            **dict.fromkeys(
                (
                    *("processDefinitionName", "processDefinitionVersion", "applicationRoleId"),
                    *("businessId", "internationalId"),
                ),
                TEXT,
            ),
            "sensitive": _FLAG,
            "participants": listed("eessi.Participant"),
            "documents": _OBJECTS,
            "actions": _OBJECTS,
        }
    ),
    "eessi.UserMessage": members(
        {
            "id": TEXT,
            "sender": reference("eessi.Organisation"),
            "receiver": reference("eessi.Organisation"),
            "action": {"type": ["string", "null"]},
            "isSent": _FLAG,
            "status": {"enum": ["SENT", "DELIVERED", None]},
            "ack": _or_none("eessi.ReceiverAcknowledgement"),
            "error": _or_none("eessi.DeliveryError"),
        }
    ),
    "eessi.DeliveryError": members(
        {"id": TEXT, "date": {"type": ["string", "null"]}, "description": TEXT}
    ),
    "eessi.Message": members(
        {
            "id": TEXT,
            "versionId": TEXT,
            "caseId": TEXT,
            "participants": listed("eessi.Participant"),
            "userMessages": listed("eessi.UserMessage"),
        },
        identification=reference("eessi.Identification"),
    ),
    "eessi.Identification": members(
        {"outcome": {"enum": list(OUTCOMES)}},
        return_code=TEXT,
        dead=_FLAG,
        restricted=_FLAG,
    ),
    "eessi.Problem": {
        "allOf": [
            reference("Problem"),
            members({}, errors={"type": "array", "items": reference("eessi.Error")}),
        ]
    },
    "eessi.Error": members(
        dict.fromkeys(
            (
                *("errorCode", "severity", "category", "origin"),
                *("shortDescription", "refToMessageInError", "description"),
            ),
            TEXT,
        )
    ),
}

_NOT_FOUND = Told("None, or none of the caller's", (PROBLEMS,), ("not-found",))
_REJECTED = (Body(media_types=PROBLEMS.media_types, shape="eessi.Problem"),)

SUBMIT = Interface(
    takes=(Body(ALL, XML_TYPES),),
    tells={
        202: Told(
            "The acknowledgement: the message is committed; the same again for the same message",
            (Body(shape="eessi.Acknowledgement"),),
        ),
        400: Told("No document", _REJECTED, ("malformed",)),
        409: Told("The id stands for another message", _REJECTED, ("message-id-reused",)),
        415: Told("Not XML", _REJECTED, ("media-type",)),
        422: Told(
            "Not valid, or not possible in its case",
            _REJECTED,
            ("type-unknown", "schema", "rule", "real-person", "receiver-unknown", "no-route"),
        ),
    },
)
MESSAGE = Interface(
    parameters=(Parameter("id", "The sender's InstanceIdentifier, or the exchange's id", "path"),),
    tells={
        200: Told("One user message for each receiver", (Body(shape="eessi.Message"),)),
        404: _NOT_FOUND,
    },
)
CASE = Interface(
    parameters=(Parameter("id", "The InstanceIdentifier of the case", "path"),),
    tells={
        200: Told("The case and what may be done in it now", (Body(shape="eessi.Case"),)),
        404: _NOT_FOUND,
    },
)
#: What a receiver answers a push with.
ACKNOWLEDGEMENT = Body(shape="eessi.ReceiverAcknowledgement")

"""What a channel says of its interface, as plain values: parameters, bodies, answers and reasons;
OpenAPI and AsyncAPI documents are rendered from them elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from exchange.schemas.call import JSON, PROBLEM

Schema = Mapping[str, Any]

TEXT: Schema = {"type": "string"}
TEXTS: Schema = {"type": "array", "items": TEXT}
NUMBER: Schema = {"type": "integer"}
INSTANT: Schema = {"type": "string", "format": "date-time"}
INSTANT_OR_NONE: Schema = {"type": ["string", "null"], "format": "date-time"}
#: A body as it is. (Generators of clients hand over bytes, and take a text for JSON.)
BYTES: Schema = {"type": "string", "format": "binary"}
XML: Schema = {**BYTES, "contentMediaType": "text/xml"}
#: An id of ours: of a message, a delivery, a lease.
ID: Schema = {"type": "string", "pattern": "^[0-9a-f]{32}$"}


def reference(name: str) -> dict[str, str]:
    """A reference to a named schema: a shape of a channel, a message type, or one of our API."""
    return {"$ref": f"#/components/schemas/{name}"}


def listed(name: str) -> dict[str, Any]:
    """An array of what a named schema describes."""
    return {"type": "array", "items": reference(name)}


def members(required: Mapping[str, Any], **optional: Any) -> dict[str, Any]:
    """The JSON schema of an object with members that are always there, and others."""
    properties = {**required, **optional}
    return {"type": "object", "required": list(required), "properties": properties}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A header, a parameter of the query or a part of the path, with the schema of its text."""

    name: str
    text: str
    place: Literal["header", "query", "path"] = "header"
    required: bool = False
    schema: Schema = field(default_factory=lambda: TEXT)


@dataclass(frozen=True, slots=True)
class Body:
    """What stands in a body of these media types: one of several message types of the catalogue
    (their schemas and samples are shown), or the shape of that name in `Channel.shapes`; neither:
    bytes that only the text tells of.
    """

    types: tuple[str, ...] = ()
    media_types: tuple[str, ...] = (JSON,)
    shape: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """One answer: what it means, what stands in it, and the `reason` members that a problem may
    have.
    """

    text: str
    bodies: tuple[Body, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Interface:
    """What an endpoint takes and tells beside what every one does (`web/interface/openapi.py`):
    answers by their status, and the message types that a mailbox gives out by it.
    """

    parameters: tuple[Parameter, ...] = ()
    takes: tuple[Body, ...] = ()
    tells: Mapping[int, Told] = field(default_factory=dict)
    gives_out: tuple[str, ...] = ()


#: A refusal of channels that speak JSON.
PROBLEMS = Body(media_types=(PROBLEM,), shape="Problem")

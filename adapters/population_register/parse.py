"""From bytes to a question of the register; no schema and no rules."""

from __future__ import annotations

from exchange.ports import Inbound, Parsed
from exchange.schemas import json as json_format
from exchange.schemas.catalogue import Catalogue


def parse(inbound: Inbound) -> Parsed:
    """The body as JSON. The endpoint says its type; without one (a file) its keys tell.

    Raises:
        Malformed: when the body is no JSON.
    """
    document = json_format.parse(inbound.body)
    name = inbound.hints.get("type", "")
    if not name and (message_type := Catalogue.load().of_keys(document)):
        name = message_type.name
    return Parsed(
        inbound=inbound, message_type=name, format="json", document=document, root=document
    )

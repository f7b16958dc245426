"""From bytes to a question of the register; no schema and no rules."""

from __future__ import annotations

from exchange.adapters.population_register.identify import PERSON_QUERY
from exchange.ports import Inbound, Parsed
from exchange.schemas import json as json_format
from exchange.schemas import xml
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.x_road.soap import SOAP


def parse(inbound: Inbound) -> Parsed:
    """The body as JSON, or as XML: a question about a person, alone or in a SOAP envelope. The
    endpoint says its type; without one (a file) its keys tell, or its root.

    Raises:
        Malformed: when the body is neither.
    """
    name = inbound.hints.get("type", "")
    if name == PERSON_QUERY or (not name and inbound.body.lstrip()[:1] == b"<"):
        return _person_query(inbound)
    document = json_format.parse(inbound.body)
    if not name and (message_type := Catalogue.load().of_keys(document)):
        name = message_type.name
    return Parsed(
        inbound=inbound, message_type=name, format="json", document=document, root=document
    )


def _person_query(inbound: Inbound) -> Parsed:
    root = xml.parse(inbound.body)
    body = root.find(f"{{{SOAP}}}Body/*")
    return Parsed(
        inbound=inbound,
        message_type=PERSON_QUERY,
        format="xml",
        document=root if body is None else body,
        root=root,
    )

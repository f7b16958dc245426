"""Bytes of Kelmu to data and message type; no judgement but on the form of the message id."""

from __future__ import annotations

import re

from exchange.ports import Inbound, Parsed
from exchange.schemas import json as json_format
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.violation import Finding

#: What `X-Message-Id` may hold; `~` in front is for ids that the exchange gives to messages without
#: one.
MESSAGE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
GIVEN_ID = re.compile(r"~[A-Za-z0-9.-]{1,63}")


def parse(inbound: Inbound) -> Parsed:
    """Read a message. The endpoint says its type; without an endpoint (a file) its keys tell.

    Raises:
        Malformed: when the bytes are no JSON.
    """
    document = json_format.parse(inbound.body)
    name = inbound.hints.get("type", "")
    if not name and (message_type := Catalogue.load().of_keys(document)):
        name = message_type.name
    findings = []
    message_id = inbound.hints.get("id", "")
    if message_id and not (MESSAGE_ID.fullmatch(message_id) or GIVEN_ID.fullmatch(message_id)):
        expected = "1-64 letters, digits, '.', '_' or '-', the first a letter or digit"
        findings.append(
            Finding("kelmu.message-id", "X-Message-Id is not in its form", None, expected)
        )
    return Parsed(
        inbound=inbound,
        message_type=name,
        format="json",
        document=document,
        root=document,
        findings=findings,
    )

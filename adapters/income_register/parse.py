"""Reads a delivery from its bytes, with or without a SOAP envelope around it; judges nothing but what it can't open."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from lxml import etree

import schemas.income_register
from exchange.ports import Inbound, Parsed
from schemas import xml

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
ENVELOPE = f"{{{SOAP}}}Envelope"
BODY = f"{{{SOAP}}}Body"

WAGE_REPORTS = "income-register.wage-reports"
BENEFIT_REPORTS = "income-register.benefit-reports"
STATUS_REQUEST = "income-register.status-request"


def _read_roots() -> dict[str, str]:
    path = Path(schemas.income_register.__file__).with_name("message_types.toml")
    types = tomllib.loads(path.read_text(encoding="utf-8"))["message_type"]
    return {root: entry["name"] for entry in types for root in entry["roots"]}


#: Message types by the qualified name of their root elements.
ROOTS = _read_roots()


def unwrap(root: Any) -> Any:
    """The document inside a SOAP envelope: the first element of its body; the root itself when there is no envelope."""
    if root.tag != ENVELOPE:
        return root
    body = root.find(BODY)
    return root if body is None else next(body.iterchildren("*"), root)


def parse(inbound: Inbound) -> Parsed:
    """The envelope as `root` and the document in its body as `document`; the same element twice without an envelope.

    Raises:
        Malformed: when the bytes are no XML, or XML with what the hardened reader forbids.
    """
    root = xml.parse(inbound.body)
    if b"<!--" in inbound.body or b"<?" in inbound.body[1:]:
        # A comment inside a value would hide a part of it from the rules, while the schema sees the whole.
        etree.strip_tags(root, etree.Comment, etree.ProcessingInstruction)
    document = unwrap(root)
    return Parsed(inbound, ROOTS.get(document.tag, ""), "xml", document, root)

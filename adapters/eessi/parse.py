"""Bytes to a parsed EESSI message: the document, its SED and what the header's schema says; no
process rules.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from exchange import schemas
from exchange.adapters.eessi import header as header_of
from exchange.adapters.eessi.header import Header
from exchange.ports import Inbound, Parsed
from exchange.schemas import xml
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.violation import Finding

#: ebMS error codes (OASIS ebXML Messaging 3.0, part 1, chapter 6.7) that findings on a header
#: carry.
VALUE_NOT_RECOGNIZED, VALUE_INCONSISTENT, INVALID_HEADER = "EBMS:0001", "EBMS:0003", "EBMS:0009"


@dataclass(slots=True)
class Message(Parsed):
    """A parsed document with its header, which every later step looks at, and what the rules found
    out of who its person is.
    """

    header: Header = field(kw_only=True)
    identification: Mapping[str, Any] | None = None

    def read_again(self) -> None:
        """Read the header anew."""
        self.header = header_of.read(self.root)


def message_in(parsed: Parsed) -> Message:
    """The message that `parse` read."""
    assert isinstance(parsed, Message), "a message of this channel was parsed here"
    return parsed


def header_in(parsed: Parsed) -> Header:
    """Its header."""
    return message_in(parsed).header


@functools.cache
def _envelope_schema() -> xml.XmlSchema:
    return xml.XmlSchema(Path(schemas.__file__).parent / "eessi" / "sbdh.xsd")


def parse(inbound: Inbound) -> Message:
    """Read the document. `document` is the SED, `root` the whole; findings on the header are in
    `findings`.

    Raises:
        Malformed: when the bytes are no well-formed XML within the limits.
    """
    root = xml.parse(inbound.body)
    if root.tag != header_of.ROOT:
        return _without_header(inbound, root)
    findings = _envelope_schema().check(root)
    for finding in findings:
        finding.code = finding.code or INVALID_HEADER
    sed = header_of.sed_of(root)
    message_type = Catalogue.load().of_root(sed.tag) if sed is not None else None
    if sed is not None and (message_type is None or message_type.family != "eessi"):
        findings.append(
            Finding(
                "eessi.sbdh.sed-unknown",
                "The header is followed by an element that is no SED the exchange knows.",
                sed,
                expected="a SED of CDM 4.2 such as {http://ec.europa.eu/eessi/ns/4_2/P2000}P2000",
                found=str(sed.tag),
                code=VALUE_NOT_RECOGNIZED,
            )
        )
        message_type = None
    name, document = message_type.name if message_type else "", sed if sed is not None else root
    return Message(
        inbound=inbound,
        message_type=name,
        format="xml",
        document=document,
        root=root,
        findings=findings,
        header=header_of.read(root),
    )


def _without_header(inbound: Inbound, root: Any) -> Message:
    message_type = Catalogue.load().of_root(root.tag)
    alone = message_type is not None and message_type.family == "eessi"
    what = "A SED stands alone" if alone else "The root is no EESSI document"
    finding = Finding(
        "eessi.sbdh.root",
        f"{what}: a message is a SED inside a StandardBusinessDocument, after its header.",
        root,
        expected=header_of.ROOT,
        found=str(root.tag),
        code=INVALID_HEADER,
    )
    name = message_type.name if alone and message_type else ""
    return Message(
        inbound=inbound,
        message_type=name,
        format="xml",
        document=root,
        root=root,
        findings=[finding],
        header=header_of.read(root),
    )

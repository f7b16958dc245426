"""Files of the Incomes Register: what its partners leave are deliveries, answered with
StatusResponseFromIR; what waits for them is laid out as it is. The folders are the journey's.

Source: "Tekninen rajapinta - Tietojen toimittaminen tulorekisteriin 2021", chapters 2.3 and 12.3.1
(vero.fi): schema errors of a file are message errors. A file whose name is not
`<DeliveryDataType>_<FileId>.xml`, with the type of the delivery in it, is refused with a processing
feedback (release note 7.5.2020). The pattern is the register's, as far as it is public; how long a
FileId may be (up to 20 digits here), that numbers may be left out, and the names of folders are
*modelled*.
"""

from __future__ import annotations

import re

from exchange.adapters.income_register import answer
from exchange.adapters.income_register.document import FILE_ENDPOINT
from exchange.adapters.income_register.register.turns import take_in
from exchange.adapters.income_register.register.verdict import details
from exchange.adapters.income_register.signature.sign import sign, signing_key
from exchange.ports import Desk, Inbound, Leased
from exchange.ports.files import FileDrop
from exchange.schemas.call import XML
from exchange.schemas.directory import Partner
from exchange.schemas.violation import Violation

#: DeliveryDataType (100 to 112 without 104, which there is not) and FileId.
_KIND = "1(?:0[0-35-9]|1[0-2])"
_NAME = re.compile(rf"{_KIND}_[0-9]{{1,20}}\.xml", re.IGNORECASE)
_TYPE = re.compile(rf"<DeliveryDataType>\s*({_KIND})\s*<".encode())
_REGISTER_ID = re.compile(rb"<IRDeliveryId>([0-9a-f]{32})</IRDeliveryId>")


async def take(name: str, body: bytes, partner: Partner, desk: Desk) -> bytes:
    """Take a delivery in; what became of it. One whose name is not as it should be is refused."""
    kind = written[1].decode() if (written := _TYPE.search(body)) else ""
    if not _NAME.fullmatch(name) or not name.startswith(kind):
        # (The name itself is not repeated: it may be anything, a person's code too.)
        expected = f"<DeliveryDataType>_<FileId>.xml, say {kind or 100}_0000001.xml"
        told = Violation("ir.file-name", "the name is not as it should be", expected=expected)
        await desk.refuse(Inbound(partner, b"", XML, FILE_ENDPOINT), "file-name", [told])
        return refuse(told, desk)
    inbound = Inbound(partner, body, XML, FILE_ENDPOINT)
    outcome = await take_in(inbound, desk)
    document = answer.status_response(
        outcome.envelope,
        answer.detail_of(outcome),
        outcome.envelope.received_at,
        desk.processing.language,
    )
    return sign(document, signing_key())


def refuse(told: Violation, desk: Desk) -> bytes:
    """What is said of a file that is not read."""
    document = answer.refused_file(desk.now(), details(told), desk.processing.language)
    return sign(document, signing_key())


def feedback_name(name: str, feedback: bytes) -> str:
    """`<DeliveryDataType>_<FileId>_<IRDeliveryId>.xml`; the file's own name where there is no id."""
    found = _REGISTER_ID.search(feedback)
    return f"{name[:-4]}_{found[1].decode()}.xml" if found and _NAME.fullmatch(name) else name


def letter(leased: Leased) -> bytes:
    """The document itself."""
    return leased.body


FILES = FileDrop(
    endpoint=FILE_ENDPOINT,
    rule="ir.file-name",
    names=re.compile(r".*\.xml", re.IGNORECASE | re.DOTALL),
    form="a delivery is a regular file whose name ends in .xml",
    take=take,
    refuse=refuse,
    letter=letter,
    letter_suffix=".xml",
    feedback_name=feedback_name,
)

"""Files of the Incomes Register: what its partners leave are deliveries, answered with
StatusResponseFromIR; what waits for them is laid out as it is. The folders are the journey's.

Source: "Tekninen rajapinta - Tietojen toimittaminen tulorekisteriin 2021", chapters 2.3 and 12.3.1
(vero.fi): schema errors of a file are message errors. The names of folders and files are
*modelled*: the register's own were not public in the material at hand.
"""

from __future__ import annotations

import re

from exchange.adapters.income_register import answer
from exchange.adapters.income_register.document import FILE_ENDPOINT
from exchange.adapters.income_register.register.lookup import with_target
from exchange.adapters.income_register.register.verdict import details
from exchange.adapters.income_register.signature.sign import sign, signing_key
from exchange.ports import Desk, Inbound, Leased
from exchange.ports.files import FileDrop
from exchange.schemas.call import XML
from exchange.schemas.directory import Partner
from exchange.schemas.violation import Violation


async def take(name: str, body: bytes, partner: Partner, desk: Desk) -> bytes:
    """Take a delivery in; what became of it."""
    outcome = await desk.accept(await with_target(Inbound(partner, body, XML, FILE_ENDPOINT), desk))
    document = answer.status_response(
        outcome.envelope, answer.detail_of(outcome), outcome.envelope.received_at
    )
    return sign(document, signing_key())


def refuse(told: Violation, at: int) -> bytes:
    """What is said of a file that is not read."""
    return sign(answer.refused_file(at, details(told)), signing_key())


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
)

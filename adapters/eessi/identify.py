"""Who an EESSI message is from and for, under which ids, and to which partners it goes; no verdict
on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from exchange.adapters.eessi.identification import DETAIL as IDENTIFICATION
from exchange.adapters.eessi.parse import header_in, message_in
from exchange.errors import Unroutable
from exchange.ports import Destination, Identity, Parsed, Permitted, Verdict
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.directory import Directory, Partner
from exchange.schemas.violation import Finding, has_errors


def identify(parsed: Parsed) -> Identity:
    """The sender's id is DocumentIdentification/InstanceIdentifier, the conversation the case id,
    the process its business use case (BUC), the receivers EESSI ids.

    Delivery is ordered, so that a receiver gets the documents of its cases in the order that they
    were accepted in.
    """
    read = header_in(parsed)
    receivers = tuple(
        dict.fromkeys(contact.institution for contact in read.receivers if contact.institution)
    )
    begins = read.action == "Start"
    return Identity(
        read.message_id,
        read.case_id,
        1,
        receivers,
        ordered=True,
        process=read.process,
        begins=begins,
    )


@cache
def _types() -> tuple[str, ...]:
    return tuple(each.name for each in Catalogue.load() if each.folder.name == "eessi")


def permitted(partner: Partner) -> Permitted:
    """Every document to and from an institution in EESSI; who may send which in a case, the process
    says.
    """
    return Permitted(_types(), _types()) if partner.eessi_id else Permitted()


def verdict(parsed: Parsed, identity: Identity, findings: Sequence[Finding]) -> Verdict:
    """All or nothing; what receipts, case views and statistics need of the header is kept as the
    message's detail.
    """
    if has_errors(list(findings)):
        return Verdict(False, 0, 1)
    read, identified = header_in(parsed), message_in(parsed).identification
    created = read.elements.get("CreationDateAndTime")
    detail: dict[str, Any] = {
        "process": read.process,
        "sed": read.sed,
        "action": read.action,
        "set": read.set_id,
        "version": read.version,
        "sender": read.sender.institution,
        "receivers": list(identity.receivers),
    }
    if created is not None:
        detail["created"] = created.text or ""
    if identified is not None:
        detail[IDENTIFICATION] = identified
    return Verdict(True, detail=detail)


def route(
    parsed: Parsed, identity: Identity, verdict: Verdict, directory: Directory
) -> Sequence[Destination]:
    """One delivery for each receiving institution.

    Raises:
        Unroutable: `receiver-unknown` when an institution is not in the directory, or none is
        named.
    """
    destinations = []
    for institution in identity.receivers:
        partner = directory.by_eessi_id(institution)
        if partner is None:
            raise Unroutable(
                "receiver-unknown", f"No institution {institution} is in the directory."
            )
        destinations.append(Destination(partner.id))
    if not destinations:
        raise Unroutable("receiver-unknown", "The message names no receiver.")
    return destinations


def pushes_only_to(partner: Partner) -> bool:
    """Institutions have an inbox that is pushed to; there is no mailbox for them."""
    return bool(partner.eessi_id)

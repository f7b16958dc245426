"""The rules of administrative SEDs: whom they add, remove or replace, and which document
they are about.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exchange.adapters.eessi.case import Case, Document
from exchange.adapters.eessi.header import Header, text_of
from exchange.adapters.eessi.parse import VALUE_INCONSISTENT
from exchange.adapters.eessi.rules.findings import listed
from exchange.schemas.eessi.processes import load
from exchange.schemas.violation import Finding


def institution_in(sed: str, document: Any) -> str:
    """The institution that an administrative SED adds, removes or names as successor; empty for
    every other SED.
    """
    effect = load().effects.get(sed)
    return text_of(document.find(effect.institution)) if effect and effect.institution else ""


def administrative(header: Header, document: Any, case: Case) -> Iterator[Finding]:
    effect = load().effects.get(header.sed)
    if effect is not None and effect.institution:
        element = document.find(effect.institution)
        name, sender = text_of(element), header.sender.institution
        receivers = [contact.institution for contact in header.receivers]
        if effect.effect == "remove":
            others = [
                known for known, role in case.roles.items() if role == "CP" and known != sender
            ]
            wrong, expected = name not in others, listed(others)
        else:
            wrong = name in case.roles or name not in receivers
            expected = "a receiver that takes no part in the case yet"
        if wrong:
            message = f"{header.sed} names an institution that it can't be about."
            yield Finding(
                rule="eessi.process.participant",
                message=message,
                at=element,
                expected=expected,
                found=name,
                code=VALUE_INCONSISTENT,
            )
        replaced = (
            document.find("ParticipantReplaced/institutionID")
            if effect.effect == "replace"
            else None
        )
        if replaced is not None and text_of(replaced) != sender:
            message = "An institution announces its own replacement only."
            yield Finding(
                rule="eessi.process.participant",
                message=message,
                at=replaced,
                expected=sender,
                found=text_of(replaced),
                code=VALUE_INCONSISTENT,
            )
    about = case.document(header.related_set_id)
    for element in document.iterfind("./*[setId]"):
        yield from _reference(element, header, about)


def _reference(element: Any, header: Header, about: Document | None) -> Iterator[Finding]:
    """An administrative SED about a document names it as its header does."""
    set_id, sed = element.find("setId"), element.find("sedType")
    wanted = ((set_id, header.related_set_id), (sed, about.type if about else ""))
    for part, expected in wanted:
        if part is not None and expected and text_of(part) != expected:
            message = (
                "The document that the SED is about is not the one that the header relates it to."
            )
            yield Finding(
                rule="eessi.process.reference",
                message=message,
                at=part,
                expected=expected,
                found=text_of(part),
                code=VALUE_INCONSISTENT,
            )

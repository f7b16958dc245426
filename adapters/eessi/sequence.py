"""A case as a sequence of documents with what each participant may send now; pure, and the same
process rules as those by which messages are judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from exchange.adapters.eessi.case import Case, Document, from_data, options
from exchange.adapters.eessi.header import CASE_ROLES
from exchange.adapters.eessi.rules import key_of
from exchange.ports.cases import CaseDocument, Cases, NextDocument, Participant, ShownCase
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.directory import Directory
from exchange.schemas.eessi.processes import Process, load


def shown(data: Any, now: int, directory: Directory) -> ShownCase:
    """The case behind what is remembered of it, at a time in milliseconds."""
    case = from_data(data)
    process = load().get(case.process, case.version)
    numbers = {document.set_id: number for number, document in enumerate(case.documents, 1)}
    return ShownCase(
        id=case.id,
        process=f"{case.process}:{case.version}",
        title=process.title if process else {},
        status=case.status,
        opened_at=case.opened_at,
        updated_at=case.updated_at,
        documents=[_document(each, numbers) for each in case.documents],
        participants=[
            Participant(
                id=institution,
                name=_name(institution, directory),
                role=CASE_ROLES[role],
                next=[*_next(case, process, institution, numbers, now)] if process else [],
            )
            for institution, role in case.roles.items()
        ],
    )


def _document(document: Document, numbers: Mapping[str, int]) -> CaseDocument:
    return CaseDocument(
        number=numbers[document.set_id],
        type=document.type,
        title=title_of(document.type),
        sender=document.sender,
        receivers=document.receivers,
        about=numbers.get(document.parent, 0),
        sent_at=document.sent_at,
        status=document.status,
        messages=document.messages,
    )


def _next(
    case: Case, process: Process, institution: str, numbers: Mapping[str, int], now: int
) -> Iterator[NextDocument]:
    for option in options(case, process, load(), institution):
        yield NextDocument(
            type=option.sed,
            title=title_of(option.sed),
            about=numbers.get(option.parent, 0),
            not_before=option.ready_at if option.ready_at > now else 0,
        )
    for document in case.documents if case.status == "open" else ():
        if (
            document.type in process.updatable
            and document.status == "sent"
            and case.sent(document, institution)
        ):
            yield NextDocument(
                type=document.type,
                title=title_of(document.type),
                about=numbers[document.set_id],
                is_update=True,
            )


def title_of(sed: str) -> Mapping[str, str]:
    """The SED's title in each language, its code before it."""
    message_type = Catalogue.load().get(f"eessi.{sed.lower()}")
    return message_type.titles if message_type else dict.fromkeys(("fi", "sv", "en"), sed)


def _name(institution: str, directory: Directory) -> str:
    partner = directory.by_eessi_id(institution)
    return partner.name if partner else institution


CASES = Cases(key=key_of, shown=shown)

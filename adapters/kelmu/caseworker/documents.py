"""A client's documents as a worker sends them to Kela in a browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from exchange.adapters.kelmu.caseworker.form import (
    HANDLE,
    PERSON,
    SEND,
    YES,
    field_of,
    files,
    one,
    receipt,
    titles,
)
from exchange.adapters.kelmu.rights import provides_social_services
from exchange.ports.caseworkers import Choice, Field, Said, Task, Title
from exchange.schemas.directory import Partner

_KINDS: Mapping[str, Title] = {
    "rental-agreement": titles("Vuokrasopimus", "Hyresavtal", "Rental agreement"),
    "bank-statement": titles("Tiliote", "Kontoutdrag", "Bank statement"),
    "invoice": titles("Lasku", "Faktura", "Invoice"),
    "income-statement": titles("Tuloselvitys", "Inkomstutredning", "Income statement"),
    "decision": titles("Päätös", "Beslut", "Decision"),
    "other": titles("Muu asiakirja", "Annat dokument", "Another document"),
}


def _fields(partner: Partner, _: int, __: Said) -> Sequence[Field]:
    if not provides_social_services(partner):
        return ()
    return (
        PERSON,
        Field(
            name="document_kind",
            title=titles("Asiakirja", "Dokument", "Document"),
            kind="one",
            choices=[Choice(name, title) for name, title in _KINDS.items()],
        ),
        Field(
            name="requested_by_client",
            title=titles("Asiakas on pyytänyt", "Klienten har begärt", "The client asked for it"),
            kind="some",
            choices=(Choice("yes", YES),),
        ),
        Field(
            name="text",
            title=titles("Saate", "Följetext", "Covering note"),
            kind="long",
        ),
        files(),
    )


def _document(said: Said, worker: str) -> dict[str, Any]:
    text = one(said, "text")
    return {
        "person": one(said, "person"),
        "matter": "basic-social-assistance",
        "document_kind": one(said, "document_kind"),
        "requested_by_client": bool(said.get("requested_by_client")),
        "user": worker,
        **({"text": text} if text else {}),
    }


DOCUMENT = Task(
    name="document",
    title=titles("Lähetä asiakirjoja", "Skicka dokument", "Send documents"),
    mandate=HANDLE.value,
    endpoint="POST /kelmu/v1/ui/documents",
    button=SEND,
    fields=_fields,
    document=_document,
    told=receipt,
    field_of=field_of,
    is_change=True,
)

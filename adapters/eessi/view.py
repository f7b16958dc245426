"""Cases and messages as their participants see them, in RINA's JSON names; pure: no desk and no
endpoint.

Names from public RINA case files. A case holds no data about the person here: the access point
keeps none (modelled).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from exchange.adapters.eessi.answer import date
from exchange.adapters.eessi.case import Case, Document, options
from exchange.adapters.eessi.header import CASE_ROLES
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.directory import Directory
from exchange.schemas.eessi.processes import Process, load
from exchange.schemas.envelope import Envelope


def organisation(institution: str, directory: Directory) -> dict[str, Any]:
    """An institution: id, country, name."""
    partner = directory.by_eessi_id(institution)
    name = partner.name if partner else institution
    return {
        "id": institution,
        "countryCode": institution.partition(":")[0],
        "name": name,
        "acronym": institution,
    }


def display_name(sed: str) -> str:
    """The SED's name in English without its code."""
    message_type = Catalogue.load().get(f"eessi.{sed.lower()}")
    return message_type.titles["en"].removeprefix(f"{sed} ") if message_type else sed


def case_of(case: Case, institution: str, now: int, directory: Directory) -> dict[str, Any]:
    """The copy of the case that a participant has, with the actions that it may take now."""
    process = load().get(case.process, case.version)
    owner = next((name for name, role in case.roles.items() if role == "PO"), institution)
    seen = [
        document
        for document in case.documents
        if case.sent(document, institution) or case.received(document, institution)
    ]
    return {
        "id": case.id,
        "startDate": date(case.opened_at),
        "lastUpdate": date(case.updated_at),
        "status": case.status,
        "creator": {"organisation": organisation(owner, directory)},
        "processDefinitionName": case.process,
        "processDefinitionVersion": f"v{case.version}",
        "applicationRoleId": case.roles[institution],
        "businessId": case.id,
        "internationalId": case.id,
        "sensitive": False,
        "participants": [
            {"role": CASE_ROLES[role], "organisation": organisation(name, directory)}
            for name, role in case.roles.items()
        ],
        "documents": [_document(case, process, document, institution) for document in seen],
        "actions": _actions(case, process, institution, now) if process else [],
    }


def _document(
    case: Case, process: Process | None, document: Document, institution: str
) -> dict[str, Any]:
    outgoing = case.sent(document, institution)
    flags = {
        "hasMultipleVersions": "updatable",
        "hasCancel": "cancellable",
        "hasReject": "rejectable",
        "hasClarify": "clarifiable",
    }
    return {
        "id": document.set_id,
        "type": document.type,
        "typeVersion": case.version,
        "displayName": display_name(document.type),
        "direction": "OUT" if outgoing else "IN",
        "status": ("sent" if outgoing else "received")
        if document.status == "sent"
        else "cancelled",
        "parentDocumentId": document.parent or None,
        "creationDate": date(document.sent_at),
        "versions": [
            {"id": str(number), "messageId": message}
            for number, message in enumerate(document.messages, 1)
        ],
        **{
            name: bool(process and process.has_flag(document.type, flag))
            for name, flag in flags.items()
        },
    }


def _actions(case: Case, process: Process, institution: str, now: int) -> list[dict[str, Any]]:
    actions = []
    for option in options(case, process, load(), institution):
        action = {
            "name": "Create",
            "displayName": display_name(option.sed),
            "documentType": option.sed,
            "typeVersion": case.version,
            "parentDocumentId": option.parent or None,
            "caseId": case.id,
            "operation": "Create",
            "status": "ACTIVE" if option.ready_at <= now else "SUSPENDED",
        }
        actions.append(
            {**action, "notBefore": date(option.ready_at)} if option.ready_at > now else action
        )
    for document in case.documents if case.status == "open" else ():
        if (
            document.type in process.updatable
            and document.status == "sent"
            and case.sent(document, institution)
        ):
            actions.append(
                {
                    "name": "Update",
                    "displayName": display_name(document.type),
                    "documentType": document.type,
                    "typeVersion": case.version,
                    "documentId": document.set_id,
                    "caseId": case.id,
                    "operation": "Update",
                    "status": "ACTIVE",
                }
            )
    return actions


def conversation(
    envelope: Envelope, deliveries: Sequence[dict[str, Any]], directory: Directory
) -> dict[str, Any]:
    """A message with one user message for each receiver: `isSent`, `status` null, SENT or
    DELIVERED, `ack` or `error`.
    """
    sender = envelope.detail.get("sender", "")
    receivers = {_institution(delivery, directory): delivery for delivery in deliveries}
    participants = [{"role": "Sender", "organisation": organisation(sender, directory)}]
    participants += [
        {"role": "Receiver", "organisation": organisation(receiver, directory)}
        for receiver in receivers
    ]
    return {
        "id": envelope.public_id,
        "versionId": str(envelope.detail.get("version", 1)),
        "caseId": envelope.conversation,
        "participants": participants,
        "userMessages": [
            _user_message(envelope, sender, receiver, delivery, directory)
            for receiver, delivery in receivers.items()
        ],
    }


def _institution(delivery: dict[str, Any], directory: Directory) -> str:
    partner = directory.get(str(delivery["receiver"]))
    return partner.eessi_id if partner else str(delivery["receiver"])


def _user_message(
    envelope: Envelope, sender: str, receiver: str, delivery: dict[str, Any], directory: Directory
) -> dict[str, Any]:
    state, tried = delivery.get("state"), bool(delivery.get("attempts"))
    ended_at = int(delivery.get("ended_at") or 0)
    message: dict[str, Any] = {
        "id": envelope.sender_message_id,
        "sender": organisation(sender, directory),
        "receiver": organisation(receiver, directory),
        "action": envelope.detail.get("action"),
        "isSent": tried or state == "delivered",
        "status": {"delivered": "DELIVERED", "dead": "SENT"}.get(
            str(state), "SENT" if tried else None
        ),
        "ack": None,
        "error": None,
    }
    if state == "delivered":
        message["ack"] = {
            "id": envelope.public_id,
            "date": date(ended_at),
            "sender": sender,
            "receiver": receiver,
        }
    elif tried or state == "dead":
        code = "EBMS:0202" if state == "dead" else "EBMS:0301"
        message["error"] = {
            "id": code,
            "date": date(ended_at) if ended_at else None,
            "description": str(delivery.get("reason") or ""),
        }
    return message

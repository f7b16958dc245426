"""An EESSI case as the exchange remembers it: participants, documents, what each may send now and
what a message does to it; no verdicts.

A case is kept as JSON data under the key `case:<id>`. RINA keeps one copy of a case per
participant; the access point keeps this one, from which each participant's copy can be told
(modelled).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from exchange.adapters.eessi.header import Header
from exchange.schemas.eessi.processes import About, Process, Processes, Role

DAY_MILLISECONDS = 86_400_000
ID_CHARACTERS = 32
#: Documents and their versions that one case may hold.
MESSAGES_MAX = 1_000


@dataclass(slots=True)
class Document:
    """A document of a case with its set id. `messages` are the ids of its versions as sent;
    `status` is that of RINA.
    """

    set_id: str
    type: str
    version: int
    sender: str
    receivers: list[str]
    parent: str
    sent_at: int
    messages: list[str]
    status: str = "sent"


@dataclass(slots=True)
class Case:
    """A case. `roles` are those of the participants now; `heirs` names who took over from an
    institution that left.
    """

    id: str
    process: str
    version: str
    opened_at: int
    updated_at: int
    status: str = "open"
    roles: dict[str, Role] = field(default_factory=dict)
    heirs: dict[str, str] = field(default_factory=dict)
    documents: list[Document] = field(default_factory=list)

    def as_data(self) -> dict[str, Any]:
        """The case as JSON data; shallow, so only to be written at once."""
        documents = [
            {name: getattr(document, name) for name in Document.__slots__}
            for document in self.documents
        ]
        return {**{name: getattr(self, name) for name in Case.__slots__}, "documents": documents}

    def holder(self, institution: str) -> str:
        """Who stands for that institution now: itself, or whoever took over from it."""
        for _ in range(len(self.heirs) + 1):
            if institution in self.roles or institution not in self.heirs:
                break
            institution = self.heirs[institution]
        return institution

    def sent(self, document: Document, institution: str) -> bool:
        """Whether the document is the institution's own."""
        return self.holder(document.sender) == institution

    def received(self, document: Document, institution: str) -> bool:
        """Whether the institution got the document."""
        return any(self.holder(receiver) == institution for receiver in document.receivers)

    def document(self, set_id: str) -> Document | None:
        """The document with that set id."""
        return next((document for document in self.documents if document.set_id == set_id), None)

    def has_message(self, message_id: str, sender: str) -> bool:
        """Whether that sender's message is in the case already."""
        return any(
            message_id in document.messages
            and sender in (document.sender, self.holder(document.sender))
            for document in self.documents
        )

    @property
    def messages(self) -> int:
        """Versions of documents sent so far."""
        return sum(len(document.messages) for document in self.documents)


@dataclass(frozen=True, slots=True)
class Option:
    """A SED that may be sent: `parent` is the set id that it must relate to (empty: none),
    `ready_at` when, in milliseconds.
    """

    sed: str
    parent: str = ""
    ready_at: int = 0


def from_data(data: dict[str, Any]) -> Case:
    """The case behind JSON data that `as_data` gave; changing it leaves the data as they are."""
    documents = [
        Document(
            **{
                **document,
                "receivers": list(document["receivers"]),
                "messages": list(document["messages"]),
            }
        )
        for document in data["documents"]
    ]
    return Case(
        **{
            **data,
            "roles": dict(data["roles"]),
            "heirs": dict(data["heirs"]),
            "documents": documents,
        }
    )


def options(
    case: Case, process: Process, processes: Processes, institution: str, only: str = ""
) -> list[Option]:
    """What the institution may send next, in the order of the process; those with a delay may lie
    in the future.

    `only` asks after one SED: on the way of a message no other matters, unless it can't be sent.
    """
    role = case.roles.get(institution)
    if role is None:
        return []
    steps = [
        step
        for step in process.step
        if step.role == role and (not only or only in step.create or only in step.reply)
    ]
    abouts = [about for about in processes.about if not only or about.sed == only]
    found: dict[Option, None] = {}
    for document in case.documents:
        if document.status != "sent":
            continue
        on = (
            "send"
            if case.sent(document, institution)
            else "receive"
            if case.received(document, institution)
            else ""
        )
        for step in steps:
            if step.on == on and step.after == document.type:
                ready_at = (
                    document.sent_at + step.delay_days * DAY_MILLISECONDS if step.delay_days else 0
                )
                found.update((Option(sed, "", ready_at), None) for sed in step.create)
                found.update((Option(sed, document.set_id, ready_at), None) for sed in step.reply)
        for about in abouts:
            if _may_be_about(about, on, document, process):
                found[Option(about.sed, document.set_id)] = None
    found.update(
        (Option(effect.sed), None) for effect in processes.effects.values() if effect.anybody
    )
    return [
        option
        for option in found
        if option.sed == (only or option.sed) and _fits_status(option.sed, case, processes)
    ]


def _may_be_about(about: About, on: str, document: Document, process: Process) -> bool:
    if about.by != {"send": "sender", "receive": "receiver"}.get(on):
        return False
    if about.documents:
        return document.type in about.documents
    return document.type != about.sed and process.has_flag(document.type, about.flag)


def _fits_status(sed: str, case: Case, processes: Processes) -> bool:
    effect = processes.effects.get(sed)
    about = next((about for about in processes.about if about.sed == sed), None)
    if case.status == "open":
        return effect.when_open if effect else True
    return bool((effect and effect.when_closed) or (about and about.when_closed))


def opened(header: Header, now: int) -> Case:
    """The case that a message with action Start opens."""
    roles: dict[str, Role] = {contact.institution: "CP" for contact in header.receivers}
    roles[header.sender.institution] = "PO"
    case = Case(
        id=header.case_id,
        process=header.process,
        version=header.process_version,
        opened_at=now,
        updated_at=now,
        roles=roles,
    )
    case.documents.append(_document(header, now))
    return case


def _document(header: Header, now: int) -> Document:
    receivers = [contact.institution for contact in header.receivers]
    return Document(
        set_id=header.set_id,
        type=header.sed,
        version=header.version,
        sender=header.sender.institution,
        receivers=receivers,
        parent=header.related_set_id,
        sent_at=now,
        messages=[header.message_id],
    )


def apply(case: Case, header: Header, processes: Processes, institution: str, now: int) -> None:
    """Change the case as an accepted message (New or Update) does; `institution` is the one that
    the SED names, if any.
    """
    case.updated_at = now
    document = case.document(header.set_id)
    if header.action == "Update" and document is not None:
        document.version = header.version
        document.messages.append(header.message_id)
        return
    case.documents.append(_document(header, now))
    sender, effect = header.sender.institution, processes.effect_of(header.sed)
    if effect == "close":
        case.status = "closed"
    elif effect == "reopen":
        case.status = "open"
    elif effect in ("cancel", "reject") and (about := case.document(header.related_set_id)):
        about.status = "cancelled" if effect == "cancel" else "rejected"
    elif effect == "add" and institution:
        case.roles[institution] = "CP"
        case.heirs.pop(institution, None)
        opening = case.documents[0]
        if institution not in opening.receivers:
            opening.receivers.append(institution)
    elif effect == "remove":
        case.roles.pop(institution, None)
    elif effect in ("forward", "replace") and institution:
        case.roles[institution] = case.roles.pop(sender)
        case.heirs.pop(institution, None)
        case.heirs[sender] = institution

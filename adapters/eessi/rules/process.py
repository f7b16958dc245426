"""The process rules of EESSI cases: whether this institution may send this SED at this point;
nothing about the header itself.

Every finding says what would be allowed now. Source of the rules: the process tables in
`schemas/eessi/processes.toml`.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from typing import Any

from exchange.adapters.eessi.case import MESSAGES_MAX, Case, Option, options
from exchange.adapters.eessi.header import CASE_ROLES, CONTACT_TYPES, Header
from exchange.adapters.eessi.parse import VALUE_INCONSISTENT
from exchange.adapters.eessi.rules.administrative import administrative, institution_in
from exchange.adapters.eessi.rules.findings import finding, listed, sets_listed
from exchange.schemas.eessi.processes import Process, Role, Step, load
from exchange.schemas.violation import Finding


def findings(
    header: Header, document: Any, case: Case | None, now: int, only_checked: bool = False
) -> Iterator[Finding]:
    """What the process says against a message with a sound header. `case` is None when the case is
    not known.

    Of a message that is `only_checked`, not sent, nobody expects that its case is there: that is
    then no error.
    """
    process = load().get(header.process, header.process_version)
    if process is None:
        return
    if header.attachments and header.sed not in process.attachable:
        yield finding(
            "attachment",
            "Documents of this type carry no attachments.",
            header,
            "Type",
            listed(process.attachable),
        )
    if header.action == "Start":
        yield from _start(header, process, case)
    elif case is None:
        yield from _without_case(header, process, only_checked)
    else:
        yield from _in_case(header, document, process, case, now)


def _start(header: Header, process: Process, case: Case | None) -> Iterator[Finding]:
    if case is not None:
        yield finding(
            "case-exists",
            "The case exists already: only its first message starts it.",
            header,
            "CaseAction",
            "New or Update",
        )
    if header.sed != process.opens:
        message = f"{header.sed} does not open {process.name}."
        yield finding("opening-sed", message, header, "Type", process.opens)
    if header.version != 1:
        yield finding(
            "version", "The first version of a document is 1.", header, "DocumentVersion", "1"
        )
    if process.participants == "bilateral" and len(header.receivers) > 1:
        message = f"{process.name} is between two institutions."
        contact = header.receivers[1]
        yield Finding(
            rule="eessi.process.bilateral",
            message=message,
            at=contact.institution_element,
            expected="one receiver",
            found=contact.institution,
            code=VALUE_INCONSISTENT,
        )
    roles: dict[str, Role] = {contact.institution: "CP" for contact in header.receivers}
    yield from _contact_types(header, {**roles, header.sender.institution: "PO"})


def _without_case(header: Header, process: Process, only_checked: bool) -> Iterator[Finding]:
    """What can be told without the case: whether the SED has a place in the process at all."""
    role: Role = "PO" if header.sender.contact_type == CONTACT_TYPES["PO"] else "CP"
    ever = load().ever(process, role)
    if header.sed not in ever:
        message = f"{header.sed} is never sent by the {CASE_ROLES[role]} in {process.name}."
        yield finding("not-in-process", message, header, "Type", listed(ever))
    expected = f"CaseAction Start with {process.opens}, or the id of an open case"
    unknown = finding(
        "case-unknown",
        "No such case is known to the access point.",
        header,
        "CaseId",
        expected,
        header.case_id,
    )
    if only_checked:
        unknown.severity = "warning"
        unknown.message = "Whether the case allows it now is seen only when the message is sent."
    yield unknown


def _contact_types(header: Header, roles: dict[str, Role]) -> Iterator[Finding]:
    # A receiver that is the sender is told as such by the header's rules.
    receivers = [
        contact for contact in header.receivers if contact.institution != header.sender.institution
    ]
    for contact in (header.sender, *receivers):
        role = roles.get(contact.institution)
        if role and contact.contact_type and contact.contact_type != CONTACT_TYPES[role]:
            yield Finding(
                rule="eessi.process.contact-type",
                message=f"{contact.institution} is {CASE_ROLES[role]} in this case.",
                at=contact.contact_type_element,
                expected=CONTACT_TYPES[role],
                found=contact.contact_type,
                code=VALUE_INCONSISTENT,
            )


def _in_case(
    header: Header, document: Any, process: Process, case: Case, now: int
) -> Iterator[Finding]:
    sender = header.sender.institution
    if sender not in case.roles:
        at = header.sender.institution_element
        yield Finding(
            "eessi.process.not-participant",
            "The sender takes no part in the case.",
            at,
            found=sender,
            code=VALUE_INCONSISTENT,
        )
        return
    other_process = (header.process, header.process_version) != (case.process, case.version)
    if other_process:
        message = "The case follows another business use case."
        yield finding(
            "case-process", message, header, "BusinessServiceName", f"{case.process}:{case.version}"
        )
    if case.messages >= MESSAGES_MAX:
        yield finding(
            "case-full",
            f"A case holds at most {MESSAGES_MAX} messages.",
            header,
            "CaseId",
            "another case",
        )
    yield from _contact_types(header, case.roles)
    yield from _receivers(header, document, case)
    if other_process:
        return
    if header.action == "Update":
        yield from _update(header, process, case, now)
    else:
        yield from _new(header, document, process, case, now)


def _receivers(header: Header, document: Any, case: Case) -> Iterator[Finding]:
    effect = load().effect_of(header.sed)
    newcomer = (
        institution_in(header.sed, document) if effect in ("add", "forward", "replace") else ""
    )
    for contact in header.receivers:
        if contact.institution not in (*case.roles, newcomer, header.sender.institution):
            yield Finding(
                rule="eessi.process.receiver-not-participant",
                message="The receiver takes no part in the case.",
                at=contact.institution_element,
                expected=listed([name for name in case.roles if name != header.sender.institution]),
                found=contact.institution,
                code=VALUE_INCONSISTENT,
            )


def _update(header: Header, process: Process, case: Case, now: int) -> Iterator[Finding]:
    document = case.document(header.set_id)
    if document is None:
        own = [known for known in case.documents if case.sent(known, header.sender.institution)]
        yield finding(
            "set-unknown",
            "An update repeats the set id of a document of the case.",
            header,
            "SetId",
            sets_listed(own),
        )
        return
    if not case.sent(document, header.sender.institution):
        yield finding(
            "set-owner",
            "Only its sender may update a document.",
            header,
            "SetId",
            document.sender,
            header.sender.institution,
        )
    if document.type != header.sed:
        yield finding(
            "set-type",
            "The set id is that of a document of another type.",
            header,
            "Type",
            document.type,
        )
    elif document.type not in process.updatable:
        yield finding(
            "not-updatable",
            "Documents of this type are not updated.",
            header,
            "Type",
            listed(process.updatable),
        )
    if document.status != "sent":
        yield finding(
            "set-ended",
            f"The document is {document.status}.",
            header,
            "SetId",
            "a document that stands",
            header.set_id,
        )
    if header.version <= document.version:
        message = "An update has a higher version than the one before."
        yield finding(
            "version", message, header, "DocumentVersion", f"more than {document.version}"
        )
    if case.status == "closed":
        yield finding(
            "closed",
            "The case is closed.",
            header,
            "CaseAction",
            listed(_now(header, process, case, now)),
        )


def _now(header: Header, process: Process, case: Case, now: int) -> list[str]:
    found = options(case, process, load(), header.sender.institution)
    return [option.sed for option in found if option.ready_at <= now]


def _new(
    header: Header, document: Any, process: Process, case: Case, now: int
) -> Iterator[Finding]:
    if header.version != 1:
        yield finding(
            "version", "The first version of a document is 1.", header, "DocumentVersion", "1"
        )
    if case.document(header.set_id) is not None:
        yield finding(
            "set-reused",
            "The set id is that of an earlier document: send an Update of it.",
            header,
            "SetId",
            "a new set id",
        )
    fitting = options(case, process, load(), header.sender.institution, header.sed)
    ready = [option for option in fitting if option.ready_at <= now]
    if not fitting:
        role = CASE_ROLES[case.roles[header.sender.institution]]
        allowed = listed(_now(header, process, case, now))
        rule, state = (
            ("closed", "The case is closed: ") if case.status == "closed" else ("not-allowed", "")
        )
        message = f"{state}{header.sed} can't be sent now by {header.sender.institution} as {role}."
        why = _why(header.sed, process, case.roles[header.sender.institution])
        yield finding(rule, f"{message} {why}".rstrip(), header, "Type", allowed)
    elif not ready:
        day = _day(min(option.ready_at for option in fitting))
        yield finding(
            "too-early",
            f"{header.sed} can't be sent yet.",
            header,
            "Type",
            f"not before {day}",
            header.sed,
        )
    else:
        yield from _parent(header, ready, case)
    yield from administrative(header, document, case)


def _why(sed: str, process: Process, role: Role) -> str:
    """When an institution in that role could send the SED, or that it never can; empty when the
    process does not tell.
    """
    if sed == process.opens:
        return "It opens a case, with CaseAction Start."
    after = [
        (step.after, "received" if step.on == "receive" else "sent")
        for step in process.step
        if _lets(step, sed, role)
    ]
    if after:
        return f"It may be sent after {' or '.join(f'a {name} is {done}' for name, done in after)}."
    other: Role = "CP" if role == "PO" else "PO"
    if sed in load().ever(process, role):
        return ""
    if sed in load().ever(process, other):
        return f"Only the {CASE_ROLES[other]} sends it."
    return f"It has no place in {process.name}."


def _lets(step: Step, sed: str, role: Role) -> bool:
    return step.role == role and sed in (*step.create, *step.reply)


def _day(milliseconds: int) -> str:
    return (
        datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)
        .isoformat(timespec="seconds")
        .replace("+00:00", "Z")
    )


def _parent(header: Header, ready: Sequence[Option], case: Case) -> Iterator[Finding]:
    """A reply relates to the document that it answers; any other document relates to none or to one
    of the case.
    """
    related = header.related_set_id
    parents = [
        document for option in ready if option.parent and (document := case.document(option.parent))
    ]
    about = case.document(related)
    if any(not option.parent for option in ready):
        if related and about is None:
            message = "The related set id is that of no document of the case."
            yield finding(
                "parent-unknown", message, header, "RelatedSetId", sets_listed(case.documents)
            )
    elif not related:
        message = f"{header.sed} answers a document: name its set id as RelatedSetId."
        yield finding(
            "parent-missing", message, header, "SetId", sets_listed(parents), "no RelatedSetId"
        )
    elif about not in parents:
        message = (
            f"{header.sed} can't answer this {about.type}."
            if about
            else "The case has no document with the related set id."
        )
        yield finding("parent", message, header, "RelatedSetId", sets_listed(parents))

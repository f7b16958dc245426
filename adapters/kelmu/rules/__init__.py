"""What Kelmu's schemas can't say, by kind of message: rights, dates, repetitions, files, and which
request or notice a message belongs to.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exchange.adapters.kelmu.identify import (
    ASKED,
    BULK,
    DOCUMENT,
    LIST,
    NOTICE,
    QUERY,
    REGISTER,
    REMINDER,
    REQUEST,
    REQUEST_ANSWER,
    REQUESTER,
    TIMED,
    TRANSFER,
    WITHDRAWAL,
    WORK_LIST,
)
from exchange.adapters.kelmu.rights import RIGHTS, provides_social_services
from exchange.adapters.kelmu.rules import documents, notices, queries, requests
from exchange.adapters.kelmu.rules.form import form
from exchange.ports import Context, Identity, Parsed, Permitted
from exchange.schemas.directory import Partner
from exchange.schemas.violation import Finding

#: The endpoints; what came through none of them (a file that is checked) is not held against
#: earlier messages.
LISTENING = ("api", "ui", TIMED)


def rules(parsed: Parsed, identity: Identity, context: Context) -> list[Finding]:
    """Every finding about the message, whatever its shape; rights only of a sender that the
    directory has.
    """
    document = parsed.document
    if not isinstance(document, dict):
        return []
    findings = list(form(document))
    match parsed.message_type:
        case "kelmu.benefit-query-bulk":
            findings += queries.persons(document)
        case "kelmu.information-request-answer":
            findings += requests.given(document)
        case "kelmu.notice":
            findings += notices.decided_on(document)
        case "kelmu.list-query":
            findings += queries.period(document)
    # A file that is only checked has no sender that the directory knows: whose rights could be
    # judged?
    if context.directory.get(parsed.inbound.partner.id) is None:
        return findings
    findings += _of_sender(parsed, identity, context, document)
    if parsed.inbound.endpoint in LISTENING:
        findings += documents.files(parsed)
        findings += _of_earlier(parsed, identity, context)
    return findings


def _of_sender(
    parsed: Parsed, identity: Identity, context: Context, document: dict[str, Any]
) -> Iterator[Finding]:
    """What only some may send, and to some."""
    if parsed.message_type in ASKED:
        yield from queries.rights(parsed, document, context.now)
    elif parsed.message_type == REQUEST:
        yield from requests.request(parsed, identity, context)
    elif parsed.message_type == NOTICE:
        yield from notices.notice(parsed, identity, context)
    elif parsed.message_type == DOCUMENT:
        yield from documents.sender(parsed)
    elif parsed.message_type == WORK_LIST and not provides_social_services(parsed.inbound.partner):
        message = "only who provides social services has a work list"
        yield Finding("kelmu.rights.sender", message, ())


def _of_earlier(parsed: Parsed, identity: Identity, context: Context) -> Iterator[Finding]:
    """What is held against a request or a notice that came before."""
    if parsed.message_type == REQUEST_ANSWER:
        yield from requests.request_answer(parsed, identity, context)
    elif parsed.message_type == WITHDRAWAL:
        yield from requests.withdrawal(parsed, identity, context)
    elif parsed.message_type == REMINDER:
        yield from requests.reminder(identity, context)
    elif parsed.message_type == TRANSFER:
        yield from notices.transfer(parsed, identity, context)


def permitted(partner: Partner) -> Permitted:
    """Queries and lists by the partner's right; requests and notices go from Kela's benefit system
    to who provides social services, answers and documents back.
    """
    sends, right = [], RIGHTS.of(partner)
    if right is not None:
        sends += [QUERY, BULK] if right.bulk else [QUERY]
        sends += [LIST] * bool(right.lists)
    asked = provides_social_services(partner)
    sends += [REQUEST, WITHDRAWAL, NOTICE] * (partner.sector == "kela")
    sends += [REQUEST_ANSWER, DOCUMENT, TRANSFER, WORK_LIST] * asked
    receives = [QUERY, BULK, LIST] if REGISTER in partner.serves else []
    receives += [REQUEST, REMINDER, WITHDRAWAL, NOTICE] * asked
    receives += [REQUEST_ANSWER, DOCUMENT, TRANSFER] * (partner.id == REQUESTER)
    return Permitted(tuple(sends), tuple(receives))

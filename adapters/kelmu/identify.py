"""Who a Kelmu message says it is and where it goes; no rules, and nothing that is remembered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from exchange.adapters.kelmu.parse import GIVEN_ID, MESSAGE_ID
from exchange.adapters.kelmu.rights import persons_of, provides_social_services
from exchange.errors import Unroutable
from exchange.ports import Destination, Identity, Parsed, Verdict
from exchange.schemas.directory import Directory, Partner
from exchange.schemas.kelmu.codes import NOTICE_KINDS
from exchange.schemas.violation import Finding, has_errors

QUERY = "kelmu.benefit-query"
BULK = "kelmu.benefit-query-bulk"
REQUEST = "kelmu.information-request"
REQUEST_ANSWER = "kelmu.information-request-answer"
WITHDRAWAL = "kelmu.information-request-withdrawal"
REMINDER = "kelmu.information-request-reminder"
DOCUMENT = "kelmu.document"
NOTICE = "kelmu.notice"
TRANSFER = "kelmu.notice-transfer"
LIST = "kelmu.list-query"
WORK_LIST = "kelmu.work-list-query"
#: What the benefit register answers in the same call.
QUERIES = frozenset({QUERY, BULK})
ASKED = QUERIES | {LIST}

#: The service that answers queries, and the Kela system that asks counties and gets their answers.
REGISTER = "benefit-register"
REQUESTER = "kela.benefits"
#: The endpoint of what the exchange itself sends in Kela's name when its time has come.
TIMED = "timed"
#: Under what the detail of an answer says that it came after its day.
LATE = "late"
LATE_RULE = "kelmu.information-request-answer.late"
_LOGGED = (
    *("user", "purpose", "legal_ground", "person", "persons", "county", "information_request"),
    *("authority", "notice", "notice_kind", "matter", "document_kind", "list", "period"),
    "work_list",
)


Kind = TypeVar("Kind", str, list[Any])


def part(document: Any, name: str, kind: type[Kind]) -> Kind:
    """A part of what may be any JSON, or an empty value of that kind."""
    value = document.get(name) if isinstance(document, dict) else None
    return value if isinstance(value, kind) else kind()


def identify(parsed: Parsed) -> Identity:
    """The message's id (the sender's, or the one that the endpoint gave it), its conversation (the
    id of the request or the notice that it is about), its number of persons and its receiver.
    """
    hints, document = parsed.inbound.hints, parsed.document
    hint = hints.get("id", "")
    message_id = hint if MESSAGE_ID.fullmatch(hint) or GIVEN_ID.fullmatch(hint) else ""
    match parsed.message_type:
        case "kelmu.benefit-query-bulk":
            return Identity(message_id, items=len(part(document, "persons", list)))
        case "kelmu.information-request":
            return Identity(message_id, message_id, receivers=_named(document, "county"))
        case "kelmu.notice" if parsed.inbound.endpoint == TIMED:
            receiver = hints.get("receiver", "")
            return Identity(message_id, hints.get("conversation", ""), receivers=(receiver,))
        case "kelmu.notice":
            return Identity(message_id, message_id, receivers=_named(document, "authority"))
        case "kelmu.notice-transfer":
            return Identity(message_id, part(document, "notice", str)[:64])
        case "kelmu.information-request-withdrawal" | "kelmu.information-request-reminder":
            conversation = part(document, "information_request", str)[:64]
            return Identity(message_id, conversation, receivers=_named(document, "county"))
        case "kelmu.information-request-answer":
            return Identity(message_id, part(document, "information_request", str)[:64])
    return Identity(message_id)


def _named(document: Any, name: str) -> tuple[str, ...]:
    """The partner that a document names, if it does."""
    partner = part(document, name, str)
    return (partner,) if partner else ()


def item_of(parsed: Parsed, at: Any) -> int | None:
    """Which person of a query about several."""
    match at:
        case ("persons", int(index), *_) if parsed.message_type == BULK:
            return index
    return None


def verdict(parsed: Parsed, identity: Identity, findings: Sequence[Finding]) -> Verdict:
    """All or nothing, but for invalid codes of a query about several persons. The log line of a
    message (who asked or sent, why, on what ground, about whom) is kept with it.
    """
    document = parsed.document
    if has_errors(list(findings)):
        return Verdict(False, 0, identity.items, refused_log(document))
    detail = {name: document[name] for name in _LOGGED if name in document}
    if any(finding.rule == LATE_RULE for finding in findings):
        detail[LATE] = True
    if parsed.message_type != BULK:
        return Verdict(True, identity.items, detail=detail)
    asked = detail["persons"] = persons_of(document)
    return Verdict(True, len(asked), identity.items - len(asked), detail)


def items_by_kind(parsed: Parsed, verdict: Verdict) -> dict[str, list[str]]:
    """Answers that came after their day are counted apart, one a request."""
    return {LATE: [verdict.detail["information_request"]]} if verdict.detail.get(LATE) else {}


def refused_log(document: Any) -> dict[str, Any]:
    """What a refused message said of who asked and why, as far as it said it, cut short."""
    names = ("user", "purpose", "legal_ground", "person")
    return {name: value[:100] for name in names if (value := part(document, name, str))}


def route(
    parsed: Parsed, identity: Identity, verdict: Verdict, directory: Directory
) -> Sequence[Destination]:
    """Queries to the benefit register; requests, reminders and withdrawals to their county; notices
    to their authority, once it is time; answers, documents and transfers to Kela.

    Raises:
        Unroutable: when nobody serves the register, or the receiver is not in the directory.
    """
    if parsed.message_type in ASKED or parsed.message_type == WORK_LIST:
        if register := directory.serving(REGISTER):
            return [Destination(register.id, "ask", verdict.items)]
        raise Unroutable("register-unknown", "nobody in the directory serves the benefit register")
    receiver = "".join(identity.receivers[:1]) or REQUESTER
    if directory.get(receiver) is None:
        raise Unroutable("receiver-unknown", "the receiver is not in the directory")
    if parsed.message_type == NOTICE and parsed.inbound.endpoint != TIMED:
        at_once = NOTICE_KINDS[parsed.document["notice_kind"]].time == "at-once"
        return [Destination(receiver)] if at_once else []
    return [Destination(receiver)]


def pushes_only_to(partner: Partner) -> bool:
    """Kelmu has no mailbox for those who are asked and those who get answers."""
    return (
        provides_social_services(partner) or partner.id == REQUESTER or REGISTER in partner.serves
    )

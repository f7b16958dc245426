"""Who a Kelmu message says it is, where it goes and what the channel remembers of it; no rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from exchange.adapters.kelmu.parse import GIVEN_ID, MESSAGE_ID
from exchange.errors import Unroutable
from exchange.ports import Context, Destination, Identity, Parsed, Remember, Verdict
from exchange.schemas.directory import Directory
from exchange.schemas.violation import Finding, has_errors

QUERY = "kelmu.benefit-query"
BULK = "kelmu.benefit-query-bulk"
REQUEST = "kelmu.information-request"
REQUEST_ANSWER = "kelmu.information-request-answer"
QUERIES = frozenset({QUERY, BULK})

#: The service that answers queries, and the Kela system that asks counties and gets their answers.
REGISTER = "benefit-register"
REQUESTER = "kela.benefits"


Kind = TypeVar("Kind", str, list[Any])


def part(document: Any, name: str, kind: type[Kind]) -> Kind:
    """A part of what may be any JSON, or an empty value of that kind."""
    value = document.get(name) if isinstance(document, dict) else None
    return value if isinstance(value, kind) else kind()


def identify(parsed: Parsed) -> Identity:
    """The message's id (the sender's, or the one that the endpoint gave it), its
    conversation and its number of persons.
    """
    hint = parsed.inbound.hints.get("id", "")
    message_id = hint if MESSAGE_ID.fullmatch(hint) or GIVEN_ID.fullmatch(hint) else ""
    match parsed.message_type:
        case "kelmu.benefit-query-bulk":
            return Identity(message_id, items=len(part(parsed.document, "persons", list)))
        case "kelmu.information-request":
            county = part(parsed.document, "county", str)
            return Identity(
                message_id, conversation=message_id, receivers=(county,) if county else ()
            )
        case "kelmu.information-request-answer":
            return Identity(
                message_id, conversation=part(parsed.document, "information_request", str)[:64]
            )
    return Identity(message_id)


def item_of(parsed: Parsed, at: Any) -> int | None:
    """Which person of a query about several."""
    match at:
        case ("persons", int(index), *_) if parsed.message_type == BULK:
            return index
    return None


def verdict(parsed: Parsed, identity: Identity, findings: Sequence[Finding]) -> Verdict:
    """All or nothing. The log line of a query (who asked, why, on what ground, about whom) is kept
    with the message.
    """
    if has_errors(list(findings)):
        return Verdict(False, 0, identity.items, refused_log(parsed.document))
    names = (
        "user",
        "purpose",
        "legal_ground",
        "person",
        "persons",
        "county",
        "information_request",
    )
    detail = {name: parsed.document[name] for name in names if name in parsed.document}
    return Verdict(True, identity.items, detail=detail)


def refused_log(document: Any) -> dict[str, Any]:
    """What a refused message said of who asked and why, as far as it said it, cut short."""
    names = ("user", "purpose", "legal_ground", "person")
    return {name: value[:100] for name in names if (value := part(document, name, str))}


def route(
    parsed: Parsed, identity: Identity, verdict: Verdict, directory: Directory
) -> Sequence[Destination]:
    """Queries to the benefit register, requests to their county, answers to Kela.

    Raises:
        Unroutable: when nobody serves the register, or the receiver is not in the directory.
    """
    if parsed.message_type in QUERIES:
        if register := directory.serving(REGISTER):
            return [Destination(register.id, "ask", identity.items)]
        raise Unroutable("register-unknown", "nobody in the directory serves the benefit register")
    receiver = (
        REQUESTER if parsed.message_type == REQUEST_ANSWER else "".join(identity.receivers[:1])
    )
    if directory.get(receiver) is None:
        raise Unroutable("receiver-unknown", "the receiver is not in the directory")
    return [Destination(receiver)]


def request_key(reference: str) -> str:
    """The key under which an information request is remembered."""
    return f"information-request:{reference}"


def recall(parsed: Parsed, identity: Identity) -> Sequence[str]:
    """The request that a message makes or answers."""
    if parsed.message_type in (REQUEST, REQUEST_ANSWER) and identity.conversation:
        return (request_key(identity.conversation),)
    return ()


def remember(
    parsed: Parsed, identity: Identity, context: Context, verdict: Verdict
) -> Sequence[Remember]:
    """A request: whom it asks for what. An answer: that the request is answered, and by which
    message. No persons.
    """
    if not verdict.accepted or not recall(parsed, identity):
        return ()
    key = request_key(identity.conversation)
    known = context.known.get(key)
    sender = parsed.inbound.partner.id
    if parsed.message_type == REQUEST:
        asked = {
            "sender": sender,
            "county": parsed.document["county"],
            "statements": parsed.document["statements"],
            "answer": "",
        }
        # A repeated request must not wipe out that it has been answered.
        return () if known else (Remember(key, asked, with_message=True),)
    if known is None:
        return ()
    answered = {**known.value, "answer": identity.sender_message_id}
    return (Remember(key, answered, known.version, with_message=True),)

"""Kela's information requests: who asks whom, which request an answer, a withdrawal or a reminder
belongs to, and whether it still waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exchange.adapters.kelmu.identify import LATE_RULE, part
from exchange.adapters.kelmu.memory import is_late, is_open, request_key
from exchange.adapters.kelmu.rights import provides_social_services
from exchange.ports import Context, Identity, Parsed
from exchange.schemas.instants import finnish_day
from exchange.schemas.violation import Finding


def given(document: dict[str, Any]) -> Iterator[Finding]:
    """A statement has a text when there is something to state, and only then."""
    for index, entry in enumerate(part(document, "given", list)):
        if (
            isinstance(entry, dict)
            and isinstance(entry.get("known"), bool)
            and entry["known"] != bool(entry.get("text"))
        ):
            expected = "a text" if entry["known"] else "no text"
            message = "a statement has a text when there is something to state, and only then"
            yield Finding(
                "kelmu.information-request-answer.text", message, ("given", index), expected
            )


def request(parsed: Parsed, identity: Identity, context: Context) -> Iterator[Finding]:
    """Only Kela asks, only counties are asked, and an answer is not due before the request."""
    if parsed.inbound.partner.sector != "kela":
        yield Finding("kelmu.rights.sender", "only Kela sends information requests", ())
    county = part(parsed.document, "county", str)
    asked = context.directory.get(county)
    if county and (asked is None or not provides_social_services(asked)):
        message = "no such wellbeing services county in the directory"
        yield Finding(
            rule="kelmu.information-request.county",
            message=message,
            at=("county",),
            expected="a wellbeing services county",
            found=county[:80],
        )
    due, today = part(parsed.document, "answer_by", str), finnish_day(context.now).isoformat()
    if due and due < today:
        message = "the answer would be due before it is asked for"
        yield Finding(
            rule="kelmu.information-request.answer-by",
            message=message,
            at=("answer_by",),
            expected=f"{today} or later",
            found=due[:10],
        )
    known = context.known.get(request_key(identity.conversation))
    if known and known.value["sender"] != parsed.inbound.partner.id:
        yield Finding(
            "kelmu.information-request.id", "another request of Kela has this id already", ()
        )


def request_answer(parsed: Parsed, identity: Identity, context: Context) -> Iterator[Finding]:
    """The request exists, was sent to this county, is not answered yet, and each statement asked
    for is given once.
    """
    reference = parsed.inbound.hints.get("information-request", "")
    if reference and reference != identity.conversation:
        message = "the body names another request than the address"
        yield Finding(
            "kelmu.information-request-answer.reference",
            message,
            ("information_request",),
            reference[:64],
        )
        return
    known = context.known.get(request_key(identity.conversation))
    # A request of another county is no different from none: an id must not tell who is asked about
    # whom.
    if known is None or known.value["county"] != parsed.inbound.partner.id:
        message = "no information request with this id was sent to the organisation"
        yield Finding("kelmu.information-request-answer.unknown", message, ("information_request",))
        return
    if known.value.get("withdrawn_by"):
        message = "Kela has withdrawn the information request"
        rule = "kelmu.information-request-answer.withdrawn"
        yield Finding(rule, message, ("information_request",))
    if is_late(known.value, context.now):
        yield Finding(
            rule=LATE_RULE,
            message="the answer comes after its day; it is taken and marked",
            at=("information_request",),
            expected=f"{known.value['answer_by']} or earlier",
            found=finnish_day(context.now).isoformat(),
            severity="warning",
        )
    if known.value["answer"] not in ("", identity.sender_message_id):
        message = "the information request is answered already"
        yield Finding("kelmu.information-request-answer.again", message, ("information_request",))
    asked: list[str] = known.value["statements"]
    names = [part(entry, "statement", str) for entry in part(parsed.document, "given", list)]
    for index, name in enumerate(names):
        if name and (name not in asked or name in names[:index]):
            message = "the statement was not asked for, or is given already"
            yield Finding(
                rule="kelmu.information-request-answer.statement",
                message=message,
                at=("given", index),
                expected=" or ".join(asked),
                found=name[:80],
            )
    for name in asked:
        if name not in names:
            message = "a statement that was asked for is missing"
            yield Finding("kelmu.information-request-answer.missing", message, ("given",), name)


def withdrawal(parsed: Parsed, identity: Identity, context: Context) -> Iterator[Finding]:
    """The request is the sender's own, went to that county, and waits for its answer."""
    if parsed.inbound.partner.sector != "kela":
        yield Finding("kelmu.rights.sender", "only Kela withdraws information requests", ())
    at = ("information_request",)
    reference = parsed.inbound.hints.get("information-request", "")
    known = context.known.get(request_key(identity.conversation))
    if known is None or known.value["sender"] != parsed.inbound.partner.id:
        message = "no information request with this id was sent by the organisation"
        yield Finding("kelmu.information-request-withdrawal.unknown", message, at)
        return
    if reference != identity.conversation:
        message = "the body names another request than the address"
        yield Finding("kelmu.information-request-withdrawal.reference", message, at, reference[:64])
    if part(parsed.document, "county", str) != known.value["county"]:
        message = "the request went to another county"
        county = known.value["county"]
        yield Finding("kelmu.information-request-withdrawal.county", message, ("county",), county)
    if known.value["answer"]:
        message = "the information request is answered already"
        yield Finding("kelmu.information-request-withdrawal.answered", message, at)
    if known.value.get("withdrawn_by") not in (None, identity.sender_message_id):
        message = "the information request is withdrawn already"
        yield Finding("kelmu.information-request-withdrawal.again", message, at)


def reminder(identity: Identity, context: Context) -> Iterator[Finding]:
    """The exchange reminds of what still waits."""
    known = context.known.get(request_key(identity.conversation))
    if known is None or not is_open(known.value):
        message = "the information request waits for no answer"
        rule = "kelmu.information-request-reminder.closed"
        yield Finding(rule, message, ("information_request",))

"""What Kelmu's schemas can't say: the organisation's rights, dates, repetitions, and which request
an answer belongs to.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exchange.adapters.kelmu.identify import (
    ASKED_SECTORS,
    BULK,
    QUERIES,
    QUERY,
    REGISTER,
    REQUEST,
    REQUEST_ANSWER,
    REQUESTER,
    part,
    request_key,
)
from exchange.adapters.kelmu.rights import RIGHTS, Right, day_of, earliest_day
from exchange.ports import Context, Identity, Parsed, Permitted
from exchange.schemas.directory import Partner
from exchange.schemas.identifiers import is_personal_identity_code
from exchange.schemas.violation import Finding

#: The endpoints; what came through none of them (a file that is checked) is not held against
#: earlier messages.
LISTENING = ("api", "ui")


def rules(parsed: Parsed, identity: Identity, context: Context) -> list[Finding]:
    """Every finding about the message, whatever its shape; rights only of a sender that the
    directory has.
    """
    document = parsed.document
    if not isinstance(document, dict):
        return []
    findings = list(_form(document))
    if parsed.message_type == BULK:
        findings += _persons(document)
    if parsed.message_type == REQUEST_ANSWER:
        findings += _given(document)
    # A file that is only checked has no sender that the directory knows: whose rights could be
    # judged?
    if context.directory.get(parsed.inbound.partner.id) is None:
        return findings
    if parsed.message_type in QUERIES:
        findings += _rights(parsed, document, context.now)
    elif parsed.message_type == REQUEST:
        findings += _request(parsed, identity, context)
    elif parsed.message_type == REQUEST_ANSWER and parsed.inbound.endpoint in LISTENING:
        findings += _request_answer(parsed, identity, context)
    return findings


def _form(document: dict[str, Any]) -> Iterator[Finding]:
    """What concerns every message: no value twice in a list, dates in order, no person as user."""
    for name in ("persons", "benefits", "data_groups", "statements"):
        seen: set[str] = set()
        for index, value in enumerate(part(document, name, list)):
            if isinstance(value, str) and value in seen:
                yield Finding(
                    "kelmu.repeated",
                    "the value stands in the list already",
                    (name, index),
                    "each value once",
                )
            elif isinstance(value, str):
                seen.add(value)
    first, last = part(document, "from", str), part(document, "to", str)
    if first and last and first > last:
        yield Finding(
            rule="kelmu.dates",
            message="the time ends before it begins",
            at=("to",),
            expected=f"{first[:10]} or later",
            found=last[:10],
        )
    if is_personal_identity_code(part(document, "user", str)):
        expected = "the organisation's own user id"
        yield Finding(
            "kelmu.user",
            "an official is not named by a personal identity code",
            ("user",),
            expected,
        )


def _persons(document: dict[str, Any]) -> Iterator[Finding]:
    """Codes of the right form that are not valid are left out; one at least is left."""
    codes = part(document, "persons", list)
    wrong = [
        index
        for index, code in enumerate(codes)
        if isinstance(code, str) and not is_personal_identity_code(code)
    ]
    nobody = len(wrong) == len(codes)
    for index in wrong:
        yield Finding(
            rule="kelmu.persons",
            message="nobody is left to ask about" if nobody else "the person is left out",
            at=("persons", index),
            expected="a personal identity code with the right check character",
            severity="error" if nobody else "warning",
        )


def _given(document: dict[str, Any]) -> Iterator[Finding]:
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


def _rights(parsed: Parsed, document: dict[str, Any], now: int) -> Iterator[Finding]:
    """Whether the organisation may ask at all, in this way, for this purpose, on this ground; and
    whether anything is left.
    """
    partner = parsed.inbound.partner
    right = RIGHTS.of(partner)
    if right is None:
        yield Finding(
            "kelmu.rights.none", "the organisation has no right to query benefit data", ()
        )
        return
    if parsed.message_type == BULK and not right.bulk:
        yield Finding(
            "kelmu.rights.bulk",
            "the organisation may ask about one person at a time only",
            ("persons",),
        )
    yield from _purpose(right, document)
    for name, allowed in (("benefits", right.benefits), ("data_groups", right.data_groups)):
        asked = part(document, name, list)
        if asked and not any(isinstance(value, str) and value in allowed for value in asked):
            rule = f"kelmu.rights.{name.replace('_', '-')}"
            yield Finding(
                rule,
                "the organisation may see none of these",
                (name,),
                " or ".join(sorted(allowed)),
            )
    last, earliest = part(document, "to", str), earliest_day(right, now)
    if last and last < earliest:
        message = f"the organisation may look back {right.months_back} months"
        yield Finding(
            rule="kelmu.rights.time",
            message=message,
            at=("to",),
            expected=f"{earliest} or later",
            found=last[:10],
        )


def _purpose(right: Right, document: dict[str, Any]) -> Iterator[Finding]:
    purpose = part(document, "purpose", str)
    if purpose and purpose not in right.purposes:
        expected = " or ".join(sorted(right.purposes))
        message = "the organisation may not ask for this purpose"
        yield Finding(
            rule="kelmu.rights.purpose",
            message=message,
            at=("purpose",),
            expected=expected,
            found=purpose[:80],
        )
        return
    act = part(document, "legal_ground", str).partition(" ")[0]
    if purpose and act and act not in right.purposes[purpose]:
        expected = " or ".join(sorted(right.purposes[purpose]))
        message = "the purpose can't rest on this act"
        yield Finding(
            rule="kelmu.rights.legal-ground",
            message=message,
            at=("legal_ground",),
            expected=expected,
            found=act[:80],
        )


def _request(parsed: Parsed, identity: Identity, context: Context) -> Iterator[Finding]:
    """Only Kela asks, only counties are asked, and an answer is not due before the request."""
    if parsed.inbound.partner.sector != "kela":
        yield Finding("kelmu.rights.sender", "only Kela sends information requests", ())
    county = part(parsed.document, "county", str)
    asked = context.directory.get(county)
    if county and (asked is None or asked.sector not in ASKED_SECTORS):
        message = "no such wellbeing services county in the directory"
        yield Finding(
            rule="kelmu.information-request.county",
            message=message,
            at=("county",),
            expected="a wellbeing services county",
            found=county[:80],
        )
    due, today = part(parsed.document, "answer_by", str), day_of(context.now).isoformat()
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


def _request_answer(parsed: Parsed, identity: Identity, context: Context) -> Iterator[Finding]:
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


def permitted(partner: Partner) -> Permitted:
    """Queries by the partner's right; requests go from Kela's benefit system to those who are
    asked, answers back.
    """
    sends, right = [], RIGHTS.of(partner)
    if right is not None:
        sends += [QUERY, BULK] if right.bulk else [QUERY]
    asked = partner.sector in ASKED_SECTORS
    sends += [REQUEST] * (partner.sector == "kela") + [REQUEST_ANSWER] * asked
    receives = [QUERY, BULK] if REGISTER in partner.serves else []
    receives += [REQUEST] * asked + [REQUEST_ANSWER] * (partner.id == REQUESTER)
    return Permitted(tuple(sends), tuple(receives))

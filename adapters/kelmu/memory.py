"""What Kelmu remembers between messages: information requests and notices, what each authority has
of them, and what falls due; names no person.

Entries of a list (`for/...`, `notice-for/...`, `due/...`) only point to a request or a notice,
whose own entry says how it stands.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from exchange.adapters.kelmu.identify import (
    ASKED,
    LATE,
    NOTICE,
    REMINDER,
    REQUEST,
    REQUEST_ANSWER,
    TIMED,
    TRANSFER,
    WITHDRAWAL,
)
from exchange.ports import Context, Identity, Parsed, Remember, Verdict
from exchange.ports.disclosures import disclosures
from exchange.schemas.identifiers import is_personal_identity_code
from exchange.schemas.instants import FINLAND, finnish_day
from exchange.schemas.kelmu.codes import NOTICE_KINDS

#: When notices of the same day are given, and those of the day after a decision, by the clock of
#: Finland (*modelled*: kela.fi names the days).
SAME_DAY_HOUR, NEXT_DAY_HOUR = 16, 6


def request_key(reference: str) -> str:
    """The key under which an information request is remembered."""
    return f"information-request:{reference}"


def notice_key(reference: str) -> str:
    """The key under which a notice is remembered."""
    return f"notice:{reference}"


def requests_of(authority: str) -> str:
    """Where the keys of an authority's requests begin; they go on with `answer_by` and the id."""
    return f"for/{authority}/"


def notices_of(authority: str) -> str:
    """Where the keys of an authority's notices begin; they go on with the time and the id."""
    return f"notice-for/{authority}/"


#: Where the keys of what falls due begin.
DUE = "due/"


def due_key(at: int, what: str, reference: str) -> str:
    """The key of what falls due at a time (milliseconds)."""
    return f"{DUE}{at:013d}/{what}/{reference}"


def at_hour(day: datetime.date, hour: int) -> int:
    """That hour of a day in Finland, in milliseconds since 1970."""
    return (
        int(datetime.datetime(day.year, day.month, day.day, hour, tzinfo=FINLAND).timestamp())
        * 1000
    )


def notice_time(kind: str, decided_on: str, now: int) -> int:
    """When a notice is given, in milliseconds; never before now."""
    match NOTICE_KINDS[kind].time:
        case "same-day":
            return max(now, at_hour(finnish_day(now), SAME_DAY_HOUR))
        case "day-after-decision":
            day = datetime.date.fromisoformat(decided_on) + datetime.timedelta(days=1)
            return max(now, at_hour(day, NEXT_DAY_HOUR))
    return now


def recall(parsed: Parsed, identity: Identity) -> Sequence[str]:
    """The request or the notice that a message makes or is about."""
    if not identity.conversation:
        return ()
    if parsed.message_type in (REQUEST, REQUEST_ANSWER, WITHDRAWAL, REMINDER):
        return (request_key(identity.conversation),)
    if parsed.message_type in (NOTICE, TRANSFER):
        return (notice_key(identity.conversation),)
    return ()


def remember(
    parsed: Parsed, identity: Identity, context: Context, verdict: Verdict
) -> Sequence[Remember]:
    """What a message changes of its request or notice, and about whom it disclosed something."""
    if not verdict.accepted:
        return ()
    made = _MADE.get(parsed.message_type)
    entries = list(made(parsed, identity, context, verdict)) if made is not None else []
    if context.message_id:
        entries += disclosures(persons_disclosed(parsed, verdict), context.message_id)
    return entries


def remember_refused(
    parsed: Parsed, identity: Identity, context: Context, verdict: Verdict
) -> Sequence[Remember]:
    """That somebody asked about a person and was told nothing."""
    person = verdict.detail.get("person", "")
    if parsed.message_type not in ASKED or not is_personal_identity_code(person):
        return ()
    return disclosures([person], context.message_id)


def persons_disclosed(parsed: Parsed, verdict: Verdict) -> Sequence[str]:
    """About whom somebody is told something by an accepted message."""
    detail = verdict.detail
    if parsed.message_type == NOTICE and parsed.inbound.endpoint != TIMED and _is_held(parsed):
        return ()
    persons: Sequence[str] = detail.get("persons") or ()
    return persons or ([detail["person"]] if "person" in detail else ())


def _is_held(parsed: Parsed) -> bool:
    return NOTICE_KINDS[parsed.document["notice_kind"]].time != "at-once"


def _asked(
    parsed: Parsed, identity: Identity, context: Context, verdict: Verdict
) -> Sequence[Remember]:
    document, reference = parsed.document, identity.conversation
    # A repeated request must not wipe out that it has been answered.
    if request_key(reference) in context.known:
        return ()
    county, answer_by = document["county"], document["answer_by"]
    asked = {
        "sender": parsed.inbound.partner.id,
        "county": county,
        "statements": document["statements"],
        "question": document["question"],
        "answer_by": answer_by,
        "message": context.message_id,
        "answer": "",
    }
    day = datetime.date.fromisoformat(answer_by)
    at = max(context.now, at_hour(day, 0))
    return (
        Remember(request_key(reference), asked, with_message=True),
        Remember(f"{requests_of(county)}{answer_by}/{reference}", 0, with_message=True),
        Remember(due_key(at, "reminder", reference), reference, with_message=True),
    )


def _of_request(
    parsed: Parsed, identity: Identity, context: Context, verdict: Verdict
) -> Sequence[Remember]:
    """An answer, a withdrawal, a reminder: what they change of a request that is known."""
    key = request_key(identity.conversation)
    known = context.known.get(key)
    if known is None:
        return ()
    change: dict[str, Any] = {"reminded_at": context.now}
    if parsed.message_type == REQUEST_ANSWER:
        change = {"answer": identity.sender_message_id, "answered_at": context.now}
        if verdict.detail.get(LATE):
            change[LATE] = True
    elif parsed.message_type == WITHDRAWAL:
        change = {"withdrawn_by": identity.sender_message_id, "withdrawn_at": context.now}
    return (Remember(key, {**known.value, **change}, known.version, with_message=True),)


def _noticed(
    parsed: Parsed, identity: Identity, context: Context, verdict: Verdict
) -> Sequence[Remember]:
    document, reference = parsed.document, identity.conversation
    key, known = notice_key(reference), context.known.get(notice_key(reference))
    if parsed.inbound.endpoint == TIMED:
        return _given(identity, context)
    if known is not None:
        return ()
    notice = {
        "sender": parsed.inbound.partner.id,
        "holder": document["authority"],
        "notice_kind": document["notice_kind"],
        "message": context.message_id,
        "given_at": 0,
        "moving_to": "",
    }
    at = notice_time(document["notice_kind"], document.get("decided_on") or "", context.now)
    if _is_held(parsed):
        due = due_key(at, "notice", reference)
        return (
            Remember(key, notice, with_message=True),
            Remember(due, reference, with_message=True),
        )
    return (
        Remember(key, {**notice, "given_at": context.now}, with_message=True),
        _listed(document["authority"], context.now, reference),
    )


def _given(identity: Identity, context: Context) -> Sequence[Remember]:
    """A notice that its authority gets now, since its time has come or it was moved there."""
    key = notice_key(identity.conversation)
    known = context.known.get(key)
    if known is None:
        return ()
    holder = identity.receivers[0]
    given = {**known.value, "holder": holder, "given_at": context.now, "moving_to": ""}
    return (
        Remember(key, given, known.version, with_message=True),
        _listed(holder, context.now, identity.conversation),
    )


def _listed(authority: str, at: int, reference: str) -> Remember:
    return Remember(f"{notices_of(authority)}{at:013d}/{reference}", 0, with_message=True)


def _moved(
    parsed: Parsed, identity: Identity, context: Context, verdict: Verdict
) -> Sequence[Remember]:
    key = notice_key(identity.conversation)
    known = context.known.get(key)
    if known is None:
        return ()
    moving = {
        **known.value,
        "moving_to": parsed.document["authority"],
        "moved_by": context.message_id,
    }
    return (
        Remember(key, moving, known.version, with_message=True),
        Remember(
            due_key(context.now, "transfer", f"{context.message_id}"),
            identity.conversation,
            with_message=True,
        ),
    )


_MADE: Mapping[str, Any] = {
    REQUEST: _asked,
    REQUEST_ANSWER: _of_request,
    WITHDRAWAL: _of_request,
    REMINDER: _of_request,
    NOTICE: _noticed,
    TRANSFER: _moved,
}


def is_open(request: Mapping[str, Any]) -> bool:
    """Whether a request that is remembered waits for its answer."""
    return not request["answer"] and not request.get("withdrawn_by")


def is_late(request: Mapping[str, Any], now: int) -> bool:
    """Whether the day by which an answer is wanted is over."""
    answer_by: str = request.get("answer_by") or "9999-12-31"
    return finnish_day(now).isoformat() > answer_by

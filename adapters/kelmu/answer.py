"""What a partner of Kelmu reads: answers cut to its right, receipts, rejections, and why an answer
did not come; pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import from_json

from exchange.adapters.kelmu.identify import LATE
from exchange.adapters.kelmu.rights import RIGHTS, Narrowed, narrow
from exchange.ports import Outcome
from exchange.schemas.call import Reply, json_reply, problem
from exchange.schemas.directory import Partner
from exchange.schemas.envelope import Envelope
from exchange.schemas.instants import instant

#: By data group: the fields of a record between which it lies, and whether it is about a benefit.
_TIMES = {
    "pendency": ("received_on", "received_on", True),
    "decision": ("from", "to", True),
    "payments": ("paid_on", "paid_on", True),
    "insurance": ("from", "to", False),
    "recovery": ("decided_on", "decided_on", True),
    "medicine-cost-ceiling": ("year", "year", False),
    "sent-by-others": ("received_on", "received_on", False),
}
_TITLES = {"message-id-reused": "Message id reused", "real-person": "Real person"}


def receipt(envelope: Envelope) -> dict[str, Any]:
    """What says that a message is committed; the same again for a duplicate."""
    late = {LATE: True} if envelope.detail.get(LATE) else {}
    return {
        "id": envelope.public_id,
        "message_id": envelope.sender_message_id,
        "message_type": envelope.message_type,
        "received_at": instant(envelope.received_at),
        **late,
    }


def accepted(envelope: Envelope) -> Reply:
    """The receipt of a message that is delivered later: 202."""
    return json_reply(receipt(envelope), 202)


def rejected(outcome: Outcome) -> Reply:
    """A rejection as a problem: 403 beyond a right, 409 for an id used before, 503 without a
    receiver, otherwise 400.
    """
    reason = outcome.reason
    beyond = [
        violation for violation in outcome.violations if violation.rule.startswith("kelmu.rights.")
    ]
    status, title = 400, _TITLES.get(reason, "Not valid")
    if beyond and reason == "rule":
        status, title, reason = 403, "No right", "no-right"
    elif reason == "message-id-reused":
        status = 409
    elif reason in ("register-unknown", "receiver-unknown"):
        status, title = 503, "No receiver"
    violations = [violation.as_dict() for violation in outcome.violations]
    members: dict[str, Any] = {
        "reason": reason,
        "id": outcome.envelope.public_id,
        "violations": violations,
    }
    if beyond:
        members["rule"] = beyond[0].rule
    return problem(
        status, title, outcome.violations[0].message if outcome.violations else "", **members
    )


def unanswered(
    envelope: Envelope, deliveries: Sequence[Mapping[str, object]], deadline_seconds: float
) -> Reply:
    """Why a query has no answer: 409 while the same query is being answered elsewhere, 502 when the
    register refused it for good, 504 when no sound answer came in time. `deliveries` are the
    query's, as the desk tells them.
    """
    states = {str(each["state"]): str(each["reason"]) for each in deliveries}
    told = receipt(envelope)
    if "waiting" in states:
        detail = "the same query is being answered just now; come again for its answer"
        return problem(
            409, "In progress", detail, reason="in-progress", retry_after_seconds=1, **told
        )
    cause = states.get("dead", "").partition(":")[0]
    if cause.startswith("http-4") and cause not in ("http-408", "http-425", "http-429"):
        return problem(
            502,
            "Refused by the register",
            "the benefit register refused the query",
            reason=cause,
            **told,
        )
    detail = "the benefit register gave no sound answer in time; ask again with a new X-Message-Id"
    members = {"reason": "no-answer", "cause": cause, "deadline_seconds": deadline_seconds}
    return problem(504, "No answer in time", detail, **members, **told)


def answered(
    envelope: Envelope, partner: Partner, query_body: bytes, register_answer: bytes
) -> Reply:
    """The answer to a query: 200 with what the partner may see of the register's (sound) answer,
    and what was left out.

    A data group that was granted is there even when it is empty; one that is absent was left out or
    not asked for.
    """
    right = RIGHTS.of(partner)
    if right is None:
        return _no_right()
    query = from_json(query_body)
    narrowed = narrow(right, query, envelope.received_at)
    results = [_visible(entry, narrowed) for entry in from_json(register_answer)["results"]]
    value = {
        **receipt(envelope),
        "from": narrowed.first,
        "to": narrowed.last,
        "benefits": narrowed.benefits,
        "data_groups": narrowed.data_groups,
        "results": results,
        "left_out": narrowed.left_out,
    }
    return json_reply(value)


def listed(envelope: Envelope, partner: Partner, register_answer: bytes) -> Reply:
    """A list of the register's: 200, as long as the organisation has a right to it."""
    right, told = RIGHTS.of(partner), from_json(register_answer)
    if right is None or told["list"] not in right.lists:
        return _no_right()
    return json_reply({**receipt(envelope), **told})


def persons_listed(register_answer: bytes) -> list[str]:
    """About whom a list of the register's tells something."""
    entries = from_json(register_answer)["entries"]
    return [entry[name] for entry in entries for name in ("person", "child") if entry.get(name)]


def _no_right() -> Reply:
    detail = "the organisation has no right to query benefit data any more"
    return problem(403, "No right", detail, reason="no-right")


def _visible(entry: dict[str, Any], narrowed: Narrowed) -> dict[str, Any]:
    """One person's records without what was not granted: the register is not trusted to have left
    it out.
    """
    visible: dict[str, Any] = {"person": entry["person"]}
    for group in narrowed.data_groups:
        first, last, of_benefit = _TIMES[group]
        visible[group] = [
            record
            for record in entry.get(group, [])
            if (not of_benefit or record["benefit"] in narrowed.benefits)
            and _overlap(str(record[first]), str(record.get(last) or "9999-12-31"), narrowed)
        ]
    return visible


def _overlap(first: str, last: str, narrowed: Narrowed) -> bool:
    """Whether a record's time (dates, or years) and the query's have a day in common."""
    return first <= narrowed.last[: len(first)] and last >= narrowed.first[: len(last)]

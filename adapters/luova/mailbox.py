"""A partner's own mailbox: read under leases, acknowledge, refuse, extend."""

from __future__ import annotations

from collections.abc import Sequence
from json import dumps
from typing import Any

from exchange.adapters.luova import answer
from exchange.adapters.luova.parse import is_plain_id
from exchange.adapters.luova.routing import TYPES
from exchange.ports.desk import Desk
from exchange.ports.ledger import Hold
from exchange.schemas import guard, json
from exchange.schemas.call import Call, Reply
from exchange.schemas.directory import Partner
from exchange.schemas.envelope import id_from_public
from exchange.schemas.violation import Malformed, Violation

#: Most deliveries that one reading of a mailbox or one acknowledgement is about.
PAGE_MAX = 100
LEASE_SECONDS = 60
LEASE_SECONDS_MAX = 3_600
#: Longest wait of a reading for something to come, in seconds.
WAIT_SECONDS_MAX = 30
REASON_CHARACTERS_MAX = 400
QUERY = ("most", "lease_seconds", "wait", "conversation", "type")
#: A delivery in a call about leases.
HELD = '{"id": ..., "lease": ...} as the mailbox gave it'


async def read(call: Call, partner: Partner, desk: Desk) -> Reply:
    """The oldest waiting deliveries of the caller's own mailbox, leased to it for a while; when
    there are none, those that come while it waits.
    """
    violations = [
        Violation(
            "luova.query",
            "no such query parameter",
            f"?{_shown(name)}",
            expected=" or ".join(QUERY),
            found=_shown(name),
        )
        for name in call.query
        if name not in QUERY
    ]
    if len(call.query) > len(set(call.query)):  # (Its length counts what stands twice.)
        message = "a query parameter stands twice"
        violations.append(Violation("luova.query", message, "?", expected="each at most once"))
    most = _number(call, "most", PAGE_MAX, (1, PAGE_MAX), violations)
    seconds = _number(call, "lease_seconds", LEASE_SECONDS, (1, LEASE_SECONDS_MAX), violations)
    wait_seconds = _number(call, "wait", 0, (0, WAIT_SECONDS_MAX), violations)
    conversation, message_type = call.query.get("conversation"), call.query.get("type")
    if conversation is not None and not is_plain_id(conversation):
        expected = "a conversation's id: 1-100 of A-Z a-z 0-9 . _ : @ -"
        violations.append(_wrong_query("conversation", conversation, expected))
    if message_type is not None and message_type not in TYPES:
        expected = "a message type of this channel, as unemployment.benefit-data"
        violations.append(_wrong_query("type", message_type, expected))
    if violations:
        return answer.bad_request(violations)
    leased = await desk.lease(
        partner.id,
        most,
        float(seconds),
        wait_seconds=wait_seconds,
        conversation=conversation or "",
        message_types=(message_type,) if message_type else (),
    )
    return answer.mailbox(leased)


async def acknowledge(call: Call, partner: Partner, desk: Desk) -> Reply:
    """End leases: what is acknowledged counts as delivered and does not come back."""
    try:
        holds = _holds(_members(call))
    except Malformed as error:
        return answer.bad_request(error.violations)
    told = await desk.acknowledge(partner.id, holds)
    return answer.held("acknowledged", holds, told)


async def refuse(call: Call, partner: Partner, desk: Desk) -> Reply:
    """End leases: what is refused goes to the dead letters, with the reason given."""
    try:
        members = _members(call, "reason")
        reason = _reason(members["reason"])
        holds = _holds(members)
    except Malformed as error:
        return answer.bad_request(error.violations)
    return answer.held("refused", holds, await desk.refuse_leased(partner.id, holds, reason))


async def extend(call: Call, partner: Partner, desk: Desk) -> Reply:
    """Have leases end later than they would."""
    try:
        members = _members(call, "lease_seconds")
        seconds = members["lease_seconds"]
        if type(seconds) is not int or not 1 <= seconds <= LEASE_SECONDS_MAX:
            expected = f"1-{LEASE_SECONDS_MAX}, from now on"
            raise _malformed("how long the leases are to last", "/lease_seconds", expected, seconds)
        holds = _holds(members)
    except Malformed as error:
        return answer.bad_request(error.violations)
    told, until = await desk.extend(partner.id, holds, float(seconds))
    return answer.held("extended", holds, told, lease_until=until)


def _number(
    call: Call, name: str, default: int, limits: tuple[int, int], violations: list[Violation]
) -> int:
    text = call.query.get(name)
    if text is None:
        return default
    least, most = limits
    if len(text) <= 9 and text.isascii() and text.isdigit() and least <= int(text) <= most:
        return int(text)
    violations.append(_wrong_query(name, text, f"{least}-{most}"))
    return default


def _wrong_query(name: str, text: str, expected: str) -> Violation:
    message = f"query parameter {name} is out of range"
    return Violation("luova.query", message, f"?{name}", expected=expected, found=_shown(text))


def _shown(found: object) -> str:
    """What was found, cut short; nothing of what may be a real person's."""
    text = found if isinstance(found, str) else "" if found is None else dumps(found)
    return "" if guard.in_text(text) else text[:20]


def _malformed(message: str, path: str, expected: str, found: object = None) -> Malformed:
    told = Violation("luova.lease", message, path, expected=expected, found=_shown(found))
    return Malformed([told])


def _members(call: Call, *others: str) -> dict[str, Any]:
    """The body: an object of `deliveries` and the other members named.

    Raises:
        Malformed: when it is anything else.
    """
    names = ("deliveries", *others)
    data = json.parse(call.body)
    if not isinstance(data, dict):
        raise _malformed("no call about leases", "", _form(names))
    violations = [
        Violation("luova.lease", f"{name} is missing", "", expected=_form(names))
        for name in names
        if name not in data
    ] + [
        Violation(
            "luova.lease",
            "no such member",
            f"/{_shown(name)}",
            expected=_form(names),
            found=_shown(name),
        )
        for name in data
        if name not in names
    ]
    if violations:
        raise Malformed(violations)
    return data


def _form(names: Sequence[str]) -> str:
    forms = {
        "deliveries": f'"deliveries": [{HELD}, at most {PAGE_MAX}]',
        "reason": f'"reason": why, in 1-{REASON_CHARACTERS_MAX} characters',
        "lease_seconds": f'"lease_seconds": 1-{LEASE_SECONDS_MAX}',
    }
    return "{" + ", ".join(forms[name] for name in names) + "}"


def _reason(found: object) -> str:
    expected = f"why, in 1-{REASON_CHARACTERS_MAX} characters"
    if not isinstance(found, str) or not 1 <= len(found.strip()) <= REASON_CHARACTERS_MAX:
        raise _malformed("a refusal needs its reason", "/reason", expected, found)
    if guard.in_text(found):
        raise _malformed(
            "a personal identity code that could be a living person's is never taken in",
            "/reason",
            "a reason that names nobody",
        )
    return found.strip()


def _holds(members: dict[str, Any]) -> list[Hold]:
    """The deliveries, each with its lease.

    Raises:
        Malformed: when there are too many, or one can't be one.
    """
    entries = members["deliveries"]
    if not isinstance(entries, list) or not 1 <= len(entries) <= PAGE_MAX:
        raise _malformed("no deliveries", "/deliveries", f"1-{PAGE_MAX} of {HELD}")
    holds: list[Hold] = []
    violations: list[Violation] = []
    for index, each in enumerate(entries):
        path = f"/deliveries/{index}"
        if not isinstance(each, dict) or set(each) != {"id", "lease"}:
            message = "a delivery is told with the lease by which it is held"
            violations.append(
                Violation("luova.lease", message, path, expected=HELD, found=_shown(each))
            )
            continue
        numbers = []
        for name in ("id", "lease"):
            try:
                numbers.append(id_from_public(each[name]))
            except (TypeError, ValueError):
                violations.append(
                    Violation(
                        "luova.lease",
                        f"not a delivery's {name}",
                        f"{path}/{name}",
                        expected="32 hexadecimal digits",
                        found=_shown(each[name]),
                    )
                )
        if len(numbers) == 2:
            holds.append(Hold(*numbers))
    if violations:
        raise Malformed(violations)
    return holds

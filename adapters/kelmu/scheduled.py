"""What Kelmu sends when its time has come: reminders of information requests, notices that are
given later, and notices that were moved; a watch.

Each is a message of its own and goes the whole way, in the name of the Kela system that sent what
it is about. Its id follows from that, so that what a crash broke off is sent once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import structlog
from pydantic_core import to_json

from exchange.adapters.kelmu.identify import NOTICE, REMINDER, TIMED
from exchange.adapters.kelmu.memory import DUE, is_open, notice_key, request_key
from exchange.errors import Full
from exchange.ports import Desk, Inbound, Remember, Remembered, Watch
from exchange.schemas.call import JSON
from exchange.schemas.envelope import Envelope, public_id

log = structlog.get_logger(__name__)

#: Up to where all that fell due is done, under this key.
_DONE = "due-done"
#: What is committed later than its time by this much is still found.
_GRACE_MILLISECONDS = 120_000
#: How much is looked at again at most before it is noted that it is done.
_NOTED_MILLISECONDS = 3_600_000
_PAGE = 200


async def watch(desk: Desk) -> None:
    """One round: everything that is due and not done. What a full receiver can't take waits."""
    now = desk.now()
    known = (await desk.recall([_DONE])).get(_DONE)
    done = known.value if known is not None else 0
    after, undone, pages = f"{done:013d}", now - _GRACE_MILLISECONDS, 0
    while True:
        found = await desk.remembered(DUE, after, _PAGE)
        due = [_due(key.removeprefix(DUE), entry.value) for key, entry in found]
        due = [each for each in due if each.at <= now]
        about = await desk.recall([each.about for each in due])
        for each in due:
            if each.about in about and not await _send(each, about[each.about], desk):
                undone = min(undone, each.at)
        pages += 1
        if len(due) < _PAGE:
            break
        after = found[-1][0].removeprefix(DUE)
    if undone - done > _NOTED_MILLISECONDS or (pages > 1 and undone > done):
        version = known.version if known is not None else 0
        await desk.note([Remember(_DONE, undone, version)])


class _Forgotten(Exception):
    """Retention dropped a notice's body before its time."""


class _Due(NamedTuple):
    """What falls due at a time, the message that made it so, and the key of what it is about."""

    at: int
    what: str
    by: str
    reference: str
    about: str


def _due(tail: str, reference: str) -> _Due:
    at, what, by = tail.split("/", 2)
    about = request_key(reference) if what == "reminder" else notice_key(reference)
    return _Due(at=int(at), what=what, by=by, reference=reference, about=about)


async def _send(due: _Due, known: Remembered, desk: Desk) -> bool:
    """Send one entry, unless it was sent or needs no sending any more; False when it must wait."""
    try:
        inbound = await _inbound_of(due, known.value, desk)
        if inbound is None:
            return True
        is_refused = (await desk.accept(inbound)).kind == "rejected"
    except Full:
        return False
    except _Forgotten:
        log.warning("a notice is forgotten before it was given", channel="kelmu", by=due.by)
        is_refused = True
    if is_refused:
        # Its receiver is no partner any more, say: it is not sent again every second.
        change = {"moving_to": ""} if due.what == "transfer" else {"refused": True}
        value = {**known.value, **change}
        refused = Remember(due.about, value, known.version, with_message=True)
        await desk.note([refused], value["message"])
    return True


async def _inbound_of(due: _Due, value: Mapping[str, Any], desk: Desk) -> Inbound | None:
    """The message to send; None when it was sent, or nothing is to be sent any more."""
    if value.get("refused"):
        return None
    message: int = value["message"]
    match due.what:
        case "reminder":
            is_wanted = is_open(value) and not value.get("reminded_at")
            return _reminder(due.reference, value, desk) if is_wanted else None
        case "notice" if not value["given_at"]:
            return await _notice(due.reference, value, value["holder"], "n", message, desk)
        # (An earlier transfer of the same notice is done.)
        case "transfer" if value["moving_to"] and value["moved_by"] == int(due.by):
            return await _notice(due.reference, value, value["moving_to"], "t", int(due.by), desk)
    return None


def _reminder(reference: str, value: Mapping[str, Any], desk: Desk) -> Inbound | None:
    document = {
        "information_request": reference,
        "county": value["county"],
        "statements": value["statements"],
        "answer_by": value["answer_by"],
    }
    return _inbound(REMINDER, to_json(document), value, f"~r-{public_id(value['message'])}", desk)


async def _notice(
    reference: str, value: Mapping[str, Any], receiver: str, mark: str, of: int, desk: Desk
) -> Inbound | None:
    """The notice as Kela sent it, to whom it goes now."""
    envelope = await desk.message(value["message"])
    body = await _body(envelope, desk) if envelope is not None else b""
    if not body:
        raise _Forgotten
    hints = {"conversation": reference, "receiver": receiver}
    return _inbound(NOTICE, body, value, f"~{mark}-{public_id(of)}", desk, **hints)


async def _body(envelope: Envelope, desk: Desk) -> bytes:
    position = envelope.position
    found = await desk.stored((NOTICE,), position - 1, position, 1)
    return found[0][1] if found else b""


def _inbound(
    message_type: str,
    body: bytes,
    value: Mapping[str, Any],
    message_id: str,
    desk: Desk,
    **hints: str,
) -> Inbound | None:
    sender = desk.directory.get(value["sender"])
    if sender is None:
        return None
    said = {"type": message_type, "id": message_id, **hints}
    return Inbound(partner=sender, body=body, content_type=JSON, endpoint=TIMED, hints=said)


WATCH = Watch("due", 1.0, watch, TIMED)

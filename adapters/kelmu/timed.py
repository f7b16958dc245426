"""What Kelmu sends when its time has come: reminders of information requests, notices that are given
later, and notices that were moved; a watch.

Each is a message of its own and goes the whole way, in the name of the Kela system that sent what
it is about. Its id follows from that, so that what a crash broke off is sent once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from pydantic_core import to_json

from exchange.adapters.kelmu.identify import NOTICE, REMINDER, TIMED
from exchange.adapters.kelmu.memory import DUE, is_open, notice_key, request_key
from exchange.errors import Full
from exchange.ports import Desk, Inbound, Remember, Watch
from exchange.schemas.call import JSON
from exchange.schemas.envelope import Envelope, public_id

log = structlog.get_logger(__name__)

#: Up to where all that fell due is done, under this key.
_DONE = "due-done"
#: What is committed later than its time by this much is still found.
_GRACE_MILLISECONDS = 600_000
#: How much is looked at again at most before it is noted that it is done.
_NOTED_MILLISECONDS = 3_600_000
_PAGE = 200


async def watch(desk: Desk) -> None:
    """One round: everything that is due and not done. What a full receiver can't take waits."""
    now = desk.now()
    known = (await desk.recall([_DONE])).get(_DONE)
    done = known.value if known is not None else 0
    after, undone = f"{done:013d}", now - _GRACE_MILLISECONDS
    while True:
        found = await desk.remembered(DUE, after, _PAGE)
        due = [(key.removeprefix(DUE), entry.value) for key, entry in found]
        for tail, reference in due:
            at, what, of = tail.split("/", 2)
            if int(at) > now:
                break
            if not await _send(what, of, reference, desk):
                undone = min(undone, int(at))
        else:
            if len(due) == _PAGE:
                after = due[-1][0]
                continue
        break
    if undone - done > _NOTED_MILLISECONDS:
        version = known.version if known is not None else 0
        await desk.note([Remember(_DONE, undone, version)])


async def _send(what: str, of: str, reference: str, desk: Desk) -> bool:
    """Send one entry, unless it was sent or needs no sending any more; False when it must wait."""
    key = request_key(reference) if what == "reminder" else notice_key(reference)
    known = (await desk.recall([key])).get(key)
    if known is None:
        return True
    value = known.value
    if value.get("refused"):
        return True
    if what == "reminder":
        if not is_open(value) or value.get("reminded_at"):
            return True
        inbound = _reminder(reference, value, desk)
    elif what == "notice":
        if value["given_at"]:
            return True
        inbound = await _notice(reference, value, value["holder"], "n", value["message"], desk)
    else:
        # (An earlier transfer of the same notice is done.)
        if not value["moving_to"] or value["moved_by"] != int(of):
            return True
        inbound = await _notice(reference, value, value["moving_to"], "t", int(of), desk)
    if inbound is None:
        log.warning("what falls due is forgotten already", channel="kelmu", what=what)
        return True
    try:
        outcome = await desk.accept(inbound)
    except Full:
        return False
    if outcome.kind == "rejected":
        # Its receiver is no partner any more, say: it is not sent again every second.
        refused = Remember(key, {**value, "refused": True}, known.version, with_message=True)
        await desk.note([refused], value["message"])
    return True


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
        return None
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

"""An authority's work list: Kela's information requests and notices, as they stand now; read from
what the channel remembers, a page at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exchange.adapters.kelmu.memory import (
    is_late,
    is_open,
    notice_key,
    notices_of,
    request_key,
    requests_of,
)
from exchange.ports import Desk
from exchange.schemas.envelope import Envelope
from exchange.schemas.instants import instant, instant_or_none

#: Entries that are looked at for one page, wanted or not.
_LOOK_MAX = 1_000
_PAGE = 200


async def work_list(asked: Mapping[str, Any], authority: str, desk: Desk) -> dict[str, Any]:
    """The page that a valid work list query asks for: `entries`, and `after` when there is more.

    Requests come by the day of their answer, notices by the time at which they were given.
    """
    is_notices = asked["work_list"] == "notices"
    prefix = notices_of(authority) if is_notices else requests_of(authority)
    after, entries, seen = asked.get("after", ""), [], set[str]()
    for _ in range(_LOOK_MAX // _PAGE):
        found = await desk.remembered(prefix, after, _PAGE)
        keys = {key: key.rpartition("/")[2] for key, _ in found}
        of = notice_key if is_notices else request_key
        known = await desk.recall([of(reference) for reference in keys.values()])
        for key, reference in keys.items():
            after = key.removeprefix(prefix)
            value = known[of(reference)].value if of(reference) in known else None
            if value is None or reference in seen or not _wanted(value, asked, authority):
                continue
            seen.add(reference)
            envelope = await desk.message(value["message"])
            if envelope is not None:
                make = _notice if is_notices else _request
                entries.append(make(reference, value, envelope, authority, desk.now()))
            if len(entries) == asked.get("most", 50):
                return {"entries": entries, "after": after}
        if len(found) < _PAGE:
            return {"entries": entries, "after": ""}
    return {"entries": entries, "after": after}


def _wanted(value: Mapping[str, Any], asked: Mapping[str, Any], authority: str) -> bool:
    if asked["work_list"] == "notices":
        return bool(value["holder"] == authority or asked.get("all"))
    return is_open(value) or bool(asked.get("all"))


def _request(
    reference: str, value: Mapping[str, Any], envelope: Envelope, authority: str, now: int
) -> dict[str, Any]:
    state = "open" if is_open(value) else "answered" if value["answer"] else "withdrawn"
    late = value.get("late", False) if state == "answered" else is_late(value, now)
    return {
        "information_request": reference,
        "state": state,
        "received_at": instant(envelope.received_at),
        "person": envelope.detail["person"],
        "statements": value["statements"],
        "question": value["question"],
        "answer_by": value["answer_by"],
        "late": late,
        "reminded_at": instant_or_none(value.get("reminded_at", 0)),
        "answered_at": instant_or_none(value.get("answered_at", 0)),
    }


def _notice(
    reference: str, value: Mapping[str, Any], envelope: Envelope, authority: str, now: int
) -> dict[str, Any]:
    with_us = value["holder"] == authority
    told = {
        "notice": reference,
        "state": "moved" if not with_us else "moving" if value["moving_to"] else "given",
        "notice_kind": value["notice_kind"],
        "received_at": instant(envelope.received_at),
        "given_at": instant(value["given_at"]),
    }
    # Where it is now, and about whom, is the other authority's.
    return {**told, "person": envelope.detail["person"]} if with_us else told

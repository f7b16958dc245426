"""Calls as lines of JSON, for clients that can't or won't import this product; says where the ids
stand that each call needs anew.

A line holds `flow`, `channel`, `type`, `sender`, `sector`, `weight` (calls a year), `items`,
`method`, `path` (with its query), `headers`, `body` (text) and `slots`. A slot `[where, at, width,
place]` is a stretch of `width` decimal digits at `at` of the header named `where` (`:path`: of the
path), or (where it is empty) at that byte of the body in UTF-8. A client writes a number of
`NUMBER_DIGITS` digits, leading zeros kept, that it never gave out before: digits [place, place +
width) of it go into the slot. The message stays valid, since only digits (and hexadecimal digits of
ids that may be any) are replaced, by as many. Nothing is signed, for a signature would not hold for
the new ids.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

from exchange.partners.sender import Chain
from exchange.partners.stub import Flow, Sending, Stub
from exchange.schemas.directory import Directory

NUMBER_DIGITS = 18
#: An id with fewer digits than this can't be made anew often enough.
ID_DIGITS_MIN = 12
MESSAGE_ID = "X-Message-Id"
#: Where a slot of the path stands; no header has such a name.
IN_PATH = ":path"

Slot = tuple[str, int, int, int]


def record_calls(
    stubs: Sequence[Stub],
    directory: Directory,
    type_name: str,
    count: int,
    seed: int,
    now: int,
    first: int,
    items: int | None = None,
) -> Iterator[dict[str, Any]]:
    """`count` calls of every flow of that message type, made at `now` (milliseconds), with serial
    numbers from chain `first`.

    `items` is how many records each call is to hold, where its sender may choose.

    Raises:
        ValueError: when an id of a call is too short to be made anew.
    """
    number = first
    for stub in stubs:
        for flow in stub.flows(directory):
            if flow.message_type != type_name or flow.weight <= 0:
                continue
            for _ in range(count):
                number += 1
                situation = Chain(directory, seed, number, lambda: now * 1_000_000).situation(
                    lambda _: items, signs=False
                )
                yield as_data(stub.channel, flow, flow.make(situation), directory)


def as_data(channel: str, flow: Flow, sending: Sending, directory: Directory) -> dict[str, Any]:
    """One call as plain data."""
    call = sending.call
    partner = directory.get(flow.partner)
    ids = sending.fresh or tuple(
        value for name, value in call.headers.items() if name == MESSAGE_ID
    )
    return {
        "flow": flow.name,
        "channel": channel,
        "type": flow.message_type,
        "sender": flow.partner,
        "sector": partner.sector if partner else "",
        "weight": flow.weight,
        "items": sending.items,
        "method": call.method,
        "path": call.path + (f"?{urlencode(call.query)}" if call.query else ""),
        "headers": dict(call.headers),
        "body": call.body.decode("utf-8"),
        "slots": [slot for each in ids for slot in slots(each, call.headers, call.body)],
    }


def slots(given: str, headers: Any, body: bytes, path: str = "") -> list[Slot]:
    """Where the digits of an id stand, everywhere that it occurs in a call; in its path only where
    that is given.

    Raises:
        ValueError: when it has too few digits.
    """
    stretches = digits_of(given)
    if sum(width for _, width, _ in stretches) < ID_DIGITS_MIN:
        raise ValueError(
            f"the id {given!r} has fewer than {ID_DIGITS_MIN} digits to make it anew with"
        )
    places = [
        (name, match.start())
        for name, value in headers.items()
        for match in re.finditer(re.escape(given), value)
    ]
    places += [("", match.start()) for match in re.finditer(re.escape(given.encode()), body)]
    places += [(IN_PATH, match.start()) for match in re.finditer(re.escape(given), path)]
    return [
        (where, start + at, width, place)
        for where, start in places
        for at, width, place in stretches
    ]


def digits_of(given: str) -> list[tuple[int, int, int]]:
    """The last `NUMBER_DIGITS` (hexadecimal) digits of an id as stretches (at, width, place),
    whatever separates them.
    """
    chosen = [at for at, sign in enumerate(given) if sign in "0123456789abcdef"][-NUMBER_DIGITS:]
    place = NUMBER_DIGITS - len(chosen)
    stretches: list[tuple[int, int, int]] = []
    for at in chosen:
        if stretches and stretches[-1][0] + stretches[-1][1] == at:
            begun, width, first = stretches[-1]
            stretches[-1] = (begun, width + 1, first)
        else:
            stretches.append((at, 1, place))
        place += 1
    return stretches


def as_line(call: dict[str, Any]) -> str:
    """The call as a line."""
    return json.dumps(call, ensure_ascii=False, separators=(",", ":")) + "\n"

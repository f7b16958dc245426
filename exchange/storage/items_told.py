"""Items that several messages may tell, and that count as received once: with the first delivery
that tells them, in the commit that ends it.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TypeVar

from exchange.ports.ledger import Record, Settlement
from exchange.storage.connection import Connection, insert
from exchange.storage.proof.chain import Additions, memory_digest

#: In the place of a channel: what was told lies in the table `memory`, under kind and item.
ITEMS = "items told"
_VALUE = "1"

Ended = TypeVar("Ended", Record, Settlement)


def first_told(
    connection: Connection, ended: Ended, message_id: int, additions: Additions
) -> Ended:
    """The record or settlement with those items counted as delivered that no delivery told before;
    its event `delivered` says how many of each kind, so that they can be counted anew.

    They are forgotten with the message: told again after that, they count again.
    """
    if not ended.items_told:
        return ended
    # In one order, so that of two transactions on a server none waits for the other.
    keys = sorted(f"{kind}/{item}" for kind, items in ended.items_told.items() for item in items)
    rows = [
        (ITEMS, key, _VALUE, 1, memory_digest(ITEMS, key, _VALUE, 1, message_id), message_id)
        for key in dict.fromkeys(keys)
    ]
    new = insert(
        connection,
        "memory",
        "channel,key,value,version,digest,message_id",
        rows,
        "ON CONFLICT DO NOTHING RETURNING key,digest",
    )
    additions.memory += sum(int.from_bytes(digest) for _, digest in new)
    numbers = Counter(key.partition("/")[0] for key, _ in new)
    told = json.dumps(dict(sorted(numbers.items())))
    events = [
        each._replace(detail=told) if each.kind == "delivered" else each for each in ended.events
    ]
    counts = list(ended.counts)
    for key, *_ in ended.counts:
        if key.kind == "delivered":
            counts += [
                (key._replace(kind=f"delivered:{kind}"), 1, number, 0)
                for kind, number in numbers.items()
            ]
    return replace(ended, events=events, counts=counts)

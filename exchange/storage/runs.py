"""A run as its ledger holds it: what was taken in, in its order and with its bytes, and what became
of each message, by who sent it under which id; changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from itertools import groupby

from exchange.ports.rows import DeliveryRow, MessageRow
from exchange.schemas.value import value
from exchange.storage import queries
from exchange.storage.codec import unpack
from exchange.storage.connection import Connection

PAGE = 500
#: With what an id begins that the exchange gave to a message without one.
OWN = "~"

#: Channel, sender, the sender's id and, where there is none, the message type: such questions may
#: hold ids of the exchange's own. In the order in which a ledger sorts them.
Key = tuple[str, str, str, str]


@value
class Taken:
    """A message of a run, its bytes (empty: not kept any more), and its deliveries."""

    message: MessageRow
    body: bytes
    deliveries: tuple[DeliveryRow, ...]


def taken(connection: Connection) -> Iterator[Taken]:
    """Every message of a run, in the order of commits."""
    after = -1
    while True:
        rows = connection.execute(
            f"SELECT {queries.MESSAGE},body.codec,body.content FROM message LEFT JOIN body ON "
            "body.message_id=message.id WHERE message.position>? ORDER BY message.position LIMIT ?",
            (after, PAGE),
        )
        page = [(MessageRow(*row[:-2]), row[-2], row[-1]) for row in rows]
        for message, codec, content in page:
            deliveries = tuple(queries.deliveries(connection, message.id))
            yield Taken(message, unpack(codec, content) if content else b"", deliveries)
            after = message.position
        if len(page) < PAGE:
            return


def outcomes(connection: Connection, own: Collection[str]) -> Iterator[tuple[Key, list[str]]]:
    """What became of each message that partners sent, in words, by its key and in the order of
    keys. Under one key there are several where some were rejected, or have no id. `own` are the
    endpoints by which the exchange itself sends, under ids that no other run has.
    """
    rows = connection.execute(
        f"SELECT {queries.MESSAGE} FROM message ORDER BY channel,sender,"
        f"CASE WHEN sender_message_id LIKE '{OWN}%' THEN '' ELSE sender_message_id END,message_type"
    )
    every = (MessageRow(*row) for row in rows)
    messages = (message for message in every if message.endpoint not in own)
    for key, each in groupby(messages, key=_key):
        yield key, sorted(_told(connection, message) for message in each)


def _key(message: MessageRow) -> Key:
    given = message.sender_message_id
    if not given or given.startswith(OWN):
        return message.channel, message.sender, "", message.message_type
    return message.channel, message.sender, given, ""


def _told(connection: Connection, message: MessageRow) -> str:
    found = json.loads(message.detail).get("violations", ())
    rules = sorted({str(each.get("rule", "")) for each in found})
    told = [f"{message.message_type or 'of no type'} {message.state}", *rules]
    deliveries = queries.deliveries(connection, message.id)
    for each in sorted(deliveries, key=lambda row: row.receiver):
        why = each.reason.partition(":")[0] if each.state != "delivered" else ""
        told.append(f"to {each.receiver} {each.state}{why and f' ({why})'}")
    return ", ".join(told)

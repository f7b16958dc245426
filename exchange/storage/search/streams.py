"""The indexes that a search of messages goes by, each as a stream of ids, the newest first; no
condition on what else a message is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from exchange.ports.rows import REPEATED, MessageFilter
from exchange.storage.connection import Connection
from exchange.storage.queries import CAUSE
from exchange.storage.search.conditions import delivery_states
from exchange.storage.search.persons import OF_PERSON, digest_of


class Stream(NamedTuple):
    """Messages that fulfil a condition which an index answers in the order of their ids: the table
    (or a query in its place) in whose rows `column` names them.
    """

    table: str
    column: str
    condition: str
    values: tuple[object, ...] = ()

    def newest(self, connection: Connection, before: int, first: int, most: int) -> list[int]:
        """The greatest ids in [first, before), at most `most`."""
        rows = connection.execute(self._statement(), (*self.values, before, first, most))
        return [row[0] for row in rows]

    def counted(self, connection: Connection, before: int, first: int, most: int) -> int:
        """How many there are, counted up to `most`."""
        statement = f"SELECT COUNT(*) FROM ({self._statement()}) AS part"
        values = (*self.values, before, first, most)
        return int(connection.execute(statement, values).fetchone()[0])

    def _statement(self) -> str:
        named = self.column if self.table == "message" else f"DISTINCT {self.column}"
        condition = f"{self.condition} AND " if self.condition else ""
        return (
            f"SELECT {named} FROM {self.table} WHERE {condition}{self.column}<? AND "
            f"{self.column}>=? ORDER BY {self.column} DESC LIMIT ?"
        )


def of_messages(condition: str, *values: object) -> Stream:
    """Messages by a condition on themselves."""
    return Stream("message", "id", condition, values)


def of_deliveries(condition: str, *values: object) -> Stream:
    """Messages by a condition on one of their deliveries."""
    return Stream("delivery", "message_id", condition, values)


EVERY_MESSAGE = of_messages("")
#: The columns of the index of kinds.
_KIND = ("channel", "message_type", "endpoint")
#: What the index of refused messages' ids, and that of deliveries that are not made, are of.
_REFUSED = "state='rejected'"
_OPEN = "state!='delivered'"

#: Accepted ones by the index that tells duplicates: one step for each sender that ever sent by a
#: channel. (Comparing both columns at once, SQLite would go through all that a sender sent; an
#: empty text of its own would have another collation than the column, which PostgreSQL refuses. The
#: sum keeps PostgreSQL, which may know nothing of the range of ids, from the index of these.)
_NEXT_SENDER = "FROM message WHERE state='accepted' AND channel=pair.channel AND sender>pair.sender"
_BY_SENDERS_ID = f"""(WITH RECURSIVE pair(channel, sender) AS (
  SELECT first.channel, substr(first.sender,1,0) FROM (SELECT channel, sender FROM message
    WHERE state='accepted' ORDER BY channel, sender LIMIT 1) AS first
  UNION ALL
  SELECT CASE WHEN EXISTS (SELECT 1 {_NEXT_SENDER}) THEN pair.channel ELSE
      (SELECT MIN(channel) FROM message WHERE state='accepted' AND channel>pair.channel) END,
    CASE WHEN EXISTS (SELECT 1 {_NEXT_SENDER}) THEN (SELECT MIN(sender) {_NEXT_SENDER})
      ELSE '' END
  FROM pair WHERE pair.channel IS NOT NULL)
SELECT message.id+0 AS id FROM pair CROSS JOIN message ON message.channel=pair.channel AND
  message.sender=pair.sender AND message.state='accepted' WHERE message.sender_message_id=?
) AS named"""


def streams_of(connection: Connection, wanted: MessageFilter) -> list[Sequence[Stream]]:
    """By each filter that an index answers, the streams that together have all that it selects; the
    narrowest kinds of filters first.
    """
    found: list[Sequence[Stream]] = []
    if wanted.sender_message_id:
        named = wanted.sender_message_id
        refused = of_messages(f"sender_message_id=? AND {_REFUSED}", named)
        found.append([refused, Stream(_BY_SENDERS_ID, "id", "", (named,))])
    if wanted.person:
        found.append([Stream(OF_PERSON, "message_id", "", (digest_of(wanted.person),))])
    if wanted.conversation:
        condition = "conversation=? AND conversation!=''"
        found.append([of_messages(condition, wanted.conversation)])
    if wanted.reason:
        refused = Stream("event", "message_id", "kind='rejected' AND detail=?", (wanted.reason,))
        found.append([refused, of_deliveries(f"{CAUSE}=? AND reason!=''", wanted.reason)])
    if wanted.state == REPEATED:
        found.append([Stream("event", "message_id", "kind='duplicate'")])
    elif wanted.state == "rejected":
        found.append([of_messages(_REFUSED)])
    elif (states := delivery_states(wanted)) and "delivered" not in states:
        found.append([of_deliveries(f"state=? AND {_OPEN}", each) for each in states])
    if wanted.process:
        found.append([of_messages("process=? AND process!=''", wanted.process)])
    if wanted.receiver:
        found.append([of_deliveries("receiver=?", wanted.receiver)])
    if wanted.sender:
        found.append([of_messages("sender=?", wanted.sender)])
    if wanted.channel or wanted.message_type or wanted.endpoint:
        found.append([*_by_kind(connection, wanted)])
    return found


def _by_kind(connection: Connection, wanted: MessageFilter) -> Iterator[Stream]:
    """By the index of channel, type and endpoint: whichever of the three are named."""
    condition = " AND ".join(f"{column}=?" for column in _KIND)
    for kind in _kinds(connection, [getattr(wanted, column) for column in _KIND]):
        yield of_messages(condition, *kind)


def _kinds(
    connection: Connection, asked: Sequence[str], known: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    """The kinds of messages that there are, of those that are asked for (empty: any): one step in
    the index for each value of a column after those known.
    """
    if len(known) == len(_KIND):
        yield known
        return
    column = _KIND[len(known)]
    if asked[len(known)]:
        yield from _kinds(connection, asked, (*known, asked[len(known)]))
        return
    before = "".join(f"{name}=? AND " for name in _KIND[: len(known)])
    value, compared = "", ">="
    while True:
        statement = f"SELECT MIN({column}) FROM message WHERE {before}{column}{compared}?"
        value = connection.execute(statement, (*known, value)).fetchone()[0]
        if value is None:
            return
        yield from _kinds(connection, asked, (*known, value))
        compared = ">"

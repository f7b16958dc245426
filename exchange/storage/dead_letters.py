"""Dead letters by filters, which of them can be sent again, and what those of ordered conversations
hold up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from exchange.ports.dead_letters import HeldUp
from exchange.ports.rows import DeadFilter
from exchange.storage.connection import Connection
from exchange.storage.ledger import SqlLedger
from exchange.storage.mailbox import OPEN
from exchange.storage.queries import dead_condition

#: That the body of a message is there: retention forgets it before the message.
_BODY = "(message.bytes=0 OR EXISTS (SELECT 1 FROM body WHERE body.message_id=message.id))"


class LedgerDeadLetters:
    """The port over the ledger."""

    def __init__(self, ledger: SqlLedger) -> None:
        self._ledger = ledger

    async def matching(
        self,
        *,
        wanted: DeadFilter,
        after: int,
        until: int,
        without: Sequence[str],
        resendable: bool,
        most: int,
    ) -> list[int]:
        """By their ids."""
        chosen = _matching(wanted, until, without, resendable)
        return await self._ledger.scan(matching, chosen, after, most)

    async def receivers(
        self, wanted: DeadFilter, until: int, resendable: bool
    ) -> Mapping[str, int]:
        """How many each receiver has."""
        return await self._ledger.scan(receivers, _matching(wanted, until, (), resendable))

    async def without_body(self, delivery_ids: Sequence[int]) -> list[int]:
        """Whose body is forgotten."""
        return await self._ledger.scan(without_body, delivery_ids)

    async def held_up(self) -> Mapping[str, HeldUp]:
        """What waits behind them."""
        return await self._ledger.scan(held_up)


#: FROM and WHERE of a statement, with their values.
Chosen = tuple[str, tuple[object, ...]]


def _matching(wanted: DeadFilter, until: int, without: Sequence[str], resendable: bool) -> Chosen:
    """The dead letters that match and ended up to `until`, to others than `without`."""
    condition, values = dead_condition(wanted)
    others = f" AND delivery.receiver NOT IN ({','.join('?' * len(without))})" if without else ""
    only = f" AND delivery.mode!='ask' AND {_BODY}" if resendable else ""
    return (
        "FROM delivery JOIN message ON message.id=delivery.message_id "
        f"WHERE {condition} AND delivery.ended_at<=?{others}{only}",
        (*values, until, *without),
    )


def matching(connection: Connection, chosen: Chosen, after: int, most: int) -> list[int]:
    """The ids above `after` of the chosen dead letters, the lowest first."""
    rows = connection.execute(
        f"SELECT delivery.id {chosen[0]} AND delivery.id>? ORDER BY delivery.id LIMIT ?",
        (*chosen[1], after, most),
    )
    return [row[0] for row in rows]


def receivers(connection: Connection, chosen: Chosen) -> dict[str, int]:
    """How many of the chosen dead letters each receiver has."""
    # (As an expression, that SQLite does not go through the index of receivers to group by it.)
    statement = f"SELECT delivery.receiver||'', COUNT(*) {chosen[0]} GROUP BY 1 ORDER BY 1"
    return dict(connection.execute(statement, chosen[1]).fetchall())


def without_body(connection: Connection, delivery_ids: Sequence[int]) -> list[int]:
    """Those of the deliveries whose message's body is forgotten."""
    found: list[int] = []
    for start in range(0, len(delivery_ids), 500):
        part = delivery_ids[start : start + 500]
        rows = connection.execute(
            "SELECT delivery.id FROM delivery JOIN message ON message.id=delivery.message_id "
            f"WHERE delivery.id IN ({','.join('?' * len(part))}) AND NOT {_BODY}",
            tuple(part),
        )
        found += [row[0] for row in rows]
    return found


#: Of each receiver that has dead letters of ordered conversations, what waits behind one. (CROSS
#: JOIN keeps the order: each receiver's queue is read once, and its conversations are looked up.)
_HELD_UP = """
WITH first AS MATERIALIZED (
  SELECT delivery.receiver, message.channel, message.conversation,
    MIN(delivery.position) AS position
  FROM delivery JOIN message ON message.id=delivery.message_id
  WHERE delivery.state='dead' AND delivery.ordered=1 AND delivery.mode='{mode}'
  GROUP BY 1,2,3
), held AS MATERIALIZED (SELECT receiver, MIN(position) AS position FROM first GROUP BY 1)
SELECT delivery.receiver, COUNT(*), MIN(message.received_at)
FROM held CROSS JOIN delivery ON delivery.receiver=held.receiver
  AND delivery.position>held.position
CROSS JOIN message ON message.id=delivery.message_id
CROSS JOIN first ON first.receiver=delivery.receiver AND first.channel=message.channel
  AND first.conversation=message.conversation AND first.position<delivery.position
WHERE delivery.state='waiting' AND delivery.mode='{mode}' AND delivery.ordered=1 AND {indexed}
GROUP BY 1"""
#: By the index of each mode.
_MODES = {"push": "1=1", "mailbox": f"({OPEN})"}


def held_up(connection: Connection) -> dict[str, HeldUp]:
    """What waits behind dead letters of its conversation, by receiver."""
    found: dict[str, HeldUp] = {}
    for mode, indexed in _MODES.items():
        statement = _HELD_UP.format(mode=mode, indexed=indexed)
        for receiver, deliveries, oldest_at in connection.execute(statement):
            known = found.get(receiver, HeldUp(0, oldest_at))
            found[receiver] = HeldUp(known.deliveries + deliveries, min(known.oldest_at, oldest_at))
    return found

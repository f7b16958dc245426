"""The turns of what is being taken in, shared by all nodes: rows that are there from when a message
came until it is taken in or refused; who waits for whom is the journey's (`journey.turns`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from exchange.storage.connection import Connection, execute_with
from exchange.storage.ownership import Ownership

Result = TypeVar("Result")

_ASKED = "number bigint,channel text,sender text,node bigint"
#: After all that have not ended, and all that an earlier life of any node may have taken: one that
#: lost its number and does not know it yet ends its turn by the number that this had.
_LAST = (
    "(SELECT MAX(number) FROM (SELECT MAX(number) AS number FROM turn UNION ALL "
    f"SELECT SUM(epoch)*{1 << 32} FROM owner) AS given)"
)
_TAKE = (
    "INSERT INTO turn(number,channel,sender,node) "
    f"SELECT {_LAST}+asked.number,channel,sender,node "
    "FROM asked WHERE true ON CONFLICT DO NOTHING RETURNING number,channel,sender"
)
_END = "DELETE FROM turn WHERE (number,node) IN (SELECT number,node FROM ended)"


class SharedTurns(ABC):
    """The turns of a ledger, taken and ended as the node that it is written as."""

    ownership: Ownership

    @abstractmethod
    async def read(self, query: Callable[..., Result], *arguments: Any) -> Result:
        """Run a short query."""

    @abstractmethod
    async def pass_on(self, change: Callable[..., Result], *arguments: Any) -> Result:
        """Make a change by which nodes tell each other something: it is in no chain, and may be
        lost when the machine stops.
        """

    async def take_turns(self, senders: Sequence[tuple[str, str]]) -> list[int]:
        """Messages of these (channel, sender) have come, in this order."""
        return await self.pass_on(take_turns, senders, self.ownership.node)

    async def end_turns(self, turns: Sequence[int]) -> Sequence[None]:
        """Messages are taken in, or refused."""
        return await self.pass_on(end_turns, self.ownership.node, turns)

    async def take_turn(self, channel: str, sender: str) -> int:
        """A message of that sender has come."""
        [number] = await self.take_turns([(channel, sender)])
        return number

    async def has_earlier_turn(self, channel: str, sender: str, turn: int) -> bool:
        """Whether another node is taking in what came before."""
        node = self.ownership.node
        return await self.read(has_earlier_turn, channel, sender, node, turn)

    async def end_turn(self, turn: int) -> None:
        """A message is taken in, or refused."""
        await self.end_turns([turn])

    async def drop_earlier_turns(self, channel: str, sender: str, turn: int) -> None:
        """End the turns of other nodes that came before."""
        await self.pass_on(drop_earlier_turns, channel, sender, self.ownership.node, turn)


def take_turns(connection: Connection, senders: Sequence[tuple[str, str]], node: int) -> list[int]:
    """The next turns, after all that have not ended."""
    turns: dict[int, int] = {}
    # (On a server another node may take the same number meanwhile, and is seen the next time.)
    while left := [place for place in range(len(senders)) if place not in turns]:
        rows = [(number, *senders[place], node) for number, place in enumerate(left, 1)]
        taken: dict[tuple[str, str], deque[int]] = defaultdict(deque)
        for number, channel, sender in sorted(
            execute_with(connection, "asked", rows, _ASKED, _TAKE)
        ):
            taken[channel, sender].append(number)
        for place in left:
            if free := taken[senders[place]]:
                turns[place] = free.popleft()
    return [turns[place] for place in range(len(senders))]


def has_earlier_turn(
    connection: Connection, channel: str, sender: str, node: int, number: int
) -> bool:
    """Whether another node has a turn of that sender before that one."""
    row = connection.execute(
        "SELECT 1 FROM turn WHERE channel=? AND sender=? AND node!=? AND number<? LIMIT 1",
        (channel, sender, node, number),
    ).fetchone()
    return row is not None


def end_turns(connection: Connection, node: int, turns: Sequence[int]) -> Sequence[None]:
    """End turns of a node's own."""
    rows = [(turn, node) for turn in turns]
    execute_with(connection, "ended", rows, "number bigint,node bigint", _END)
    return [None] * len(turns)


def end_turns_of(connection: Connection, node: int) -> None:
    """End what a life of that node before left behind."""
    connection.execute("DELETE FROM turn WHERE node=?", (node,))


def drop_earlier_turns(
    connection: Connection, channel: str, sender: str, node: int, number: int
) -> None:
    """End the turns of other nodes before that one."""
    connection.execute(
        "DELETE FROM turn WHERE channel=? AND sender=? AND node!=? AND number<?",
        (channel, sender, node, number),
    )

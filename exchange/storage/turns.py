"""The turns of what is being taken in, shared by all nodes: rows that are there from when a message
came until it is taken in or refused; who waits for whom is the journey's (`journey.turns`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

from exchange.storage.connection import Connection
from exchange.storage.ownership import Ownership

Result = TypeVar("Result")


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

    async def take_turn(self, channel: str, sender: str) -> int:
        """A message of that sender has come."""
        return await self.pass_on(take_turn, channel, sender, self.ownership.node)

    async def has_earlier_turn(self, channel: str, sender: str, turn: int) -> bool:
        """Whether another node is taking in what came before."""
        node = self.ownership.node
        return await self.read(has_earlier_turn, channel, sender, node, turn)

    async def end_turn(self, turn: int) -> None:
        """A message is taken in, or refused."""
        await self.pass_on(end_turn, self.ownership.node, turn)

    async def drop_earlier_turns(self, channel: str, sender: str, turn: int) -> None:
        """End the turns of other nodes that came before."""
        await self.pass_on(drop_earlier_turns, channel, sender, self.ownership.node, turn)


def take_turn(connection: Connection, channel: str, sender: str, node: int) -> int:
    """The next turn, after all that have not ended."""
    taken: list[tuple[int]] = []
    while not taken:
        # (On a server another node may take the same number meanwhile, and is seen the next time.)
        taken = connection.execute(
            "INSERT INTO turn(number,channel,sender,node) "
            "SELECT COALESCE(MAX(number),0)+1,?,?,? FROM turn WHERE true "
            "ON CONFLICT DO NOTHING RETURNING number",
            (channel, sender, node),
        ).fetchall()
    return taken[0][0]


def has_earlier_turn(
    connection: Connection, channel: str, sender: str, node: int, number: int
) -> bool:
    """Whether another node has a turn of that sender before that one."""
    row = connection.execute(
        "SELECT 1 FROM turn WHERE channel=? AND sender=? AND node!=? AND number<? LIMIT 1",
        (channel, sender, node, number),
    ).fetchone()
    return row is not None


def end_turn(connection: Connection, node: int, number: int) -> None:
    """End a turn of a node's own."""
    connection.execute("DELETE FROM turn WHERE number=? AND node=?", (number, node))


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

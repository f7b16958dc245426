"""The turns of what is being taken in, shared by all nodes: rows that are there from when a message
came until it is taken in or refused; who waits for whom is the journey's (`journey.turns`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from asyncio import Future
from collections.abc import Callable
from typing import Any, TypeVar

from exchange.storage.connection import Connection
from exchange.storage.group import Change
from exchange.storage.ownership import Ownership

Result = TypeVar("Result")


class SharedTurns(ABC):
    """The turns of a ledger, taken and ended as the node that it is written as."""

    ownership: Ownership

    @abstractmethod
    def _submit(self, what: Change) -> Future[Any]: ...

    @abstractmethod
    async def read(self, query: Callable[..., Result], *arguments: Any) -> Result:
        """Run a short query."""

    async def take_turn(self, channel: str, sender: str) -> int:
        """A message of that sender has come."""
        node = self.ownership.node
        number: int = await self._submit(
            lambda connection: take_turn(connection, channel, sender, node)
        )
        return number

    async def has_earlier_turn(self, channel: str, sender: str, turn: int) -> bool:
        """Whether another node is taking in what came before."""
        node = self.ownership.node
        return await self.read(has_earlier_turn, channel, sender, node, turn)

    async def end_turn(self, turn: int) -> None:
        """A message is taken in, or refused."""
        node = self.ownership.node
        await self._submit(lambda connection: end_turn(connection, node, turn))

    async def drop_earlier_turns(self, channel: str, sender: str, turn: int) -> None:
        """End the turns of other nodes that came before."""
        node = self.ownership.node
        await self._submit(
            lambda connection: drop_earlier_turns(connection, channel, sender, node, turn)
        )


def take_turn(connection: Connection, channel: str, sender: str, node: int) -> int:
    """The next turn, after all that have not ended."""
    [(number,)] = connection.execute(
        "INSERT INTO turn(number,channel,sender,node) "
        "SELECT COALESCE(MAX(number),0)+1,?,?,? FROM turn RETURNING number",
        (channel, sender, node),
    ).fetchall()
    return int(number)


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

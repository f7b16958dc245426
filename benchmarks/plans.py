"""How SQLite finds what the hot statements of a ledger ask for: EXPLAIN QUERY PLAN of each, taken from the real queries; no timing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from exchange.storage import queries
from exchange.storage.commit import lease_mailbox
from exchange.storage.connection import connect
from exchange.storage.retain import drop_bodies, drop_messages


@dataclass(frozen=True, slots=True)
class Plan:
    """A statement's plan: `scans` says that it reads a whole table or index."""

    name: str
    steps: tuple[str, ...]

    @property
    def scans(self) -> bool:
        """Whether any step reads all of a table."""
        return any(step.startswith("SCAN") and "CONSTANT" not in step and "pruned" not in step for step in self.steps)


#: Asked by every message or delivery, by a timer, or by a page that is looked at all the time.
HOT: dict[str, Callable[[sqlite3.Connection], object]] = {
    "find a repeated message": lambda connection: queries.find(connection, "c", "s", "m"),
    "what a channel remembers": lambda connection: queries.memory(connection, "c", ["k"]),
    "deliveries that are due": lambda connection: queries.due(connection, (0,), 1, 10, "push"),
    "deliveries with body": lambda connection: queries.pending(connection, (1, 2), "waiting", True),
    "lease a mailbox": lambda connection: lease_mailbox(connection, "c", "r", 10, 0, 0),
    "a message": lambda connection: queries.message(connection, 1),
    "deliveries of a message": lambda connection: queries.deliveries(connection, 1),
    "events of a message": lambda connection: queries.events(connection, 1),
    "dead letters": lambda connection: queries.dead(connection, 10, 1),
    "the page's counters": lambda connection: queries.totals(connection, ("channel", "kind"), 0, 1 << 62, True),
    "drop bodies": lambda connection: drop_bodies(connection, 0, 10),
    "drop messages": lambda connection: drop_messages(connection, 0, 10),
}


def plans(path: Path) -> Iterator[Plan]:
    """The plan of every hot statement on that ledger; nothing is changed."""
    connection = connect(path)
    connection.execute("BEGIN")
    try:
        for name, ask in HOT.items():
            for number, statement in enumerate(_statements(connection, ask)):
                rows = connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
                yield Plan(f"{name}{f' ({number + 1})' if number else ''}", tuple(row[3] for row in rows))
    finally:
        connection.execute("ROLLBACK")
        connection.close()


def _statements(connection: sqlite3.Connection, ask: Callable[[sqlite3.Connection], object]) -> list[str]:
    """The statements that a query makes, as SQLite sees them."""
    seen: list[str] = []
    connection.set_trace_callback(seen.append)
    try:
        ask(connection)
    finally:
        connection.set_trace_callback(None)
    return [text for text in seen if text.lstrip().split(" ")[0] in ("SELECT", "UPDATE", "DELETE")]

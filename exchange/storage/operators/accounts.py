"""Operators, their keys and sessions in the ledger; every change is committed with its row of the
audit log.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from exchange.errors import OperatorError
from exchange.ports.operators import (
    AT_ONCE,
    KEYS_MAX,
    Actor,
    Listed,
    Operator,
    fingerprint,
)
from exchange.storage.connection import Connection
from exchange.storage.operators import audit

#: Open sessions of an operator; with one more the oldest ends.
SESSIONS_MAX = 16


class OpenLedger(Protocol):
    """What of a ledger on a database is used here."""

    async def read(self, query: Callable[..., Any], *arguments: Any) -> Any:
        """What a short query returns, which is given a connection and the arguments."""
        ...

    async def change(self, work: Callable[[Connection], None]) -> None:
        """Commit what `work` does to the tables, in one transaction with nothing half done."""
        ...


class LedgerOperators:
    """The operators' port over the ledger: a key that is made or removed counts from its commit, in
    every worker.
    """

    def __init__(self, ledger: OpenLedger) -> None:
        self._ledger = ledger

    async def by_key(self, digest: bytes) -> Operator | None:
        """The operator that holds the key."""
        row = await self._ledger.read(
            _row,
            "SELECT operator.name,operator.role FROM operator_key JOIN operator "
            "ON operator.name=operator_key.operator WHERE operator_key.digest=?",
            (digest,),
        )
        return Operator(*row) if row else None

    async def by_session(self, digest: bytes, now: int, furthest: int) -> Operator | None:
        """The operator of a session that has not ended and whose key still counts."""
        row = await self._ledger.read(
            _row,
            "SELECT operator.name,operator.role FROM operator_session "
            "JOIN operator_key ON operator_key.digest=operator_session.key_digest "
            "JOIN operator ON operator.name=operator_key.operator "
            "WHERE operator_session.digest=? AND operator_session.until BETWEEN ? AND ?",
            (digest, now + 1, furthest),
        )
        return Operator(*row) if row else None

    async def begin_session(
        self, digest: bytes, key_digest: bytes, now: int, until: int, actor: Actor
    ) -> None:
        """Commit a session that the key opened, and the row of the audit log that says so."""
        name = actor.operator.name

        def begin(connection: Connection) -> None:
            connection.execute("DELETE FROM operator_session WHERE until<=?", (now,))
            connection.execute(
                "DELETE FROM operator_session WHERE operator=? AND digest NOT IN (SELECT digest "
                "FROM operator_session WHERE operator=? ORDER BY until DESC LIMIT ?)",
                (name, name, SESSIONS_MAX - 1),
            )
            connection.execute(
                "INSERT INTO operator_session(digest,operator,key_digest,until) VALUES (?,?,?,?)",
                (digest, name, key_digest, until),
            )
            audit.write(connection, [actor.did(now, "sign-in", name, "done")])

        await self._ledger.change(begin)

    async def end_session(self, digest: bytes, now: int, actor: Actor) -> None:
        """Commit the end of a session, and the row of the audit log that says so."""

        def end(connection: Connection) -> None:
            done = connection.execute("DELETE FROM operator_session WHERE digest=?", (digest,))
            if done.rowcount:
                target = actor.operator.name
                audit.write(connection, [actor.did(now, "sign-out", target, "done")])

        await self._ledger.change(end)

    async def listed(self) -> list[Listed]:
        """Every operator, by name."""
        rows = await self._ledger.read(
            _rows,
            "SELECT operator.name,operator.role,operator_key.made_at FROM operator "
            "LEFT JOIN operator_key ON operator_key.operator=operator.name "
            "ORDER BY operator.name,operator_key.made_at",
        )
        found: dict[str, Listed] = {}
        for name, role, made_at in rows:
            earlier = found[name].keys_made_at if name in found else ()
            made = () if made_at is None else (made_at,)
            found[name] = Listed(name, role, (*earlier, *made))
        return list(found.values())

    async def add(self, operator: Operator, digest: bytes, now: int, actor: Actor) -> None:
        """Commit an operator with a first key.

        Raises:
            OperatorError: when there is one of that name.
        """

        def add(connection: Connection) -> None:
            if _role(connection, operator.name) is not None:
                raise OperatorError(
                    f"there is an operator {operator.name!r}; another key: "
                    f"exchange operators rotate {operator.name}"
                )
            connection.execute(
                "INSERT INTO operator(name,role) VALUES (?,?)", (operator.name, operator.role)
            )
            _keep(connection, operator.name, digest, now)
            outcome = f"{operator.role}, key {fingerprint(digest)}"
            audit.write(connection, [actor.did(now, "operator-add", operator.name, outcome)])

        await self._ledger.change(add)

    async def rotate(
        self, name: str, digest: bytes, now: int, actor: Actor, at_once: bool = False
    ) -> None:
        """Commit another key. The newest one before it counts until the next rotation, unless
        `at_once`.

        Raises:
            OperatorError: when there is no operator of that name.
        """

        def rotate(connection: Connection) -> None:
            _must_be(connection, name)
            _drop_keys(connection, name, 0 if at_once else KEYS_MAX - 1)
            _keep(connection, name, digest, now)
            told = AT_ONCE if at_once else "the last key counts too"
            outcome = f"{told}, key {fingerprint(digest)}"
            audit.write(connection, [actor.did(now, "operator-rotate", name, outcome)])

        await self._ledger.change(rotate)

    async def drop_old_key(self, name: str, now: int, actor: Actor) -> None:
        """Commit the end of a rotation: of the operator's keys only the newest counts.

        Raises:
            OperatorError: when there is no operator of that name.
        """

        def drop(connection: Connection) -> None:
            _must_be(connection, name)
            dropped = _drop_keys(connection, name, 1)
            row = actor.did(now, "operator-drop-old-key", name, f"{dropped} dropped")
            audit.write(connection, [row])

        await self._ledger.change(drop)

    async def remove(self, name: str, now: int, actor: Actor) -> None:
        """Commit the removal of an operator with keys and sessions.

        Raises:
            OperatorError: when there is no operator of that name.
        """

        def remove(connection: Connection) -> None:
            _must_be(connection, name)
            _drop_keys(connection, name, 0)
            connection.execute("DELETE FROM operator WHERE name=?", (name,))
            audit.write(connection, [actor.did(now, "operator-remove", name, "removed")])

        await self._ledger.change(remove)


def _row(connection: Connection, query: str, values: Sequence[Any]) -> Any:
    return connection.execute(query, values).fetchone()


def _rows(connection: Connection, query: str) -> list[Any]:
    return connection.execute(query).fetchall()


def _role(connection: Connection, name: str) -> str | None:
    row = connection.execute("SELECT role FROM operator WHERE name=?", (name,)).fetchone()
    return str(row[0]) if row else None


def _must_be(connection: Connection, name: str) -> None:
    if _role(connection, name) is None:
        raise OperatorError(
            f"there is no operator {name!r}; `exchange operators list` names every one"
        )


def _keep(connection: Connection, name: str, digest: bytes, now: int) -> None:
    connection.execute(
        "INSERT INTO operator_key(digest,operator,made_at) VALUES (?,?,?)", (digest, name, now)
    )


def _drop_keys(connection: Connection, name: str, kept: int) -> int:
    """Drop all keys of an operator but the newest `kept`, with the sessions that they opened; how
    many were dropped.
    """
    done = connection.execute(
        "DELETE FROM operator_key WHERE operator=? AND digest NOT IN (SELECT digest FROM "
        "operator_key WHERE operator=? ORDER BY made_at DESC,rowid DESC LIMIT ?)",
        (name, name, kept),
    )
    connection.execute(
        "DELETE FROM operator_session WHERE operator=? AND key_digest NOT IN "
        "(SELECT digest FROM operator_key)",
        (name,),
    )
    return done.rowcount

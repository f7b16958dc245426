"""Proving what no commit covers and every commit relies on: the file's tables and indexes, and the
lanes and conversations of the deliveries that wait.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing

from exchange.ports.lanes import LANES, lane_of
from exchange.ports.rows import ordered_in
from exchange.ports.verification import Check
from exchange.storage.connection import Connection, each
from exchange.storage.migrate import NEW_LEDGER

#: All that is in a file but what SQLite keeps for itself.
_NAMED = r"SELECT type,name,sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\'"
_COLUMNS = 'SELECT name,type,"notnull",pk FROM pragma_table_info(?)'
_OPEN = (
    "SELECT delivery.id,lane,ordered,receiver,channel,conversation FROM delivery "
    "JOIN message ON message.id=delivery.message_id "
    "WHERE delivery.state IN ('waiting','dead') AND mode='push'"
)
_IN_MAILBOXES = (
    "SELECT delivery.id,ordered,channel,conversation,ordered_in FROM delivery "
    "JOIN message ON message.id=delivery.message_id "
    "WHERE delivery.state IN ('waiting','dead') AND mode='mailbox' AND ordered_in!=''"
)


def prove_shape(connection: sqlite3.Connection) -> Check:
    """Whether the file has the tables and indexes of its version, and nothing else: an index that
    keeps a message from being taken twice may be gone, a trigger may change what is written.
    """
    check = Check("the file has the tables and indexes of this version")
    with closing(sqlite3.connect(":memory:")) as new:
        new.executescript(NEW_LEDGER.read_text(encoding="utf-8"))
        wanted = _shape(new)
    found = _shape(connection)
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found:
            check.breaks(f"{name}: is gone")
        elif name not in wanted:
            check.breaks(f"{name}: was put in")
        elif found[name] != wanted[name]:
            check.breaks(f"{name}: is {found[name]}, not {wanted[name]}")
    return check


def _shape(connection: sqlite3.Connection) -> dict[str, str]:
    """Every column with its type, and everything else in the file with what makes it. (How a table
    was made depends on the version that it is from, and on those that changed it.)
    """
    shape: dict[str, str] = {}
    for kind, name, made_by in connection.execute(_NAMED).fetchall():
        if kind != "table":
            shape[f"{kind} {name}"] = " ".join(made_by.split())
            continue
        for column, *told in connection.execute(_COLUMNS, (name,)):
            shape[f"column {name}.{column}"] = " ".join(map(str, told))
    return shape


def prove_lanes(connection: Connection) -> Check:
    """Whether the deliveries that the exchange is to make are in lanes that somebody owns: of an
    ordered conversation all in its own, since it is by its lane that it has one owner; and whether
    those in mailboxes are ordered in their conversation.
    """
    check = Check("what is to be delivered is in the lane of its conversation")
    for number, lane, ordered, receiver, channel, conversation in each(connection, _OPEN):
        if not 0 <= lane < LANES:
            check.breaks(f"delivery {number}: is in lane {lane}, which nobody has")
        elif ordered and lane != (right := lane_of(receiver, channel, conversation)):
            check.breaks(f"delivery {number}: is in lane {lane}, its conversation in {right}")
    for number, ordered, channel, conversation, kept in each(connection, _IN_MAILBOXES):
        if not ordered or kept != ordered_in(channel, conversation):
            check.breaks(f"delivery {number}: is ordered in {kept}, not in its conversation")
    return check

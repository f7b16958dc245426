"""The advisory locks by which nodes on one database agree, and how they are taken; who takes which
stands where it is taken.

A lock is a pair of numbers, of this database alone. A session's lock is free when the session has
ended, whatever ended it: so nobody owns a node whose session is gone, and the session that owns it
is the one that writes.

Source: PostgreSQL's documentation, 13.3.5 "Advisory Locks".
"""

from __future__ import annotations

#: The first number of each.
_OURS = 0x45584348

#: One writes at a time; one migrates at a time.
WRITING = (_OURS, -1)
MIGRATION = (_OURS, -2)


def node_lock(node: int) -> tuple[int, int]:
    """The lock of who writes as that node."""
    return (_OURS, node)


TRY = "SELECT pg_try_advisory_lock($1::int,$2::int)"
#: The first number from $2 to $3 whose lock was free, and is taken now.
FREE = "SELECT n FROM generate_series($2::int,$3::int) AS n WHERE pg_try_advisory_lock($1::int,n) LIMIT 1"

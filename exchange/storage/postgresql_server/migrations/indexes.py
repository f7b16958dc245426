"""Indexes that a revision makes while nodes of the version before go on writing."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy
from alembic import op

#: Whether an index of that name is there, and may be used (not one whose making was ended).
_VALID = sqlalchemy.text(
    "SELECT indisvalid FROM pg_index WHERE indexrelid=to_regclass(CAST(:name AS text))"
)


def make_indexes(indexes: Mapping[str, str]) -> None:
    """Make indexes, by their names and what they are of, each in transactions of its own: none
    keeps anybody from writing, but each waits for all that began to read or write before it. What
    is there is left as it is, and what a try before this one left unfinished is made anew.

    Source: PostgreSQL's documentation, "CREATE INDEX", "Building Indexes Concurrently".
    """
    with op.get_context().autocommit_block():
        # (It holds up nobody, however long it waits.)
        op.execute("SET lock_timeout=0")
        for name, what in indexes.items():
            valid = op.get_bind().scalar(_VALID, {"name": name})
            if valid is False:
                op.execute(f"DROP INDEX CONCURRENTLY {name}")
            if not valid:
                op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {what}")
        op.execute("RESET lock_timeout")

"""`json_each` with a name for its parameter: `pg_dump` writes a query in a function by the names of
what it uses, and PostgreSQL could not read what it had written of one without a name.
"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Name it; the function stays the same."""
    op.execute(
        "CREATE OR REPLACE FUNCTION json_each(given text) RETURNS TABLE(key text, value jsonb) "
        "LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE BEGIN ATOMIC "
        "SELECT each.key, each.value FROM jsonb_each(given::jsonb) AS each; END"
    )

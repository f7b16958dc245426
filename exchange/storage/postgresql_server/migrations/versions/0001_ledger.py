"""The ledger: the tables as the embedded one has them at its revision 0015, and the functions that
shared statements call (`0001_ledger.sql`).
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them, one statement after the other."""
    for statement in Path(__file__).with_suffix(".sql").read_text(encoding="utf-8").split(";\n\n"):
        op.get_bind().exec_driver_sql(statement)

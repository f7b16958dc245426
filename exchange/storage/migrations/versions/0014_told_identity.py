"""Events tell the digest of a message's identity, too, since this revision; older code would call
them altered, so it ends at this ledger.
"""

from __future__ import annotations

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No table changes: what is stored already has no such digest, and is proved as it was."""


def downgrade() -> None:
    """Nothing to take back; older code names the events of since then as altered."""

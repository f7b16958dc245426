"""Leases of nodes and of lanes, by the server's clock (see `postgresql.leases`): on a server only."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make two tables: until when which life of a node holds what it leased, and which lane (256:
    the keeper's duty) which life of which node leased. `until` is in milliseconds since 1970 UTC.
    """
    op.execute(
        "CREATE TABLE node_lease (node BIGINT NOT NULL, epoch BIGINT NOT NULL, "
        "delivers SMALLINT NOT NULL, until BIGINT NOT NULL, PRIMARY KEY (node))"
    )
    op.execute(
        "CREATE TABLE lane_lease (lane BIGINT NOT NULL, node BIGINT NOT NULL, "
        "epoch BIGINT NOT NULL, PRIMARY KEY (lane))"
    )

"""How Alembic runs our migrations: on the connection that it is given; no configuration file."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

from exchange.storage import tables  # noqa: F401 - declares the tables
from exchange.storage.counters import tables as counter_tables  # noqa: F401 - declares the tables
from exchange.storage.operators import tables as operator_tables  # noqa: F401 - declares the tables

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()

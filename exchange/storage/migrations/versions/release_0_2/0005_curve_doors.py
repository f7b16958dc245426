"""Curves of days tell doors apart, and items received from items delivered: what partners sent from
what the exchange sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from alembic import op
from sqlalchemy import inspect, text
from sqlmodel import SQLModel

from exchange.storage import tables  # noqa: F401 - declares the tables
from exchange.storage.codec import pack, unpack

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

#: By minute of the day: what there is of it.
Curve = dict[int, list[int]]
_LEVEL = 3


def upgrade() -> None:
    """Add them, unless the table was made with them. Of what was folded before, the door is `?` and
    items received are 0: neither was kept.
    """
    bind = op.get_bind()
    if any(
        column["name"] in ("door", "endpoint") for column in inspect(bind).get_columns("day_curve")
    ):
        return
    op.execute("ALTER TABLE day_curve RENAME TO day_curve_0004")
    SQLModel.metadata.tables["day_curve"].create(bind)
    insert = (
        "INSERT INTO day_curve(day,channel,endpoint,codec,content) VALUES "
        "(:day,:channel,'?',:codec,:content)"
    )
    _copy("day_curve_0004", insert, lambda sums: [sums[0], 0, *sums[1:]])
    op.execute("DROP TABLE day_curve_0004")


def downgrade() -> None:
    """Drop them, adding up what only they told apart."""
    op.execute("ALTER TABLE day_curve RENAME TO day_curve_0005")
    op.execute(
        "CREATE TABLE day_curve(day INTEGER NOT NULL,channel VARCHAR NOT NULL,codec SMALLINT NOT "
        "NULL,content BLOB NOT NULL,"
        "PRIMARY KEY(day,channel)) WITHOUT ROWID"
    )
    insert = (
        "INSERT INTO day_curve(day,channel,codec,content) VALUES (:day,:channel,:codec,:content)"
    )
    _copy("day_curve_0005", insert, lambda sums: [sums[0], *sums[2:]])
    op.execute("DROP TABLE day_curve_0005")


def _copy(source: str, insert: str, change: Callable[[list[int]], list[int]]) -> None:
    """Copy each day of each channel, its curves added up and changed; one day at a time is in
    memory.
    """
    bind = op.get_bind()
    keys = bind.execute(text(f"SELECT DISTINCT day,channel FROM {source}")).fetchall()
    for day, channel in keys:
        added: Curve = {}
        where: dict[str, Any] = {"day": day, "channel": channel}
        for codec, content in bind.execute(
            text(f"SELECT codec,content FROM {source} WHERE day=:day AND channel=:channel"), where
        ):
            for minute, *sums in json.loads(unpack(codec, content)):
                added[minute] = [
                    one + other
                    for one, other in zip(added.get(minute, [0] * len(sums)), sums, strict=True)
                ]
        whole = json.dumps(
            [[minute, *change(sums)] for minute, sums in sorted(added.items())],
            separators=(",", ":"),
        )
        codec, content = pack(whole.encode(), _LEVEL)
        bind.execute(text(insert), {**where, "codec": codec, "content": content})

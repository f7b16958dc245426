"""What the statistics need besides counters: the partners as they were, the times that are held,
counters of items by what they are.

Of what there is, each population message of one kind had items of that kind only; these counters
are kept as those of dropped messages are, since the messages don't tell.
"""

from __future__ import annotations

from alembic import op
from sqlmodel import SQLModel

from exchange.storage import tables  # noqa: F401 - declares the tables
from exchange.storage.counters.days import day_of_minute

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ITEMS = (
    ("population.births", "birth"),
    ("population.deaths", "death"),
    ("population.address-changes", "address-change"),
    ("population.registrations", "registration"),
)
_KEY = "channel,message_type,sender,receiver,endpoint"
_FIGURES = "process,count,items,0"
_COLUMNS = f"period,{_KEY},kind,process,count,items,bytes"
#: Where the counters of what the messages don't tell go as well.
_TWICE = {
    "counter": ("counter", "pruned_counter"),
    "day_counter": ("day_counter",),
}


def upgrade() -> None:
    """Add them. Nothing is held but from the first day that has a counter to the last."""
    bind = op.get_bind()
    for name in ("partner_history", "held"):
        SQLModel.metadata.tables[name].create(bind, checkfirst=True)
    op.execute(
        "INSERT INTO held(since,until) SELECT MIN(period),MAX(period) FROM day_counter "
        "HAVING COUNT(*)>0"
    )
    connection = bind.connection.driver_connection
    assert connection is not None, "a migration runs on an open connection"
    connection.create_function("day_of_minute", 1, day_of_minute, deterministic=True)
    for message_type, item in ITEMS:
        of_type = f"WHERE message_type='{message_type}' AND kind IN ('queued','delivered')"
        # What is folded has no minutes any more: the days say all that the minutes don't.
        op.execute(
            f"INSERT INTO pruned_day_counter({_COLUMNS}) "
            f"SELECT period,{_KEY},kind||char(58)||'{item}',process,SUM(count),SUM(items),0 FROM ("
            f"SELECT period,{_KEY},kind,process,count,items FROM day_counter {of_type} "
            "UNION ALL "
            f"SELECT day_of_minute(period),{_KEY},kind,process,-count,-items FROM counter {of_type}"
            f") GROUP BY period,{_KEY},kind,process HAVING SUM(count)<>0 OR SUM(items)<>0"
        )
        for source, targets in _TWICE.items():
            for target in targets:
                op.execute(
                    f"INSERT INTO {target}({_COLUMNS}) SELECT "
                    f"period,{_KEY},kind||char(58)||'{item}',"
                    f"{_FIGURES} FROM {source} {of_type}"
                )


def downgrade() -> None:
    """Drop them."""
    for name in ("counter", "day_counter", "pruned_counter", "pruned_day_counter"):
        op.execute(f"DELETE FROM {name} WHERE instr(kind,char(58))>0")
    op.execute("DROP TABLE partner_history")
    op.execute("DROP TABLE held")

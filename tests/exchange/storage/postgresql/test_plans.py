"""Plans of a server that has not looked at its tables yet, or looked when they were small: what an
index answers is answered by it all the same.
"""

from __future__ import annotations

from exchange.ports.rows import MessageFilter
from exchange.storage.connection import Connection
from exchange.storage.postgresql.ledger import PostgresLedger
from exchange.storage.search.messages import search
from tests.contracts.rows import record, settlement
from tests.postgresql import LocalServer

#: Messages that are there, and how often a statement comes: after five times the server may keep
#: one plan for all values.
THERE, TIMES = 3_000, 7
#: Of one sender each hundred.
_FILL = f"""INSERT INTO message SELECT 1000000000+n,'luova','population.births','sender-'||n%30,
  'id-'||n,'',0,'accepted','api','',1,1,'','{{}}','',1000000+n,'' FROM generate_series(1,{THERE}) n;
INSERT INTO delivery SELECT id,id,'kela','push','delivered',1,1,0,1,0,0,'',position,0 FROM message
  WHERE id>1000000000"""
#: One message, of nobody knows whom.
WANTED = MessageFilter(sender_message_id="id-7")
_READ = (
    "SELECT SUM(seq_tup_read)+SUM(idx_tup_fetch) FROM pg_stat_xact_user_tables "
    "WHERE relname IN ('message','delivery')"
)


async def test_rows_of_a_small_table_are_found_by_index_once_it_is_large(
    postgresql: LocalServer,
) -> None:
    ledger = PostgresLedger(postgresql.ledger())
    await ledger.open()
    try:
        for number in range(TIMES):
            await _record_and_settle(ledger, f"small-{number}")
        await ledger.change(_fill)
        before = await ledger.change(_rows_read)
        await _record_and_settle(ledger, "large")
        assert 0 < await ledger.change(_rows_read) - before < 50
    finally:
        await ledger.close()


async def _record_and_settle(ledger: PostgresLedger, name: str) -> None:
    made = record(name)
    await ledger.record(made)
    await ledger.settle(settlement(made, "delivered", ["delivered"]))


def _fill(connection: Connection) -> None:
    for statement in _FILL.split(";"):
        connection.execute(statement)


def _rows_read(connection: Connection) -> int:
    """How many rows the session has read, since the server last gathered that."""
    [(rows,)] = connection.execute(_READ).fetchall()
    return int(rows)


async def test_a_search_reads_few_rows_however_often_it_comes(postgresql: LocalServer) -> None:
    ledger = PostgresLedger(postgresql.ledger())
    await ledger.open()
    try:
        await ledger.change(_fill)
        for has_statistics in (False, True):
            if has_statistics:
                await ledger.change(_grown)
            read = [await ledger.read(_rows_of, WANTED) for _ in range(TIMES)]
            assert 0 < max(read) < THERE / 10, (has_statistics, read)
    finally:
        await ledger.close()


def _grown(connection: Connection) -> None:
    """Have the server know its tables, as if there were a million of messages."""
    connection.execute("ANALYZE message,delivery")
    connection.execute("UPDATE pg_class SET reltuples=1000000 WHERE relname LIKE 'message%'")


def _rows_of(connection: Connection, wanted: MessageFilter) -> int:
    """How many rows a search reads."""
    connection.execute("BEGIN")
    before = _rows_read(connection)
    search(connection, wanted, 1 << 62, 50, 20_000)
    rows = _rows_read(connection) - before
    connection.execute("COMMIT")
    return rows

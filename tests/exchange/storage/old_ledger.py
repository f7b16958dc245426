"""Ledgers as revision 0005 wrote them (before positions, owners and the chain), of any size: what
every later migration must carry over. The schema stands in `ledger_0005.sql` as it was.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from hashlib import blake2b
from pathlib import Path

from exchange.storage.codec import pack
from exchange.storage.counters.days import day_of_minute
from exchange.storage.proof.recount import RECOUNT

SCHEMA = Path(__file__).with_name("ledger_0005.sql")
#: Of ten messages: one is rejected, two are answered, one has two receivers, one is remembered, one
#: is sent twice, one is dead. Every twentieth event id was retention's.
_FILL = """
CREATE TEMP TABLE made AS WITH RECURSIVE counted(n) AS (SELECT 0 UNION ALL SELECT n+1 FROM counted WHERE n<:messages-1)
  SELECT n, ((n+1)*500)<<22 AS id, 1700000000000+n*500 AS at, n%10 AS kind FROM counted;
INSERT INTO message SELECT id,CASE kind WHEN 2 THEN 'kelmu' ELSE 'luova' END,'population.births','dvv',CASE kind WHEN 0 THEN '' ELSE 'm-'||n END,
  digest_of(n),at,CASE kind WHEN 0 THEN 'rejected' ELSE 'accepted' END,'api','c-'||(n/7),1+n%3,length(body_of(n)),'application/json','{}','' FROM made;
INSERT INTO body SELECT id,codec_of(n),packed_of(n) FROM made;
INSERT INTO delivery SELECT id+1,id,'kela.core-data',CASE kind WHEN 2 THEN 'ask' ELSE 'push' END,
  CASE kind WHEN 5 THEN 'dead' WHEN 6 THEN 'waiting' ELSE 'delivered' END,CASE kind WHEN 6 THEN 0 ELSE 1 END,1+n%3,
  CASE kind WHEN 6 THEN at ELSE 0 END,CASE kind WHEN 6 THEN 0 ELSE at+50 END,0,0,CASE kind WHEN 5 THEN 'refused' ELSE '' END FROM made WHERE kind>0;
INSERT INTO delivery SELECT id+2,id,'etk','push','delivered',1,1+n%3,0,at+50,0,0,'' FROM made WHERE kind=3;
INSERT INTO answer SELECT id+1,0,'text/xml',CAST('<answer n="'||n||'"/>' AS BLOB) FROM made WHERE kind IN (2,7);
INSERT INTO event SELECT (n*7+n/3)+1,id,0,at,CASE kind WHEN 0 THEN 'rejected' ELSE 'accepted' END,'' FROM made;
INSERT INTO event SELECT (n*7+n/3)+2,id,0,at+1,'duplicate','' FROM made WHERE kind=4;
INSERT INTO event SELECT (n*7+n/3)+3,id,id+1,at+50,'attempt-failed','refused' FROM made WHERE kind=5;
INSERT INTO event SELECT (n*7+n/3)+4,id,id+1,at+50,CASE kind WHEN 5 THEN 'dead-lettered' ELSE 'delivered' END,
  CASE kind WHEN 5 THEN 'refused' ELSE '' END FROM made WHERE kind NOT IN (0,6);
INSERT INTO event SELECT (n*7+n/3)+5,id,id+2,at+50,'delivered','' FROM made WHERE kind=3;
INSERT INTO event SELECT (n*7+n/3)+5,id,id+1,at+50,'answered','' FROM made WHERE kind IN (2,7);
INSERT INTO memory SELECT 'luova','case:'||n,'{"n":'||n||'}',1+n%4 FROM made WHERE kind=8;
"""
_COUNT = f"""
INSERT INTO counter SELECT period,channel,message_type,sender,receiver,door,kind,process,SUM(count),SUM(items),SUM(bytes)
  FROM ({RECOUNT.replace("endpoint", "door")}) GROUP BY 1,2,3,4,5,6,7,8;
INSERT INTO day_counter SELECT day_of_minute(period),channel,message_type,sender,receiver,door,kind,process,SUM(count),SUM(items),SUM(bytes),NULL
  FROM counter GROUP BY 1,2,3,4,5,6,7,8;
DROP TABLE temp.made;
"""


def body_of(number: int) -> bytes:
    """The body of a message: short and stored as it is, or long enough to be compressed."""
    return b'{"birth":%d}' % number * (1 + number % 2 * 60)


def write_old_ledger(path: Path, messages: int) -> None:
    """Write a ledger of revision 0005 with so many messages."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        functions = {
            "body_of": body_of,
            "packed_of": lambda number: pack(body_of(number), 1)[1],
            "codec_of": lambda number: pack(body_of(number), 1)[0],
            "digest_of": lambda number: blake2b(body_of(number), digest_size=16).digest(),
            "day_of_minute": day_of_minute,
        }
        for name, function in functions.items():
            connection.create_function(name, 1, function, deterministic=True)
        connection.executescript("PRAGMA journal_mode=WAL;\nPRAGMA synchronous=OFF;")
        connection.executescript(SCHEMA.read_text(encoding="utf-8"))
        connection.execute("BEGIN")
        for statement in (_FILL + _COUNT).split(";\n"):
            named = {"messages": messages} if ":messages" in statement else {}
            connection.execute(statement, named)
        connection.execute("COMMIT")

"""Counting the ledger's rows anew, as statements that `verify` and retention share; no comparison
and no deletion.
"""

from __future__ import annotations

from exchange.journey.count import ITEMS_BY_KIND

#: Kinds of events about deliveries that are counters as well.
DELIVERY_KINDS = (
    "delivered", "dead-lettered", "resent", "skipped", "answered", "attempt-failed", "probe-failed",
)  # fmt: skip

#: Whether an event says how many items of each kind its delivery was the first to tell, as JSON;
#: those before there was such a count told all that their message holds.
_TELLS_ITEMS = "event.kind='delivered' AND event.detail<>''"
_DIMENSIONS = "message.channel,message.message_type,message.sender"
_KINDS = ",".join(f"'{kind}'" for kind in DELIVERY_KINDS)

#: Every counter by minute, counted from messages, deliveries and events: from the tables
#: themselves, or from copies of some of their rows.
_FROM = f"""
WITH received AS (
  SELECT received_at/60000 AS period,{_DIMENSIONS},endpoint,state,process,COUNT(*) AS count,
    SUM(items) AS items,SUM(bytes) AS bytes
    FROM {{message}} AS message GROUP BY 1,2,3,4,5,6,7
), happened AS (
  SELECT event.at/60000 AS period,{_DIMENSIONS},message.endpoint,event.kind,message.process,
    COUNT(*) AS count,SUM(message.items) AS items,
      SUM(message.bytes) AS bytes,
    SUM(CASE event.kind WHEN 'items-rejected' THEN CAST(event.detail AS BIGINT) END) AS told
    FROM {{message}} AS message JOIN {{event}} AS event ON event.message_id=message.id
    WHERE event.kind IN ('duplicate','items-rejected','begun') GROUP BY 1,2,3,4,5,6,7
)
SELECT period,channel,message_type,sender,'' AS receiver,endpoint,'received' AS kind,process,
  SUM(count) AS count,SUM(items) AS items,SUM(bytes) AS bytes
  FROM (SELECT * FROM received UNION ALL SELECT period,channel,message_type,sender,endpoint,kind,
    process,count,items,bytes FROM happened
    WHERE kind='duplicate') GROUP BY 1,2,3,4,6,8
UNION ALL
SELECT period,channel,message_type,sender,'',endpoint,state,process,count,items,bytes FROM received
UNION ALL
SELECT period,channel,message_type,sender,'',endpoint,kind,process,count,CASE kind
  WHEN 'items-rejected' THEN told ELSE items END,
    CASE kind WHEN 'items-rejected' THEN 0 ELSE bytes END
  FROM happened
UNION ALL
SELECT message.received_at/60000,{_DIMENSIONS},delivery.receiver,message.endpoint,'queued',
  message.process,COUNT(*),SUM(delivery.items),SUM(message.bytes)
  FROM {{message}} AS message JOIN {{delivery}} AS delivery ON delivery.message_id=message.id
    GROUP BY 1,2,3,4,5,6,8
UNION ALL
SELECT event.at/60000,{_DIMENSIONS},delivery.receiver,message.endpoint,event.kind,message.process,
  COUNT(*),SUM(delivery.items),SUM(message.bytes)
  FROM {{message}} AS message JOIN {{event}} AS event ON event.message_id=message.id
    AND event.kind IN ({_KINDS})
  JOIN {{delivery}} AS delivery ON delivery.id=event.delivery_id GROUP BY 1,2,3,4,5,6,7,8
UNION ALL
SELECT at/60000,{_DIMENSIONS},receiver,endpoint,kind||':'||key,process,COUNT(*),SUM(CAST(value AS BIGINT)),0 FROM (
  SELECT message.received_at AS at,message.*,delivery.receiver,'queued' AS kind,item.key,item.value
    FROM {{message}} AS message JOIN {{delivery}} AS delivery ON delivery.message_id=message.id,
      json_each({{kinds}}) AS item
  UNION ALL
  SELECT event.at,message.*,delivery.receiver,event.kind,item.key,item.value
    FROM {{message}} AS message JOIN {{event}} AS event ON event.message_id=message.id
      AND event.kind='delivered'
    JOIN {{delivery}} AS delivery ON delivery.id=event.delivery_id,
      json_each(CASE WHEN {_TELLS_ITEMS} THEN event.detail ELSE {{kinds}} END) AS item
) AS message GROUP BY 1,2,3,4,5,6,7,8
"""
#: The items of a message by kind, as JSON; NULL for most, whose detail is not read for it.
_KINDS_OF_ITEMS = (
    f"CASE WHEN message.state='accepted' AND instr(message.detail,'\"{ITEMS_BY_KIND}\"')>0 "
    f"THEN json_extract(message.detail,'$.{ITEMS_BY_KIND}') END"
)
RECOUNT = _FROM.format(message="message", event="event", delivery="delivery", kinds=_KINDS_OF_ITEMS)
RECOUNT_OF_DROPPED = _FROM.format(
    message="dropped_message",
    event="dropped_event",
    delivery="dropped_delivery",
    kinds="message.kinds",
)
#: What of the rows the count needs, of the messages with these ids.
DROPPED_ROWS = (
    "INSERT INTO dropped_message SELECT id,channel,message_type,sender,received_at,state,"
    f"endpoint,items,bytes,process,{_KINDS_OF_ITEMS} FROM message "
    "WHERE id IN (SELECT id FROM pruned)",
    "INSERT INTO dropped_event SELECT message_id,delivery_id,at,kind,CASE WHEN "
    f"kind='items-rejected' OR {_TELLS_ITEMS} THEN detail END FROM event "
    "WHERE message_id IN (SELECT id FROM pruned)",
    "INSERT INTO dropped_delivery SELECT id,message_id,receiver,items FROM delivery WHERE "
    "message_id IN (SELECT id FROM pruned)",
)
DROPPED_TABLES = (
    "CREATE TEMP TABLE IF NOT EXISTS pruned(id BIGINT PRIMARY KEY)",
    "CREATE TEMP TABLE IF NOT EXISTS dropped_message(id BIGINT PRIMARY KEY,channel TEXT,"
    "message_type TEXT,sender TEXT,received_at BIGINT,state TEXT,endpoint TEXT,items BIGINT,"
    "bytes BIGINT,process TEXT,kinds TEXT)",
    "CREATE TEMP TABLE IF NOT EXISTS dropped_event(message_id BIGINT,delivery_id BIGINT,"
    "at BIGINT,kind TEXT,detail TEXT)",
    "CREATE TEMP TABLE IF NOT EXISTS dropped_delivery(id BIGINT PRIMARY KEY,message_id BIGINT,"
    "receiver TEXT,items BIGINT)",
)

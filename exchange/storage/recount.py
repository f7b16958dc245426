"""Counting the ledger's rows anew, as statements that `verify` and retention share; no comparison and no deletion."""

from __future__ import annotations

#: Kinds of events about deliveries that are counters as well.
DELIVERY_KINDS = ("delivered", "dead-lettered", "resent", "answered", "attempt-failed")

_DIMENSIONS = "message.channel,message.message_type,message.sender"
_KINDS = ",".join(f"'{kind}'" for kind in DELIVERY_KINDS)

#: Every counter by minute, counted from messages, deliveries and events. `{only}` limits it to some messages.
RECOUNT = f"""
SELECT period,channel,message_type,sender,receiver,door,kind,process,SUM(count),SUM(items),SUM(bytes) FROM (
  SELECT received_at/60000 AS period,{_DIMENSIONS},'' AS receiver,door,'received' AS kind,process,1 AS count,items,bytes
    FROM message {{only}}
  UNION ALL
  SELECT received_at/60000,{_DIMENSIONS},'',door,state,process,1,items,bytes FROM message {{only}}
  UNION ALL
  SELECT event.at/60000,{_DIMENSIONS},'',message.door,kinds.kind,message.process,1,message.items,message.bytes
    FROM message JOIN event ON event.message_id=message.id AND event.kind='duplicate'
    JOIN (SELECT 'duplicate' AS kind UNION ALL SELECT 'received') AS kinds {{only}}
  UNION ALL
  SELECT event.at/60000,{_DIMENSIONS},'',message.door,event.kind,message.process,1,CAST(event.detail AS INTEGER),0
    FROM message JOIN event ON event.message_id=message.id AND event.kind='items-rejected' {{only}}
  UNION ALL
  SELECT event.at/60000,{_DIMENSIONS},'',message.door,event.kind,message.process,1,message.items,message.bytes
    FROM message JOIN event ON event.message_id=message.id AND event.kind='begun' {{only}}
  UNION ALL
  SELECT message.received_at/60000,{_DIMENSIONS},delivery.receiver,message.door,'queued',message.process,1,delivery.items,message.bytes
    FROM message JOIN delivery ON delivery.message_id=message.id {{only}}
  UNION ALL
  SELECT event.at/60000,{_DIMENSIONS},delivery.receiver,message.door,event.kind,message.process,1,delivery.items,message.bytes
    FROM message JOIN event ON event.message_id=message.id AND event.kind IN ({_KINDS})
    JOIN delivery ON delivery.id=event.delivery_id {{only}}
) GROUP BY period,channel,message_type,sender,receiver,door,kind,process
"""

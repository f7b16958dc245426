"""What happened to each message of a ledger, as text: for the report of a test that failed, and to
tell two runs of a scenario apart.
"""

from __future__ import annotations

import json

from exchange.client.errors import violation_of
from exchange.ports import Ledger
from exchange.ports.rows import MessageFilter
from exchange.schemas.instants import instant


async def timeline(ledger: Ledger, most: int) -> str:
    """The newest messages, a line for each thing that happened to one, and every violation."""
    found = await ledger.search(MessageFilter(), 1 << 62, most, most)
    lines = []
    for row in reversed(found.messages):
        told = f"{row.channel} {row.message_type} {row.sender_message_id} from {row.sender}"
        lines.append(f"{instant(row.received_at)} {told}")
        receivers = {each.id: each.receiver for each in await ledger.deliveries(row.id)}
        for event in await ledger.events(row.id):
            to = f" to {receivers[event.delivery_id]}" if event.delivery_id in receivers else ""
            detail = f": {event.detail}" if event.detail else ""
            lines.append(f"  {instant(event.at)} {event.kind}{to}{detail}")
        for each in json.loads(row.detail).get("violations", ()):
            lines.append(f"    {violation_of(each).as_text()}")
    return "\n".join(lines) or "no message came to the exchange"

"""What is counted at each step, and under which dimensions; where the counts are kept lives in storage."""

from __future__ import annotations

from collections.abc import Sequence

from exchange.ports.ledger import Count, CountKey, DeliveryRow, MessageRow


def message_counts(message: MessageRow, items_rejected: int = 0) -> list[Count]:
    """A message as it is recorded: received, and accepted or rejected; items that were left out of an accepted one."""
    minute = message.received_at // 60_000
    dimensions = (minute, message.channel, message.message_type, message.sender, "", message.door)
    counts = [
        (CountKey(*dimensions, "received"), 1, message.items, message.bytes),
        (CountKey(*dimensions, message.state), 1, message.items, message.bytes),
    ]
    if items_rejected:
        counts.append((CountKey(*dimensions, "items-rejected"), 1, items_rejected, 0))
    return counts


def duplicate_counts(original: MessageRow, at: int) -> list[Count]:
    """A repetition of an accepted message, counted under the original's dimensions at the time of the repetition."""
    dimensions = (at // 60_000, original.channel, original.message_type, original.sender, "", original.door)
    return [
        (CountKey(*dimensions, kind), 1, original.items, original.bytes) for kind in ("received", "duplicate")
    ]


def queued_counts(message: MessageRow, deliveries: Sequence[DeliveryRow]) -> list[Count]:
    """The deliveries that an accepted message causes."""
    minute = message.received_at // 60_000
    return [
        (
            CountKey(minute, message.channel, message.message_type, message.sender, each.receiver, message.door, "queued"),
            1,
            each.items,
            message.bytes,
        )
        for each in deliveries
    ]


def delivery_counts(
    at: int, dimensions: tuple[str, str, str, str, str], items: int, size: int, kinds: Sequence[str]
) -> list[Count]:
    """Kinds of one moment of one delivery; `dimensions` are channel, message type, sender, receiver, door."""
    minute = at // 60_000
    return [(CountKey(minute, *dimensions, kind), 1, items, size) for kind in kinds]

"""What is counted at each step, and under which dimensions; where the counts are kept lives in
storage.
"""

from __future__ import annotations

from collections.abc import Sequence

from exchange.ports.ledger import Count, CountKey, DeliveryRow, MessageRow


def message_counts(
    message: MessageRow, items_rejected: int = 0, begins: bool = False
) -> list[Count]:
    """A message as it is recorded: received, and accepted or rejected; items that were left out of
    an accepted one; a conversation that it begins.
    """
    minute, process = message.received_at // 60_000, message.process
    dimensions = (
        minute,
        message.channel,
        message.message_type,
        message.sender,
        "",
        message.endpoint,
    )
    counts = [
        (CountKey(*dimensions, "received", process), 1, message.items, message.bytes),
        (CountKey(*dimensions, message.state, process), 1, message.items, message.bytes),
    ]
    if items_rejected:
        counts.append((CountKey(*dimensions, "items-rejected", process), 1, items_rejected, 0))
    if begins:
        counts.append((CountKey(*dimensions, "begun", process), 1, message.items, message.bytes))
    return counts


def duplicate_counts(original: MessageRow, at: int) -> list[Count]:
    """A repetition of an accepted message, counted under the original's dimensions at the time of
    the repetition.
    """
    dimensions = (
        at // 60_000,
        original.channel,
        original.message_type,
        original.sender,
        "",
        original.endpoint,
    )
    return [
        (CountKey(*dimensions, kind, original.process), 1, original.items, original.bytes)
        for kind in ("received", "duplicate")
    ]


def queued_counts(message: MessageRow, deliveries: Sequence[DeliveryRow]) -> list[Count]:
    """The deliveries that an accepted message causes."""
    before = (message.received_at // 60_000, message.channel, message.message_type, message.sender)
    after = (message.endpoint, "queued", message.process)
    return [
        (CountKey(*before, each.receiver, *after), 1, each.items, message.bytes)
        for each in deliveries
    ]


def delivery_counts(
    at: int,
    dimensions: tuple[str, str, str, str, str],
    items: int,
    size: int,
    kinds: Sequence[str],
    process: str = "",
) -> list[Count]:
    """Kinds of one moment of one delivery; `dimensions` are channel, message type, sender,
    receiver, endpoint.
    """
    minute = at // 60_000
    return [(CountKey(minute, *dimensions, kind, process), 1, items, size) for kind in kinds]

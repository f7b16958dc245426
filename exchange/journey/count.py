"""What is counted at each step, and under which dimensions; where the counts are kept lives in
storage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from exchange.ports.ledger import Count, CountKey, DeliveryRow, ItemsTold, MessageRow

#: Under what the detail of a message keeps how many of its items are of each kind.
ITEMS_BY_KIND = "items_by_kind"
#: And which they are: those count as delivered with the first delivery that tells them, which only
#: the ledger knows (`Settlement.items_told`).
ITEMS_TOLD = "items_told"
#: Kinds of calls that are no messages: answered, and refused. Nothing else is kept of them, so that
#: nothing could count them anew.
REQUEST_KINDS = ("requested", "request-refused")
#: What is counted by kind of item, too: a delivery as it is made and as it is taken.
BY_KIND = ("queued", "delivered")


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


def request_count(
    minute: int, channel: str, partner: str, endpoint: str, refused: bool, calls: int, size: int
) -> Count:
    """Calls of a partner to an endpoint that are no messages, and the bytes that they were
    answered.
    """
    kind = REQUEST_KINDS[refused]
    return (
        CountKey(
            minute=minute,
            channel=channel,
            message_type="",
            sender=partner,
            receiver="",
            endpoint=endpoint,
            kind=kind,
            process="",
        ),
        calls,
        0,
        size,
    )


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


def queued_counts(
    message: MessageRow, deliveries: Sequence[DeliveryRow], detail: Mapping[str, Any]
) -> list[Count]:
    """The deliveries that an accepted message with that detail causes."""
    counts: list[Count] = []
    for each in deliveries:
        dimensions = (message.channel, message.message_type, message.sender, each.receiver)
        counts += delivery_counts(
            message.received_at,
            (*dimensions, message.endpoint),
            each.items,
            message.bytes,
            ["queued"],
            message.process,
            detail,
        )
    return counts


def delivery_counts(
    at: int,
    dimensions: tuple[str, str, str, str, str],
    items: int,
    size: int,
    kinds: Sequence[str],
    process: str,
    detail: Mapping[str, Any],
) -> list[Count]:
    """Kinds of one moment of one delivery; `dimensions` are channel, message type, sender,
    receiver, endpoint. What the message's detail says of its items is counted besides: kind
    and kind of item, parted by a colon.
    """
    minute = at // 60_000
    by_kind = BY_KIND[:1] if ITEMS_TOLD in detail else BY_KIND
    counts = [(CountKey(minute, *dimensions, kind, process), 1, items, size) for kind in kinds]
    for item, number in detail.get(ITEMS_BY_KIND, {}).items():
        counts += [
            (CountKey(minute, *dimensions, f"{kind}:{item}", process), 1, number, 0)
            for kind in kinds
            if kind in by_kind
        ]
    return counts


def detail_of_items(items: ItemsTold) -> dict[str, Any]:
    """What the detail of a message keeps of items of several kinds; nothing where there are
    none.
    """
    if not items:
        return {}
    numbers = {kind: len(each) for kind, each in items.items()}
    return {ITEMS_BY_KIND: numbers, ITEMS_TOLD: dict(items)}

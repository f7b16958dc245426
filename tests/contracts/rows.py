"""Rows for the ledger's contract: short ways to make records and settlements."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from exchange.journey.count import (
    ITEMS_BY_KIND,
    ITEMS_TOLD,
    delivery_counts,
    detail_of_items,
    message_counts,
    queued_counts,
)
from exchange.ports.ledger import DeliveryRow, EventRow, MessageRow, Record, Remember, Settlement
from exchange.ports.rows import ordered_in

_ids = itertools.count(1000)

MINUTE = 60_000


def record(
    sender_message_id: str,
    *,
    body: bytes = b"<a/>" * 100,
    digest: bytes | None = None,
    received_at: int = MINUTE,
    state: str = "accepted",
    modes: Sequence[str] = ("push",),
    receiver: str = "kela.core-data",
    channel: str = "luova",
    conversation: str = "",
    items: int = 1,
    items_rejected: int = 0,
    remember: Sequence[Remember] = (),
    lane: int = 0,
    process: str = "",
    begins: bool = False,
    items_by_kind: Mapping[str, int] | None = None,
    items_told: Mapping[str, Sequence[str]] | None = None,
) -> Record:
    """A record with a delivery for each mode, counted as the journey counts; one of a
    conversation is ordered.
    """
    detail: dict[str, Any] = {ITEMS_BY_KIND: items_by_kind} if items_by_kind else {}
    detail |= detail_of_items(items_told or {})
    message = MessageRow(
        next(_ids), channel, "population.births", "dvv", sender_message_id, digest or body[:16], received_at, state, "api", conversation,
        items, len(body), "application/json", json.dumps(detail), process,
        identity=(digest or body)[:16].ljust(16, b".") if state == "accepted" else b"",
    )  # fmt: skip
    deliveries = [
        DeliveryRow(
            next(_ids),
            message.id,
            receiver,
            mode,
            "waiting",
            0,
            items,
            received_at,
            0,
            lane,
            int(bool(conversation)),
            "",
            ordered_in=ordered_in(channel, conversation)
            if conversation and mode == "mailbox"
            else "",
        )
        for mode in modes
    ]
    if state == "rejected":
        deliveries = []
    events = [EventRow(message.id, 0, received_at, state, "")]
    if items_rejected:
        events.append(EventRow(message.id, 0, received_at, "items-rejected", str(items_rejected)))
    if begins:
        events.append(EventRow(message.id, 0, received_at, "begun", ""))
    counts = message_counts(message, items_rejected, begins)
    counts += queued_counts(message, deliveries, detail)
    return Record(message, body, deliveries, events, counts, remember)


def settlement(
    of: Record,
    state: str,
    kinds: Sequence[str],
    at: int = 2 * MINUTE,
    index: int = 0,
    from_state: str = "waiting",
) -> Settlement:
    """The end of an attempt of one of the record's deliveries."""
    delivery, message = of.deliveries[index], of.message
    dimensions = (
        message.channel,
        message.message_type,
        message.sender,
        delivery.receiver,
        message.endpoint,
    )
    events = [EventRow(message.id, delivery.id, at, kind, "") for kind in kinds]
    counts = delivery_counts(
        at,
        dimensions,
        delivery.items,
        message.bytes,
        kinds,
        message.process,
        json.loads(message.detail),
    )
    waits, detail = state == "waiting", json.loads(message.detail)
    return Settlement(
        delivery.id,
        message.id,
        state,
        1,
        at if waits else 0,
        0 if waits else at,
        "",
        events,
        counts,
        from_state=from_state,
        items_told=detail.get(ITEMS_TOLD, {}) if state == "delivered" else {},
    )

"""Tells what a delivery says it is: its id, its owner, how many reports it holds; judges nothing."""

from __future__ import annotations

from typing import Any

from exchange.ports import Identity, Parsed


def message_id(delivery_id: str, owner: str, delivery_type: str) -> str:
    """The idempotency key of a delivery: DeliveryId is unique among an owner's deliveries of one type.

    `20261124-1@1234567-1/100`. Empty when there is no DeliveryId.
    """
    return f"{delivery_id}@{owner}/{delivery_type}" if delivery_id else ""


def text_of(element: Any, path: str) -> str:
    """The text at a path under an element, without surrounding space; empty when there is none."""
    return (element.findtext(path) or "").strip() if element is not None else ""


def identify(parsed: Parsed) -> Identity:
    """The delivery's identity; what is missing is empty, and an unreadable delivery has one item."""
    data = parsed.document.find("DeliveryData")
    if data is None:
        data = parsed.document
    # An id that breaks the schema may be of any length: it is cut to what the schema allows, for it becomes a key.
    delivery_id, kind = text_of(data, "DeliveryId")[:40], text_of(data, "DeliveryDataType")[:11]
    reports = data.find("Reports")
    items = len(reports.findall("Report")) if reports is not None else 1
    owner = text_of(data, "DeliveryDataOwner/Code")[:30]
    return Identity(message_id(delivery_id, owner, kind), conversation=delivery_id, items=items)

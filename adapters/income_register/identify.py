"""Tells what a delivery says it is: its id, its owner, how many reports it holds; judges
nothing.
"""

from __future__ import annotations

from typing import Any

from exchange.adapters.income_register.document import (
    FROM_IR,
    QUESTIONS,
    Element,
    delivery_data,
    text_of,
)
from exchange.adapters.income_register.parse import Document
from exchange.ports import Identity, Parsed
from exchange.schemas.envelope import EMPTY
from exchange.schemas.income_register.codes import is_integer, plain


def message_id(delivery_id: str, owner: str, delivery_type: str) -> str:
    """The idempotency key of a delivery: DeliveryId is unique among an owner's deliveries of one
    type.

    `20261124-1@1234567-1/100`. Empty when there is no DeliveryId.
    """
    return f"{delivery_id}@{owner}/{delivery_type}" if delivery_id else ""


def owner_of(data: Element) -> str:
    """The owner as a part of keys: type and code (`1:1234567-1`)."""
    return f"{plain(text_of(data, 'DeliveryDataOwner/Type'))[:11]}:{text_of(data, 'DeliveryDataOwner/Code')[:30]}"


def kind_of(data: Element) -> str:
    """DeliveryDataType, in plain form."""
    return plain(text_of(data, "DeliveryDataType"))[:11]


def identify(parsed: Parsed) -> Identity:
    """The delivery's identity; what is missing is empty, and an unreadable delivery has one
    item.
    """
    data = delivery_data(parsed.document)
    if parsed.message_type in FROM_IR:
        query_id = text_of(data, "Query/IRQueryId")
        reports = plain(text_of(data, "Summary/NrOfReports"))
        return Identity(
            query_id,
            text_of(data, "Subscription/IRMainSubscriptionId"),
            max(int(reports), 0) if is_integer(reports) else 0,
            process=EMPTY if reports == "0" else "",
        )
    if parsed.message_type in QUESTIONS:
        # The DeliveryId is that of the delivery asked after: its conversation.
        return Identity("", conversation=text_of(data, "DeliveryId")[:40])
    # An id that breaks the schema may be of any length: it is cut to what the schema allows, for it
    # becomes a key.
    delivery_id = text_of(data, "DeliveryId")[:40]
    items = len(parsed.items) if isinstance(parsed, Document) and parsed.items else 1
    owner = text_of(data, "DeliveryDataOwner/Code")[:30]
    own = message_id(delivery_id, owner, kind_of(data))
    return Identity(own, conversation=delivery_id, items=items)


def item_of(parsed: Parsed, at: Any) -> int | None:
    """The report (or whatever the delivery is made of) that an element stands in."""
    items = parsed.items if isinstance(parsed, Document) else ()
    around = {at, *at.iterancestors()}
    return next((number for number, item in enumerate(items) if item.element in around), None)

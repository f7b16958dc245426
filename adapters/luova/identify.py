"""Who a message says it is: the sender's id, its conversation, how many records it holds, whom it
names; no judgement.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from lxml import etree

from exchange.adapters.luova.parse import is_plain_id
from exchange.adapters.luova.routing import ROUTES, TYPES
from exchange.ports.message import Identity, Parsed
from exchange.schemas.catalogue import MessageType


def _key(name: str) -> Callable[[Any], int]:
    """Counts the records in the list of that key."""

    def count(document: Any) -> int:
        records = document.get(name) if isinstance(document, dict) else None
        return len(records) if isinstance(records, list) else 0

    return count


def _path(path: str, namespace: str) -> Callable[[Any], int]:
    """Counts the elements at a path below the root, in C: a message may hold hundreds."""
    # XPath has no default namespace: without one, names stand for themselves.
    steps = "/".join(f"p:{name}" for name in path.split("/")) if namespace else path
    count = etree.XPath(f"count({steps})", namespaces={"p": namespace} if namespace else None)
    return lambda document: int(cast(float, count(document)))


def counting(message_type: MessageType, items: str) -> Callable[[Any], int]:
    """How the records of a type are counted that lie at a path (XML) or in a list of a key (JSON).

    Raises:
        ValueError: when a path is named where a key is wanted.
    """
    if message_type.format == "json":
        if "/" in items:
            raise ValueError(f"{message_type.name}: items of a JSON message is a key, not {items}")
        return _key(items)
    spaces = {etree.QName(root).namespace or "" for root in message_type.all_roots}
    counted = {space: _path(items, space) for space in spaces}
    if len(counted) == 1:
        return next(iter(counted.values()))

    def count(document: Any) -> int:
        by_version = counted.get(etree.QName(document).namespace or "")
        return by_version(document) if by_version is not None else 0

    return count


#: How the records of a type are counted; a type that is not here is one record a message.
_COUNTED: dict[str, Callable[[Any], int]] = {
    name: counting(TYPES[name], route.items) for name, route in ROUTES.items() if route.items
}


def identify(parsed: Parsed) -> Identity:
    """The identity by the headers and the document; an id that can't be one is left empty (parse
    has said so).
    """
    hints = parsed.inbound.hints
    items = _COUNTED.get(parsed.message_type)
    sender_message_id = hints.get("id", "")
    conversation = hints.get("conversation", "")
    receiver = hints.get("receiver")
    if parsed.findings:  # without any, parse has found the ids plain
        sender_message_id = sender_message_id if is_plain_id(sender_message_id) else ""
        conversation = conversation if is_plain_id(conversation) else ""
    return Identity(
        sender_message_id=sender_message_id,
        conversation=conversation,
        items=items(parsed.document) if items else 1,
        receivers=(receiver,) if receiver else (),
        ordered=hints.get("ordered") == "true",
    )

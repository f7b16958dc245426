"""Who a message says it is: the sender's id, its conversation, how many records it holds, whom it
names; no judgement.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from lxml import etree

from exchange.adapters.luova.parse import is_plain_id
from exchange.ports.channel import Identity, Parsed

BILATERAL = "{urn:exchange:bilateral:1}"
PAYMENTS = "{urn:iso:std:iso:20022:tech:xsd:pain.001.001.09}"
PENSION = "{urn:exchange:pension:1}"
UNEMPLOYMENT = "{urn:exchange:unemployment:1}"


def _changes(document: Any) -> int:
    changes = document.get("muutokset") if isinstance(document, dict) else None
    return len(changes) if isinstance(changes, list) else 0


def _children(tag: str) -> Callable[[Any], int]:
    """Counts the records of that tag (`{namespace}local`) below the root."""
    return lambda document: sum(1 for _ in document.iterchildren(tag))


_COUNT_PAYMENTS = etree.XPath(
    "count(p:CstmrCdtTrfInitn/p:PmtInf/p:CdtTrfTxInf)", namespaces={"p": PAYMENTS[1:-1]}
)


def _payments(document: Any) -> int:
    """Counted in C: a message holds hundreds."""
    return int(cast(float, _COUNT_PAYMENTS(document)))


#: How the records of a type are counted; a type that is not here is one record a message.
ITEMS: dict[str, Callable[[Any], int]] = {
    "bilateral.circumstance-changes": _children(BILATERAL + "Change"),
    "bilateral.insurance": _children(BILATERAL + "Insurance"),
    "bilateral.supplementary-pensions": _children(BILATERAL + "Pension"),
    "payments.credit-transfers": _payments,
    "pension.decisions": _children(PENSION + "Decision"),
    "pension.work-history": _children(PENSION + "Work"),
    "pension.unpaid-periods": _children(PENSION + "Benefit"),
    "pension.accident-data": _children(PENSION + "Compensation"),
    "population.changes": _changes,
    "population.births": _changes,
    "population.deaths": _changes,
    "population.address-changes": _changes,
    "population.registrations": _changes,
    "unemployment.earnings-data": _children(UNEMPLOYMENT + "Record"),
    "unemployment.benefit-data": _children(UNEMPLOYMENT + "Benefit"),
}


def identify(parsed: Parsed) -> Identity:
    """The identity by the headers and the document; an id that can't be one is left empty (parse
    has said so).
    """
    hints = parsed.inbound.hints
    items = ITEMS.get(parsed.message_type)
    sender_message_id = hints.get("id", "")
    conversation = hints.get("conversation", "")
    receiver = hints.get("receiver")
    if parsed.findings:  # without any, parse has found the ids plain
        sender_message_id = sender_message_id if is_plain_id(sender_message_id) else ""
        conversation = conversation if is_plain_id(conversation) else ""
    return Identity(
        sender_message_id,
        conversation,
        items(parsed.document) if items else 1,
        (receiver,) if receiver else (),
        hints.get("ordered") == "true",
    )

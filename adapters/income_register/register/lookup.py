"""Looks up deliveries that partners name: for the status service, and for invalidations of whole
deliveries; renders nothing.
"""

from __future__ import annotations

from exchange.adapters.income_register.document import delivery_data, text_of
from exchange.adapters.income_register.identify import kind_of, message_id, owner_of
from exchange.adapters.income_register.parse import Document, parse
from exchange.adapters.income_register.register_records import (
    OF_DELIVERIES,
    delivery_key,
    rejected_key,
    subscription_id,
)
from exchange.ports import Desk, Inbound
from exchange.schemas.directory import Partner
from exchange.schemas.envelope import Envelope, id_from_public
from exchange.schemas.violation import Malformed


async def look_up(
    desk: Desk, partner: Partner, delivery_id: str, register_id: str, owner: str, kind: str
) -> Envelope | None:
    """The partner's own delivery by either reference; by both, they must name the same one. None
    when there is none.

    `owner` is the owner's code. A delivery that was rejected at reception is none that can be asked
    after.
    """
    envelope = None
    own = message_id(delivery_id, owner, kind)
    if register_id:
        try:
            envelope = await desk.message(id_from_public(register_id))
        except ValueError:
            return None
        if (
            envelope is None
            or envelope.sender != partner.id
            or (own and envelope.sender_message_id != own)
        ):
            return None
    elif own:
        envelope = await desk.find(partner.id, own) or await _rejected(desk, partner, own)
    return envelope if envelope is not None and envelope.detail.get("status") in (3, 5) else None


async def _rejected(desk: Desk, partner: Partner, own: str) -> Envelope | None:
    """The delivery of that id that the processing rejected last."""
    key = rejected_key(own)
    remembered = (await desk.recall([key])).get(key)
    envelope = await desk.message(remembered.value["message"]) if remembered is not None else None
    return envelope if envelope is not None and envelope.sender == partner.id else None


async def is_invalidated(desk: Desk, envelope: Envelope) -> bool:
    """Whether the whole delivery was invalidated."""
    key = delivery_key(envelope.sender_message_id)
    remembered = (await desk.recall([key])).get(key)
    return remembered is not None and bool(remembered.value.get("invalidated"))


async def target_of(parsed: Document, partner: Partner, desk: Desk) -> dict[str, str]:
    """What an invalidation of a whole delivery is about, as hints: `target` (its identity),
    `reports` (the ReportIds that were accepted in it) or, for a subscription's delivery,
    `subscription`; empty when there is none, or it is no such invalidation.
    """
    data = delivery_data(parsed.document)
    kind = OF_DELIVERIES.get(kind_of(data))
    if kind is None or not parsed.items:
        return {}
    item, owner = parsed.items[0], text_of(data, "DeliveryDataOwner/Code")
    envelope = await look_up(desk, partner, item.report_id, item.register_id, owner, kind)
    if (
        envelope is None
        or envelope.detail.get("status") != 3
        or not envelope.sender_message_id.endswith(f"@{owner}/{kind}")
    ):
        return {}
    names: list[str] = [entry[1] for entry in envelope.detail.get("valid", ())]
    hints = {"target": envelope.sender_message_id, "reports": " ".join(names)}
    if kind == "103":
        hints["subscription"] = subscription_id(owner_of(data), str(names[0]))
    item.register_id = item.register_id or envelope.public_id
    return hints


async def with_target(inbound: Inbound, desk: Desk) -> Inbound:
    """An invalidation with what it is about; as it is when it can't be read (then it is rejected on
    its way).
    """
    try:
        parsed = parse(inbound)
    except Malformed:
        return inbound
    hints = await target_of(parsed, inbound.partner, desk)
    return (
        Inbound(
            partner=inbound.partner,
            body=inbound.body,
            content_type=inbound.content_type,
            endpoint=inbound.endpoint,
            hints=hints,
        )
        if hints
        else inbound
    )

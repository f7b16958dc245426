"""Building what is committed: the rows of a message, its deliveries, events and counts; the commit
itself is the ledger's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import pydantic_core

from exchange.journey.count import (
    ITEMS_BY_KIND,
    ITEMS_TOLD,
    delivery_counts,
    detail_of_items,
    message_counts,
    queued_counts,
)
from exchange.journey.identity import identity_digest
from exchange.journey.validate import Judgement, Reading
from exchange.ports import Answered, Destination, Identity, Ids, Inbound, Parsed, Verdict
from exchange.ports.lanes import Lanes, lane_of
from exchange.ports.ledger import DeliveryRow, EventRow, MessageRow, Record
from exchange.ports.rows import ordered_in
from exchange.schemas.envelope import Envelope, public_id
from exchange.schemas.violation import Violation

#: Longest sender's id that is kept, in characters; a longer one is a violation in every channel and
#: cut in the record.
SENDER_ID_CHARACTERS_MAX = 200

#: What the event of an accepted message says that is handed on to nobody: so that a delivery that
#: is lost is told from none.
NO_DELIVERY = "no-delivery"
#: Violations kept with a rejected message.
VIOLATIONS_KEPT_MAX = 50
#: Under what the detail of a question keeps what it was told.
ANSWERED = "answered"


def accepted_record(
    channel: str,
    reading: Reading,
    parsed: Parsed,
    identity: Identity,
    judgement: Judgement,
    destinations: Sequence[Destination],
    now: int,
    ids: Ids,
    lanes: Lanes,
) -> Record:
    """An accepted message with a delivery to each destination."""
    inbound, verdict = reading.inbound, judgement.verdict
    detail = verdict.detail
    if judgement.violations:
        detail = {**detail, "warnings": _as_dicts(judgement.violations)}
    if inbound.attachments:
        detail = {**detail, "attachments": [each.as_dict() for each in inbound.attachments]}
    body = inbound.stored if verdict.body is None else verdict.body
    message = MessageRow(
        id=ids.next(),
        channel=channel,
        message_type=parsed.message_type,
        sender=inbound.partner.id,
        sender_message_id=identity.sender_message_id,
        digest=reading.digest,
        received_at=now,
        state="accepted",
        endpoint=inbound.endpoint,
        conversation=identity.conversation,
        items=verdict.items,
        bytes=len(inbound.stored),
        content_type=inbound.stored_type,
        detail=_json(detail) if detail else "{}",
        process=identity.process,
        identity=identity_digest(parsed.message_type, identity),
    )
    order = ordered_in(channel, identity.conversation) if identity.ordered else ""
    deliveries = [
        DeliveryRow(
            id=ids.next(),
            message_id=message.id,
            receiver=each.receiver,
            mode=each.mode,
            state="waiting",
            attempts=0,
            items=each.items,
            next_at=now,
            ended_at=0,
            lane=lanes.worker,
            ordered=int(identity.ordered and each.mode != "ask"),
            reason="",
            ordered_in=order if each.mode == "mailbox" else "",
        )
        for each in destinations
    ]
    deliveries = [
        each._replace(
            lane=lane_of(each.receiver, channel, identity.conversation)
            if identity.ordered
            else lanes.place(each.receiver, channel, message.id)
        )
        if each.mode == "push"
        else each
        for each in deliveries
    ]
    events = _accepted_events(message, deliveries, identity, verdict)
    counts = message_counts(message, verdict.items_rejected, identity.begins)
    counts += queued_counts(message, deliveries, verdict.detail)
    return Record(message=message, body=body, deliveries=deliveries, events=events, counts=counts)


def _accepted_events(
    message: MessageRow, deliveries: Sequence[DeliveryRow], identity: Identity, verdict: Verdict
) -> list[EventRow]:
    """What happened to an accepted message when it was taken in."""
    told = [("accepted", "" if deliveries else NO_DELIVERY)]
    if verdict.items_rejected:
        told.append(("items-rejected", str(verdict.items_rejected)))
    if identity.begins:
        told.append(("begun", ""))
    return [
        EventRow(
            message_id=message.id, delivery_id=0, at=message.received_at, kind=kind, detail=detail
        )
        for kind, detail in told
    ]


def told_of(answered: Answered) -> dict[str, Any]:
    """What is kept of an answer: its length in bytes, its digest (BLAKE2b-128), and by reference
    what it tells of.
    """
    digest = blake2b(answered.body, digest_size=16).hexdigest()
    return {"bytes": len(answered.body), "digest": digest, **answered.told}


def tell(detail: dict[str, Any], answered: Answered) -> None:
    """Put into the detail of a question what it is told, in the place of what it was to be told."""
    detail[ANSWERED] = told_of(answered)
    for name in (ITEMS_BY_KIND, ITEMS_TOLD):
        detail.pop(name, None)
    detail.update(detail_of_items(answered.items_by_kind))


def answered_record(record: Record, detail: Mapping[str, Any], at: int) -> Record:
    """The record of a question with that detail whose deliveries the exchange made itself, by
    answering it at that time (milliseconds), before it is committed. A question asked again is
    another one: its id is ours.
    """
    message = record.message
    record.message = message._replace(sender_message_id=f"~{public_id(message.id)}")
    kinds = ("delivered", "answered")
    record.deliveries = [
        each._replace(state="delivered", attempts=1, next_at=0, ended_at=at)
        for each in record.deliveries
    ]
    events, counts = list(record.events), list(record.counts)
    for each in record.deliveries:
        events += [
            EventRow(message_id=message.id, delivery_id=each.id, at=at, kind=kind, detail="")
            for kind in kinds
        ]
        dimensions = (message.channel, message.message_type, message.sender, each.receiver)
        counts += delivery_counts(
            at,
            (*dimensions, message.endpoint),
            each.items,
            message.bytes,
            kinds,
            message.process,
            detail,
        )
    record.events, record.counts = events, counts
    record.items_told = detail.get(ITEMS_TOLD, {})
    return record


def rejected_record(
    channel: str, reading: Reading, judgement: Judgement, now: int, ids: Ids
) -> Record:
    """A rejected message: kept to be counted and looked at; nothing of it when it may name a real
    person.
    """
    inbound, storable = reading.inbound, reading.storable
    identity = reading.identity or _said(inbound)
    detail = {
        **judgement.verdict.detail,
        "reason": judgement.reason,
        "violations": _as_dicts(judgement.violations),
    }
    if storable and identity.receivers:
        detail.setdefault("receivers", [_kept(each) for each in identity.receivers])
    message = MessageRow(
        id=ids.next(),
        channel=channel,
        message_type=reading.message_type.name if reading.message_type is not None else "",
        sender=inbound.partner.id,
        sender_message_id=_kept(identity.sender_message_id) if storable else "",
        digest=reading.digest if storable else b"",
        received_at=now,
        state="rejected",
        endpoint=inbound.endpoint,
        conversation=_kept(identity.conversation) if storable else "",
        items=identity.items,
        bytes=len(inbound.stored),
        content_type=_kept(inbound.stored_type) if storable else "",
        detail=_json(detail),
    )
    events = [
        EventRow(
            message_id=message.id, delivery_id=0, at=now, kind="rejected", detail=judgement.reason
        )
    ]
    return Record(
        message=message,
        body=inbound.stored if storable else None,
        deliveries=(),
        events=events,
        counts=message_counts(message),
        persons=reading.persons if storable else (),
    )


def _kept(text: str) -> str:
    """As much of what a sender called something as is kept. (PostgreSQL keeps no U+0000.)"""
    return text[:SENDER_ID_CHARACTERS_MAX].replace("\0", "\ufffd")


def _said(inbound: Inbound) -> Identity:
    """What an endpoint knew of a message that could not be read as far as its identity."""
    hints = inbound.hints
    receiver = hints.get("receiver")
    return Identity(
        hints.get("id", ""), hints.get("conversation", ""), 0, (receiver,) if receiver else ()
    )


def envelope_unread(channel: str, inbound: Inbound, now: int) -> Envelope:
    """The envelope of a message of which nothing is kept."""
    return Envelope(
        id=0,
        channel=channel,
        message_type="",
        sender=inbound.partner.id,
        sender_message_id="",
        received_at=now,
        content_type=inbound.content_type,
    )


def envelope_of(row: MessageRow, detail: dict[str, Any] | None = None) -> Envelope:
    """The envelope that a stored message had; `detail` is what the row says as JSON, where it is at
    hand still.
    """
    if detail is None:
        detail = pydantic_core.from_json(row.detail) if row.detail != "{}" else {}
    return Envelope(
        id=row.id,
        channel=row.channel,
        message_type=row.message_type,
        sender=row.sender,
        sender_message_id=row.sender_message_id,
        received_at=row.received_at,
        content_type=row.content_type,
        endpoint=row.endpoint,
        conversation=row.conversation,
        items=row.items,
        bytes=row.bytes,
        detail=detail,
        process=row.process,
        position=row.position,
    )


def _as_dicts(violations: Sequence[Violation]) -> list[dict[str, Any]]:
    return [violation.as_dict() for violation in violations[:VIOLATIONS_KEPT_MAX]]


def _json(value: Any) -> str:
    return pydantic_core.to_json(value).decode()

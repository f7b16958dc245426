"""What the register keeps of a delivery: its id, the versions of its reports, its subscription."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from exchange.adapters.income_register.document import (
    DEFERRED_ENDPOINTS,
    INVALIDATIONS,
    REPORTS,
    SUBSCRIPTION_ENDPOINT,
    SUBSCRIPTIONS,
    Element,
    delivery_data,
)
from exchange.adapters.income_register.identify import kind_of, owner_of
from exchange.adapters.income_register.orders.subscription import ALL, as_data
from exchange.adapters.income_register.parse import Document
from exchange.adapters.income_register.register.verdict import REJECTED_IN_PROCESSING
from exchange.adapters.income_register.register.versions import (
    is_delivery,
    report_keys_of_delivery,
    subscription_named,
)
from exchange.adapters.income_register.register_records import (
    OF_DELIVERIES,
    OF_REPORTS,
    OF_SUBSCRIPTION,
    ReportKeys,
    delivery_key,
    read_record,
    record_value,
    rejected_key,
    subscription_key,
)
from exchange.ports import Context, Identity, Parsed, Remember, Verdict


def remember(
    parsed: Parsed, identity: Identity, context: Context, verdict: Verdict
) -> Sequence[Remember]:
    """The delivery's id, and the versions of the reports that were accepted; of an extraction's
    last document, until when and until which position it was.
    """
    if parsed.inbound.endpoint == SUBSCRIPTION_ENDPOINT:
        if not (hints := parsed.inbound.hints)["until"]:
            return ()
        ended = {name: int(hints[name]) for name in ("until", "position", "left")}
        return (_changed(subscription_key(hints["subscription"]), ended, context),)
    if not is_delivery(parsed):
        return ()
    assert isinstance(parsed, Document)
    data, hints = delivery_data(parsed.document), parsed.inbound.hints
    kind, report_keys = kind_of(data), report_keys_of_delivery(parsed, data)
    kept = [Remember(delivery_key(identity.sender_message_id), {"by": parsed.inbound.partner.id})]
    faulty = {entry[0] for entry in verdict.detail.get("invalid", ())}
    if parsed.message_type in REPORTS or kind in OF_REPORTS:
        sign = -1 if parsed.message_type == INVALIDATIONS else 1
        items = enumerate(parsed.items)
        versions = {
            item.report_id: sign * parsed.versions.get(index, 1)
            for index, item in items
            if index not in faulty
        }
        return kept + _records(report_keys, versions, context)
    if parsed.message_type == SUBSCRIPTIONS or kind in OF_SUBSCRIPTION or kind == "112":
        kept += _remember_subscription(parsed, data, context)
    if kind in OF_DELIVERIES:
        kept.append(_changed(delivery_key(hints["target"]), {"invalidated": True}, context))
    if kind in OF_DELIVERIES and kind != "112":
        kept += _records(
            report_keys,
            {report_id: -version for report_id, version in parsed.invalidated.items()},
            context,
        )
    return kept


def remember_rejected(
    parsed: Parsed, identity: Identity, context: Context, verdict: Verdict
) -> Sequence[Remember]:
    """Which message a deferred delivery was that the processing rejected: its sender asks after it
    by DeliveryId.
    """
    if (
        parsed.inbound.endpoint not in DEFERRED_ENDPOINTS
        or verdict.detail.get("status") != REJECTED_IN_PROCESSING
    ):
        return ()
    key = rejected_key(identity.sender_message_id)
    known = context.known.get(key)
    return (Remember(key, {"message": context.message_id}, known.version if known else 0),)


def _records(report_keys: ReportKeys, versions: dict[str, int], context: Context) -> list[Remember]:
    """The records of these reports as they are now; a report that was given (not invalidated) is in
    the message at hand.
    """
    changed: dict[str, tuple[str, dict[str, int], list[int]]] = {}
    for report_id, version in versions.items():
        key, suffix = report_keys.place(report_id)
        entry = changed.get(key)
        if entry is None:
            record = read_record(context.known.get(key))
            prefix, messages = (
                report_id[: -len(suffix)] if suffix else "",
                list(record.messages) if record else [],
            )
            entry = changed[key] = (prefix, dict(record.versions) if record else {}, messages)
        entry[1][suffix] = version
        if version > 0 and context.message_id not in entry[2][-1:]:
            entry[2].append(context.message_id)
    known = context.known
    return [
        Remember(
            key,
            record_value(report_keys.name, prefix, values, messages),
            known[key].version if key in known else 0,
        )
        for key, (prefix, values, messages) in changed.items()
    ]


def _changed(key: str, changes: dict[str, Any], context: Context) -> Remember:
    known = context.known[key]
    return Remember(key, {**known.value, **changes}, known.version)


def _remember_subscription(parsed: Document, data: Element, context: Context) -> list[Remember]:
    register_id = subscription_named(data, parsed.items[0], parsed.inbound.hints)
    key = subscription_key(register_id)
    if parsed.message_type != SUBSCRIPTIONS:
        return [_changed(key, {"invalidated": True}, context)]
    value = as_data(parsed.items[0].read, owner_of(data), parsed.inbound.partner.id, context.now)
    everything = context.known.get(ALL)
    listed = everything.value if everything else []
    return [
        Remember(key, value),
        Remember(ALL, [*listed, register_id], everything.version if everything else 0),
    ]

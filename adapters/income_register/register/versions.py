"""Versions of reports: what the register recalls for a delivery, which version each of its reports
gets by that, and what is wrong with it; no rule of fields.

Source: "Tekninen rajapinta - Tietojen toimittaminen tulorekisteriin 2021", chapters 3.1, 5.3 and
9.3 (vero.fi). A new report is version 1; a replacement or an invalidation the version after the
newest one; only the newest, valid version can be replaced or invalidated. ReportId is unique among
the owner's reports of one kind (the owner is the payer), DeliveryId among the owner's deliveries of
one type. Nothing of this is judged when a document is only checked, outside an endpoint.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from exchange.adapters.income_register.document import (
    DEFERRED_ENDPOINTS,
    DELIVERIES,
    ENDPOINTS,
    INVALIDATIONS,
    NEW,
    REAL_TIME_ENDPOINT,
    REPLACEMENT,
    REPORTS,
    SUBSCRIPTION_ENDPOINT,
    SUBSCRIPTIONS,
    Element,
    Item,
    delivery_data,
)
from exchange.adapters.income_register.identify import kind_of, owner_of
from exchange.adapters.income_register.orders.subscription import ALL
from exchange.adapters.income_register.parse import Document
from exchange.adapters.income_register.register.unchangeable import Change, changes_of
from exchange.adapters.income_register.register_records import (
    OF_DELIVERIES,
    OF_REPORTS,
    OF_SUBSCRIPTION,
    ReportKeys,
    ReportRecord,
    delivery_key,
    key_of_register_id,
    read_record,
    rejected_key,
    report_id_of,
    subscription_id,
    subscription_key,
)
from exchange.ports import Context, Identity, Parsed
from exchange.schemas.income_register.codes import ERRORS
from exchange.schemas.violation import Finding, has_errors

#: Reports that the register recommends to put into one delivery at most; more is only warned of.
REPORTS_MAX = 3000


def is_delivery(parsed: Parsed) -> bool:
    return (
        isinstance(parsed, Document)
        and parsed.message_type in DELIVERIES
        and parsed.inbound.endpoint in ENDPOINTS
    )


def report_keys_of_delivery(parsed: Document, data: Element) -> ReportKeys:
    """Where the delivery's reports are remembered; made once."""
    if parsed.report_keys is None:
        kind = kind_of(data)
        parsed.report_keys = ReportKeys(
            owner_of(data), OF_REPORTS.get(kind) or OF_DELIVERIES.get(kind) or kind
        )
    return parsed.report_keys


def recall(parsed: Parsed, identity: Identity) -> Sequence[str]:
    """The keys of the delivery itself and of every report that it names; of an extraction, its
    subscription's.
    """
    if parsed.inbound.endpoint == SUBSCRIPTION_ENDPOINT:
        return (subscription_key(parsed.inbound.hints["subscription"]),)
    if not is_delivery(parsed) or has_errors(parsed.findings):
        return ()
    assert isinstance(parsed, Document)
    data = delivery_data(parsed.document)
    kind, hints = kind_of(data), parsed.inbound.hints
    keys = [delivery_key(identity.sender_message_id)]
    if parsed.inbound.endpoint in DEFERRED_ENDPOINTS:
        keys.append(rejected_key(identity.sender_message_id))
    if parsed.message_type == SUBSCRIPTIONS or kind in OF_SUBSCRIPTION or kind == "112":
        keys.append(ALL)
        named = (subscription_named(data, item, hints) for item in parsed.items)
        keys.extend(map(subscription_key, named))
    elif kind in OF_REPORTS or parsed.message_type in REPORTS:
        report_keys = report_keys_of_delivery(parsed, data)
        for item in parsed.items:
            if item.report_id:
                keys.append(report_keys.place(item.report_id)[0])
            if item.register_id:
                keys.append(key_of_register_id(item.register_id))
    if kind in OF_DELIVERIES and (target := hints.get("target")):
        report_keys = report_keys_of_delivery(parsed, data)
        keys.append(delivery_key(target))
        keys += [report_keys.place(each)[0] for each in hints.get("reports", "").split()]
    return list(dict.fromkeys(keys))


def subscription_named(data: Element, item: Item, hints: Mapping[str, str]) -> str:
    if kind_of(data) == "112":
        return str(hints.get("subscription", ""))
    return item.register_id or subscription_id(owner_of(data), item.report_id)


def check(
    parsed: Parsed, identity: Identity, context: Context, found: Sequence[Finding]
) -> list[Finding]:
    """What the rules of fields found, and what the register's memory adds to it; `parsed` learns
    the versions.
    """
    if not is_delivery(parsed) or has_errors(parsed.findings):
        return list(found)
    assert isinstance(parsed, Document)
    parsed.versions.clear()
    parsed.invalidated.clear()
    data = delivery_data(parsed.document)
    findings = [_at_endpoint(finding) for finding in found]
    if any(finding.rule == "ir.sender-not-partner" for finding in findings):
        # Nobody learns what ids another has used.
        return findings
    if delivery_key(identity.sender_message_id) in context.known and identity.sender_message_id:
        findings.append(
            _finding(
                "delivery-id-used",
                data.find("DeliveryId"),
                None,
                "a DeliveryId of its own for each delivery",
            )
        )
    if len(parsed.items) > REPORTS_MAX and parsed.message_type in REPORTS:
        more = _finding(
            "many-reports", None, None, f"at most {REPORTS_MAX}", str(len(parsed.items))
        )
        findings.append(replace(more, severity="warning"))
    kind = kind_of(data)
    if (
        parsed.message_type == INVALIDATIONS
        and parsed.inbound.endpoint == REAL_TIME_ENDPOINT
        and len(parsed.items) > 1
    ):
        findings.append(
            _finding(
                "invalidation-single",
                parsed.items[1].element,
                None,
                "one Item",
                str(len(parsed.items)),
            )
        )
    if parsed.message_type in REPORTS or kind in OF_REPORTS:
        told = {each.item for each in found if each.rule == "ir.report-repeated"}
        return findings + _check_reports(parsed, data, context, told)
    if parsed.message_type == SUBSCRIPTIONS or kind in OF_SUBSCRIPTION or kind == "112":
        return findings + _check_subscription(parsed, data, context)
    if kind in OF_DELIVERIES:
        return findings + _check_target(parsed, data, context)
    return findings


def _at_endpoint(finding: Finding) -> Finding:
    """A delivery that is meant for production is refused where it arrives; a document that is only
    checked is warned of.
    """
    return (
        replace(finding, severity="error")
        if finding.rule == "ir.production-environment"
        else finding
    )


def _finding(
    rule: str, at: Element | None, item: int | None, expected: str = "", found: str = ""
) -> Finding:
    error = ERRORS[rule]
    return Finding(
        rule=f"ir.{rule}",
        message=error.message,
        at=at,
        expected=expected,
        found=found,
        severity="error",
        code=error.code,
        item=item,
    )


def _check_reports(
    parsed: Document, data: Element, context: Context, told: Collection[int | None]
) -> list[Finding]:
    """New reports must be new; replacements and invalidations must be of the newest version, and
    that one valid, and of each report one; a replacement leaves alone what it may not change.
    `told` are the items that the rules told as repeated by their own references already.
    """
    report_keys = report_keys_of_delivery(parsed, data)
    changed = changes_of(parsed.inbound.hints)
    records: dict[str, ReportRecord | None] = {
        key: read_record(each) for key, each in context.known.items() if key.startswith("r/")
    }
    invalidating = parsed.message_type == INVALIDATIONS
    findings: list[Finding] = []
    seen: set[str] = set()
    for index, item in enumerate(parsed.items):
        if not invalidating and item.action == NEW:
            key, suffix = report_keys.place(item.report_id)
            record = records.get(key)
            if record is not None and suffix in record.versions:
                findings.append(
                    _finding(
                        "report-id-used",
                        item.element,
                        index,
                        "a ReportId of its own",
                        item.report_id,
                    )
                )
            parsed.versions[index] = 1
        elif (invalidating or item.action == REPLACEMENT) and (item.report_id or item.register_id):
            report_id = _named(item, report_keys, context)
            version = _version(records, report_keys, report_id) if report_id else 0
            is_repeated = report_id in seen
            is_early = not invalidating and changed is not None and index not in changed
            if wrong := _wrong(item, version, is_repeated, is_early):
                rule, expected = wrong
                if rule != "report-repeated" or index not in told:
                    named = filter(None, (item.report_id, item.register_id, item.version))
                    found = " ".join(named)
                    findings.append(_finding(rule, item.element, index, expected, found))
                continue
            item.report_id = report_id
            parsed.versions[index] = version + 1
            seen.add(report_id)
            for change in (changed or {}).get(index, ()):
                findings.append(_changed(change, data, item, index))
    return findings


def _wrong(item: Item, version: int, is_repeated: bool, is_early: bool) -> tuple[str, str] | None:
    """The rule that an item breaks which names a report, and what is expected. `version` is the
    report's newest one (0: there is none; below 0: it is invalidated); `is_early` says that the
    report's first delivery was not taken in yet when this one came.
    """
    if not version:
        return "report-not-found", "a report that the owner has given"
    if version < 0:
        return "report-invalidated", "a report that is valid"
    if item.version and item.version != str(version):
        return "report-outdated", f"version {version}, the newest"
    if is_repeated:
        return "report-repeated", "each report once, however it is named"
    if is_early:
        return "report-not-found", "a report whose delivery was acknowledged"
    return None


def _changed(change: Change, data: Element, item: Item, index: int) -> Finding:
    around = item.element if change.of_report else data
    at = around.find(change.path) if around is not None else None
    was = f" ({change.was})" if change.was else ""
    wanted = f"{change.path} as in the version before{was}; else cancel the report and send it anew"
    found = (at.text or "").strip() if at is not None and change.was and not len(at) else ""
    return _finding("replacement-changes", around if at is None else at, index, wanted, found)


def _named(item: Item, report_keys: ReportKeys, context: Context) -> str:
    """The ReportId that an item's references lead to; empty where they lead to none, or to two."""
    if not item.register_id:
        return item.report_id
    by_register = report_id_of(item.register_id, report_keys, context.known)
    return by_register if item.report_id in ("", by_register) else ""


def _version(
    records: dict[str, ReportRecord | None], report_keys: ReportKeys, report_id: str
) -> int:
    key, suffix = report_keys.place(report_id)
    record = records.get(key)
    return record.versions.get(suffix, 0) if record is not None else 0


def _check_subscription(parsed: Document, data: Element, context: Context) -> list[Finding]:
    """A new one must be new; one to be invalidated must be there and valid. One that was extracted
    is ended by that: what was extracted stays (release note 26.1.2021).
    """
    item = parsed.items[0]
    known = context.known.get(
        subscription_key(subscription_named(data, item, parsed.inbound.hints))
    )
    if parsed.message_type == SUBSCRIPTIONS:
        parsed.versions[0] = 0
        if known is not None:
            return [
                _finding(
                    "subscription-id-used",
                    item.element,
                    0,
                    "a MainSubscriptionId of its own",
                    item.report_id,
                )
            ]
        return []
    if known is None or known.value["owner"] != owner_of(data):
        rule = "subscription-not-found"
    elif known.value["invalidated"]:
        rule = "subscription-invalidated"
    else:
        parsed.versions[0] = 0
        return []
    return [
        _finding(
            rule,
            item.element,
            0,
            "a valid subscription",
            item.report_id or item.register_id,
        )
    ]


def _check_target(parsed: Document, data: Element, context: Context) -> list[Finding]:
    """A whole delivery to invalidate must be there and valid; its reports that are still valid get
    their next version.
    """
    item, target = parsed.items[0], parsed.inbound.hints.get("target", "")
    known = context.known.get(delivery_key(target))
    if known is None:
        rule = "delivery-not-found"
    elif known.value.get("invalidated"):
        rule = "delivery-invalidated"
    else:
        parsed.versions[0] = 0
        report_keys = report_keys_of_delivery(parsed, data)
        records = {
            key: read_record(each) for key, each in context.known.items() if key.startswith("r/")
        }
        found = {
            each: _version(records, report_keys, each)
            for each in parsed.inbound.hints.get("reports", "").split()
        }
        parsed.invalidated.update(
            {report_id: version + 1 for report_id, version in found.items() if version > 0}
        )
        return []
    return [
        _finding(
            rule,
            item.element,
            0,
            "a valid delivery of the owner",
            item.report_id or item.register_id,
        )
    ]

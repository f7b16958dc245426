"""How reports and deliveries are remembered between messages: their keys, their register ids and
the values behind the keys; no rule.

A record holds up to 4,096 reports: those of one owner and kind whose ReportIds differ in the last
two characters only. Payroll programs number their reports, so a delivery of 3,000 touches about 30
records. The register's id of a report begins with the key of its record, so that a report is found
by either reference in one look. Its form is *modelled*: what is public is 32 hexadecimal digits
(Guid). A record also says which messages brought its reports, so that the index by report needs no
records of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from exchange.ports import Remembered

#: Characters of a ReportId that are kept inside a record.
_SUFFIX = 2
#: DeliveryDataType of the reports that an invalidation is about, by its own DeliveryDataType.
OF_REPORTS = {"105": "100", "106": "101", "107": "102"}
OF_DELIVERIES = {"109": "100", "110": "101", "111": "102", "112": "103"}
OF_SUBSCRIPTION = {"108": "103"}


def _digest(text: str, size: int) -> str:
    return blake2b(text.encode("utf-8", "replace"), digest_size=size).hexdigest()


class ReportKeys:
    """The records of one owner's reports of one kind (`1:1234567-1`, `100`); keeps the digest of
    each prefix, so that it is made once.
    """

    def __init__(self, owner: str, kind: str) -> None:
        self.name = f"{kind} {owner}"
        self._keys: dict[str, str] = {}

    def place(self, report_id: str) -> tuple[str, str]:
        """The key of the record that holds a ReportId, and its place there."""
        prefix, suffix = report_id[:-_SUFFIX], report_id[-_SUFFIX:]
        key = self._keys.get(prefix)
        if key is None:
            key = self._keys[prefix] = "r/" + _digest(f"{self.name} {prefix}", 8)
        return key, suffix

    def register_id(self, report_id: str) -> str:
        """IRReportId: the key of the record, a digest of the whole id, the last two characters."""
        key, suffix = self.place(report_id)
        last = suffix.encode("utf-8", "replace")[-_SUFFIX:].hex()
        return f"{key[2:]}{_digest(f'{self.name} {report_id}', 6)}{last:0>4}"


@dataclass(slots=True)
class ReportRecord:
    """A record as read: versions by suffix, below 0 when invalidated, and the ids of the messages
    that brought them, oldest first.
    """

    name: str
    prefix: str
    versions: dict[str, int]
    messages: list[int]


def read_record(found: Remembered | None) -> ReportRecord | None:
    """A remembered record."""
    if found is None:
        return None
    value = found.value
    return ReportRecord(value["of"], value["prefix"], value["versions"], value.get("in", []))


def record_value(
    report_keys: str, prefix: str, versions: Mapping[str, int], messages: Sequence[int]
) -> dict[str, Any]:
    """A record as it is kept."""
    return {"of": report_keys, "prefix": prefix, "versions": dict(versions), "in": list(messages)}


def key_of_register_id(register_id: str) -> str:
    """The key of the record that a report with this IRReportId would be in."""
    return "r/" + register_id[:16].lower()


def report_id_of(register_id: str, report_keys: ReportKeys, known: Mapping[str, Remembered]) -> str:
    """The ReportId of a report of that report_keys by its IRReportId; empty when there is none."""
    record = read_record(known.get(key_of_register_id(register_id)))
    if record is None or record.name != report_keys.name:
        return ""
    try:
        suffix = bytes.fromhex(register_id[-4:]).lstrip(b"\0").decode()
    except ValueError:
        return ""
    report_id = record.prefix + suffix
    return (
        report_id
        if suffix in record.versions and report_keys.register_id(report_id) == register_id.lower()
        else ""
    )


def delivery_key(message_id: str) -> str:
    """The key of what is remembered of a delivery, by its identity (`DeliveryId@owner/type`)."""
    return f"d/{message_id}"


def rejected_key(message_id: str) -> str:
    """The key of which message a delivery was that the processing rejected last."""
    return f"n/{message_id}"


def subscription_id(owner: str, main_subscription_id: str) -> str:
    """IRMainSubscriptionId."""
    return _digest(f"subscription {owner} {main_subscription_id}", 16)


def subscription_key(register_id: str) -> str:
    """The key of a main subscription."""
    return f"s/{register_id.lower()}"

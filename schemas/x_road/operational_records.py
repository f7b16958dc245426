"""Operational records of security servers and the questions for them: what is told of a call by
either side, which of it is asked for, and in which form; nothing that keeps it.

Source: pr-opmon, op-monitoring.xsd and OperationalDataRequestHandler of X-Road 7.8.1.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, pstdev
from typing import Any, NamedTuple

from lxml import etree

from exchange.schemas import guard
from exchange.schemas.value import value
from exchange.schemas.x_road.faults import Fault
from exchange.schemas.x_road.identifiers import IDENTIFIERS, Identifier

OPERATIONS = "http://x-road.eu/xsd/op-monitoring.xsd"
DATA, HEALTH = "getSecurityServerOperationalData", "getSecurityServerHealthData"
ATTACHMENT = "operational-monitoring-data.json.gz"
#: Records are told of once they are so old, in seconds: until then some of a second may be missing.
OFFSET_SECONDS = 60
#: Records of one answer; those of its last second are all in it.
RECORDS_MAX = 1_000
#: Texts of the sender's own are kept no longer than this, in characters.
TEXT_MAX = 255
#: What the statistics of health data are about, in seconds.
PERIOD_SECONDS = 600
VERSION = "7.8.1"
#: Which records a server makes that is both servers of a call, or one of them.
SIDES: Mapping[str, tuple[str, ...]] = {
    "both": ("Client", "Producer"),
    "client": ("Client",),
    "provider": ("Producer",),
}
_CLIENT_PARTS = {
    "xRoadInstance": "XRoadInstance",
    "memberClass": "MemberClass",
    "memberCode": "MemberCode",
    "subsystemCode": "SubsystemCode",
}
_OF_CLIENT = tuple(f"client{name}" for name in _CLIENT_PARTS.values())
_OF_SERVICE = tuple(f"service{name}" for name in _CLIENT_PARTS.values())
#: Everything that may be in a record.
FIELDS = frozenset(
    (
        *_OF_CLIENT,
        *_OF_SERVICE,
        *("monitoringDataTs", "securityServerInternalIp", "securityServerType", "xRequestId"),
        *("requestInTs", "requestOutTs", "responseInTs", "responseOutTs", "succeeded"),
        *("serviceCode", "serviceVersion", "serviceType", "restMethod", "restPath", "statusCode"),
        *("messageId", "messageUserId", "messageIssue", "messageProtocolVersion", "xRoadVersion"),
        *("representedPartyClass", "representedPartyCode"),
        *("clientSecurityServerAddress", "serviceSecurityServerAddress"),
        *("requestSize", "requestMimeSize", "requestAttachmentCount"),
        *("responseSize", "responseMimeSize", "responseAttachmentCount"),
        *("faultCode", "faultString"),
    )
)


@dataclass(slots=True)
class Observed:
    """A call as the security servers saw it; times in milliseconds since 1970. `passed_at` is when
    it went on to the provider's server (0: it never did), `told` what else stands in the records of
    both sides, `made_id` the message id of a call that came without one. A metadata service is the
    server's own: nothing goes on from it.
    """

    request_id: str
    came_at: int
    client: Identifier | None = None
    service: Identifier | None = None
    is_meta: bool = False
    passed_at: int = 0
    asked_at: int = 0
    answered_at: int = 0
    left_at: int = 0
    rest_path: str = ""
    succeeded: bool = True
    made_id: str = ""
    told: dict[str, Any] = field(default_factory=dict)


def ends_of(seen: Observed) -> tuple[str, str]:
    """Who made a call, and whose service it was: paths. Empty where it may name a real person."""
    client, provider = ("" if each is None else each.owner for each in (seen.client, seen.service))
    return _short(guard.storable(client)), _short(guard.storable(provider))


def _short(text: str) -> str:
    return text[:TEXT_MAX]


def records(
    seen: Observed, server: str, sides: Sequence[str] = SIDES["both"]
) -> list[dict[str, Any]]:
    """What `sides` tell of a call: the client's server and, where it went on, the provider's.
    `server` is the address of both. A text of the sender's that may name a real person is left out.
    """
    found = []
    for side in sides:
        is_client = side == "Client"
        if not (is_client or seen.passed_at):
            continue
        came, out = (seen.came_at, seen.passed_at) if is_client else (seen.passed_at, seen.asked_at)
        record = {
            "monitoringDataTs": seen.left_at // 1000,
            "securityServerInternalIp": server,
            "securityServerType": side,
            "xRequestId": seen.request_id,
            "xRoadVersion": VERSION,
            "clientSecurityServerAddress": server,
            "serviceSecurityServerAddress": server,
            "requestInTs": came,
            "responseOutTs": seen.left_at,
            "succeeded": seen.succeeded,
            **_named("client", seen.client),
            **_named("service", seen.service),
            **seen.told,
        }
        if seen.is_meta:
            record |= {"requestOutTs": came, "responseInTs": seen.left_at}
        elif seen.answered_at:
            record |= {"requestOutTs": out, "responseInTs": seen.answered_at}
        if seen.rest_path and not is_client:
            record["restPath"] = seen.rest_path
        found.append(_without_persons(record))
    return found


def _without_persons(record: dict[str, Any]) -> dict[str, Any]:
    texts = {name: text for name, text in record.items() if isinstance(text, str)}
    if not guard.in_texts(texts.values()):
        return record
    hidden = {name for name, text in texts.items() if guard.in_text(text)}
    return {name: each for name, each in record.items() if name not in hidden}


def _named(end: str, identifier: Identifier | None) -> dict[str, str]:
    if identifier is None:
        return {}
    parts = identifier.parts
    named = {part: f"{end}{name}" for part, name in _CLIENT_PARTS.items()}
    named |= {name: name for name in ("serviceCode", "serviceVersion")}
    return {name: _short(parts[part]) for part, name in named.items() if part in parts}


@value
class Criteria:
    """What is asked for: seconds from and to (both included), where to go on (0: all is told), the
    client whose records are wanted, and the fields (None: all).
    """

    first: int
    last: int
    next_from: int
    client: Identifier | None
    fields: frozenset[str] | None


def criteria(wrapper: etree._Element, now_seconds: int) -> Criteria:
    """The question in the body of a call.

    Raises:
        Fault: `client.invalid_request`.
    """
    first, last = (_seconds(wrapper, name) for name in ("recordsFrom", "recordsTo"))
    if first < 0 or last < 0:
        raise Fault("client.invalid_request", "times are seconds since 1970, not negative")
    if last < first:
        raise Fault("client.invalid_request", "recordsTo is before recordsFrom")
    available = now_seconds - OFFSET_SECONDS
    if first >= available:
        raise Fault("client.invalid_request", f"records from {available} on are not available yet")
    named = [each.text or "" for each in wrapper.iter(f"{{{OPERATIONS}}}outputField")]
    if set(named) - FIELDS:
        raise Fault("client.invalid_request", "outputField names no field of a record")
    is_early = last >= available
    return Criteria(
        first=first,
        last=available - 1 if is_early else last,
        next_from=available if is_early else 0,
        client=client_of(wrapper),
        fields=frozenset(named) if named else None,
    )


def _seconds(wrapper: etree._Element, name: str) -> int:
    found = wrapper.findtext(f".//{{{OPERATIONS}}}{name}", "").strip()
    digits = found.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 19):
        raise Fault("client.invalid_request", f"{name} is a number of seconds")
    return int(found)


def client_of(wrapper: etree._Element) -> Identifier | None:
    """The client whose records are wanted; None when the question names none."""
    element = wrapper.find(f".//{{{OPERATIONS}}}client")
    if element is None:
        return None
    texts = {name: element.findtext(f"{{{IDENTIFIERS}}}{name}") for name in _CLIENT_PARTS}
    return Identifier("SUBSYSTEM", {name: text for name, text in texts.items() if text})


class Page(NamedTuple):
    """Records that are told at once, and where to go on (0: all is told)."""

    records: Sequence[Mapping[str, Any]]
    next_from: int


def page(found: Sequence[Mapping[str, Any]], fields: frozenset[str] | None, next_from: int) -> Page:
    """What is told of records: the fields that are wanted (None: all)."""
    if fields is None:
        return Page(found, next_from)
    cut = [{name: each[name] for name in each if name in fields} for each in found]
    return Page(cut, next_from)


def data_answer(told: Page) -> tuple[bytes, bytes]:
    """The answer as the body's child, and the attachment with the records."""
    inside = f"<om:recordsCount>{len(told.records)}</om:recordsCount>"
    inside += f"<om:records>cid:{ATTACHMENT}</om:records>"
    if told.next_from:
        inside += f"<om:nextRecordsFrom>{told.next_from}</om:nextRecordsFrom>"
    packed = gzip.compress(json.dumps({"records": told.records}).encode(), mtime=0)
    return _response(DATA, inside), packed


def _response(code: str, inside: str) -> bytes:
    return f'<om:{code}Response xmlns:om="{OPERATIONS}">{inside}</om:{code}Response>'.encode()


def health_answer(kept: Iterable[Mapping[str, Any]], started_at: int, now: int) -> bytes:
    """Of each service how its calls went, as the body's child; times in milliseconds."""
    services: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    names = (*_OF_SERVICE, "serviceCode", "serviceVersion")
    for record in kept:
        if record["securityServerType"] == "Producer" and "serviceCode" in record:
            key = tuple(record.get(name, "") for name in names)
            services.setdefault(key, []).append(record)
    since = now - PERIOD_SECONDS * 1000
    events = "".join(_service_events(key, of, since) for key, of in sorted(services.items()))
    inside = f"<om:monitoringStartupTimestamp>{started_at}</om:monitoringStartupTimestamp>"
    inside += f"<om:statisticsPeriodSeconds>{PERIOD_SECONDS}</om:statisticsPeriodSeconds>"
    return _response(HEALTH, f"{inside}<om:servicesEvents>{events}</om:servicesEvents>")


def _service_events(
    key: tuple[str, ...], of_service: Sequence[Mapping[str, Any]], since: int
) -> str:
    parts = (*_CLIENT_PARTS, "serviceCode", "serviceVersion")
    named = {part: text for part, text in zip(parts, key, strict=True) if text}
    told = Identifier("SERVICE", named).as_xml("om:service")
    for is_right, name in ((True, "Successful"), (False, "Unsuccessful")):
        times = [each["responseOutTs"] for each in of_service if each["succeeded"] == is_right]
        if times:
            told += f"<om:last{name}RequestTimestamp>{max(times)}</om:last{name}RequestTimestamp>"
    if kind := of_service[-1].get("serviceType", ""):
        told += f"<om:serviceType>{kind}</om:serviceType>"
    told += _statistics([each for each in of_service if each["responseOutTs"] > since])
    return f"<om:serviceEvents>{told}</om:serviceEvents>"


def _statistics(lately: Sequence[Mapping[str, Any]]) -> str:
    right = [each for each in lately if each["succeeded"]]
    told = f"<om:successfulRequestCount>{len(right)}</om:successfulRequestCount>"
    wrong = len(lately) - len(right)
    told += f"<om:unsuccessfulRequestCount>{wrong}</om:unsuccessfulRequestCount>"
    durations = [each["responseOutTs"] - each["requestInTs"] for each in right]
    for what, unit, figures in (
        ("request", "Duration", durations),
        ("request", "Size", [each["requestSize"] for each in right if "requestSize" in each]),
        ("response", "Size", [each["responseSize"] for each in right if "responseSize" in each]),
    ):
        if figures:
            for name, figure in (
                (f"{what}Min{unit}", min(figures)),
                (f"{what}Average{unit}", round(fmean(figures), 3)),
                (f"{what}Max{unit}", max(figures)),
                (f"{what}{unit}StdDev", round(pstdev(figures), 3)),
            ):
                told += f"<om:{name}>{figure}</om:{name}>"
    return f"<om:lastPeriodStatistics>{told}</om:lastPeriodStatistics>"

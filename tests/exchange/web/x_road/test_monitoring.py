"""Operational records of calls over X-Road, read as X-Road Metrics reads them: its collector finds
the attachment by its bytes, its corrector pairs the two sides of a call.
"""

from __future__ import annotations

import gzip
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from lxml import etree

from exchange.errors import LedgerError
from exchange.ports.services import CallRecord
from exchange.schemas.x_road import operational_records
from exchange.schemas.x_road.operational_records import TEXT_MAX, Observed
from exchange.settings.x_road import XRoad
from exchange.testing.clock import HandClock
from exchange.testing.embedded import Embedded
from exchange.web.x_road.monitoring import TOGETHER_MAX, Monitoring

PARTNER, CLIENT = "municipality.espoo", "FI-TEST/MUN/1234567-1/testihenkilot"
OWNER, OTHER = "FI-TEST/GOV/0245437-2", "FI-TEST/MUN/1234567-1/toinen"
DVV = "FI-TEST/GOV/0245437-2/VTJmutpa/VTJmutpa"
QUERY = ("VTJkysely", "HenkilonTunnusKysely", "v1")
XROAD, IDENTIFIERS = "http://x-road.eu/xsd/xroad.xsd", "http://x-road.eu/xsd/identifiers"
OPERATIONS = "http://x-road.eu/xsd/op-monitoring.xsd"
PARTS = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode")
PERSON = "010594Y9032"
CLIENTS = {CLIENT: PARTNER, OTHER: "municipality.oulu", OWNER: "dvv"}
X_ROAD = {"clients": CLIENTS, "clients_without_key": list(CLIENTS)}
REQUIRED = {
    *("securityServerInternalIp", "securityServerType", "requestInTs", "responseOutTs"),
    "succeeded",
}


class Clock(Protocol):
    """What the server that is asked takes for the time."""

    def seconds(self) -> float:
        """Seconds since 1970 UTC."""
        ...


class Served(Protocol):
    """A security server that is asked: embedded here, or a process."""

    @property
    def address(self) -> str:
        """Where it is."""
        ...

    @property
    def clock(self) -> Clock:
        """Its time."""
        ...


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    with Embedded(tmp_path_factory.mktemp("x-road"), x_road=X_ROAD) as running:
        yield running


def identifier(kind: str, path: str, *service: str) -> str:
    names = (*PARTS[: path.count("/") + 1], *("serviceCode", "serviceVersion")[: len(service)])
    parts = zip(names, (*path.split("/"), *service), strict=True)
    inside = "".join(f"<id:{name}>{text}</id:{name}>" for name, text in parts)
    element = "service" if kind == "SERVICE" else "client"
    return f'<x:{element} id:objectType="{kind}">{inside}</x:{element}>'


def soap(
    served: Served, client: str, service: str, body: str, message_id: str = "m-1"
) -> tuple[Any, bytes]:
    """Headers and body of the answer to a SOAP call; every fault has status 200."""
    kind = "SUBSYSTEM" if client.count("/") == 3 else "MEMBER"
    envelope = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
        f'xmlns:x="{XROAD}" xmlns:id="{IDENTIFIERS}"><s:Header>{identifier(kind, client)}'
        f"{service}<x:id>{message_id}</x:id><x:userId>koe</x:userId>"
        f"<x:protocolVersion>4.0</x:protocolVersion></s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )
    headers = {"Content-Type": "text/xml; charset=utf-8"}
    with urlopen(Request(f"{served.address}/x-road", envelope.encode(), headers)) as answered:
        return answered.headers, answered.read()


def person_query(served: Served, message_id: str, code: str = QUERY[1]) -> bytes:
    namespace = "http://xml.vrk.fi/ws/vtj/vtjkysely/1"
    fields = {"SoSoNimi": "Perussanoma 3", "Loppukayttaja": "koe", "Henkilotunnus": PERSON}
    inside = "".join(f"<{name}>{text}</{name}>" for name, text in fields.items())
    body = f'<{code} xmlns="{namespace}"><request>{inside}</request></{code}>'
    service = identifier("SERVICE", f"{OWNER}/{QUERY[0]}", code, QUERY[2])
    return soap(served, CLIENT, service, body, message_id)[1]


def rest(served: Served, path: str, client: str = CLIENT, **headers: str) -> int:
    """The status of a REST call."""
    named = {"X-Road-Client": client, **{k.replace("_", "-"): v for k, v in headers.items()}}
    try:
        with urlopen(Request(f"{served.address}/r1/{path}", headers=named)) as answered:
            return int(answered.status)
    except HTTPError as error:
        return error.code


def ask(
    served: Served, client: str, criteria: str, output: str = "", owner: str = OWNER
) -> tuple[Any, bytes]:
    """An answer of operational data, of the server of that owner."""
    body = (
        f'<o:getSecurityServerOperationalData xmlns:o="{OPERATIONS}"><o:searchCriteria>'
        f"{criteria}</o:searchCriteria>{output}</o:getSecurityServerOperationalData>"
    )
    service = identifier("SERVICE", owner, "getSecurityServerOperationalData")
    return soap(served, client, service, body)


def between(first: int, last: int) -> str:
    return f"<o:recordsFrom>{first}</o:recordsFrom><o:recordsTo>{last}</o:recordsTo>"


def collected(body: bytes) -> list[dict[str, Any]]:
    """The records of an answer, found by its bytes as the collector does."""
    mark = b"content-id: <operational-monitoring-data.json.gz>\r\n\r\n"
    start = body.index(mark) + len(mark)
    packed = body[start : body.index(b"\r\n--xroad", start)]
    found: list[dict[str, Any]] = json.loads(gzip.decompress(packed))["records"]
    return found


def all_records(served: Embedded, client: str = OWNER) -> list[dict[str, Any]]:
    served.clock.advance(seconds=70)
    now = int(served.clock.seconds())
    headers, body = ask(served, client, between(now - 86_400, now))
    assert headers["Content-Type"].startswith("multipart/related")
    assert 'boundary="xroad' in headers["Content-Type"]
    assert f"<om:nextRecordsFrom>{now - 60}".encode()[:-2] in body
    return collected(body)


def told_of(
    served: Served, client: str, first: int, owner: str = OWNER
) -> tuple[list[dict[str, Any]], int]:
    """All records from that second on that are told by now, page by page; and how many pages."""
    last, found, pages = int(served.clock.seconds()) - 62, list[dict[str, Any]](), 0
    while first <= last:
        _, body = ask(served, client, between(first, last), owner=owner)
        found += collected(body)
        envelope = body.partition(b"\r\n\r\n")[2].partition(b"\r\n--xroad")[0]
        following = etree.fromstring(envelope).findtext(f".//{{{OPERATIONS}}}nextRecordsFrom")
        first, pages = int(following or last + 1), pages + 1
    return found, pages


def corrected(found: list[dict[str, Any]]) -> Counter[str]:
    """The corrector's rule, written anew: the first record of each side with one xRequestId are a
    regular pair, further ones are duplicates, and one alone is an orphan.
    """
    pairs: dict[str, dict[str, dict[str, Any]]] = {}
    kinds: Counter[str] = Counter()
    for record in found:
        request_id, side = record.get("xRequestId"), record["securityServerType"].lower()
        if not request_id:
            kinds["orphan"] += 1
        elif side in pairs.setdefault(request_id, {}):
            kinds["duplicate"] += 1
        else:
            pairs[request_id][side] = record
    for sides in pairs.values():
        kinds["regular_pair" if len(sides) == 2 else "orphan"] += 1
    return kinds


def test_calls_make_regular_pairs_only(served: Embedded) -> None:
    earlier = {each.get("xRequestId") for each in all_records(served)}
    # Two calls with one id of the sender's are two pairs.
    for _ in range(2):
        assert rest(served, f"{DVV}/api/v1/kirjausavain/2026-03-02", X_Road_Id="same") == 200
    assert rest(served, f"{DVV}/api/v1/kirjausavain/xx") == 400
    assert rest(served, f"{DVV}/api/v1/nothing") == 404
    assert b"VTJHenkiloVastaussanoma" in person_query(served, "soap-1")
    assert b"unknown_service" in person_query(served, "soap-2", "Muu")
    found = [each for each in all_records(served) if each.get("xRequestId") not in earlier]
    kinds = corrected(found)
    assert (kinds["orphan"], kinds["duplicate"]) == (0, 0)
    assert kinds["regular_pair"] >= 5
    for record in found:
        assert record.keys() >= REQUIRED
        assert record["requestInTs"] <= record.get("requestOutTs", record["requestInTs"])
        assert record["responseOutTs"] >= record.get("responseInTs", 0)
    same = [each for each in found if each.get("messageId") == "same"]
    assert len({each["xRequestId"] for each in same}) == 2
    assert {each["securityServerType"] for each in same} == {"Client", "Producer"}
    assert all(("restPath" in each) == (each["securityServerType"] == "Producer") for each in same)
    assert all(each["statusCode"] == 200 and each["succeeded"] for each in same)
    assert {each["messageProtocolVersion"] for each in same} == {"1"}
    (wrong, _) = [each for each in found if each.get("statusCode") == 400]
    assert not wrong["succeeded"]
    (refused, _) = [each for each in found if each.get("messageId") == "soap-2"]
    assert (refused["succeeded"], refused["faultCode"]) == (
        False,
        "server.serverproxy.unknown_service",
    )


def test_what_the_clients_server_refuses_leaves_an_orphan(served: Embedded) -> None:
    before = corrected(all_records(served))
    assert rest(served, "FI-TEST/GOV/9999999-9/x/y/z") == 500
    after = corrected(all_records(served))
    assert after["orphan"] == before["orphan"] + 1


class EndsAfterOneCommit:
    """Where a process keeps records that is killed between its first commit and its second."""

    def __init__(self) -> None:
        self.kept: list[dict[str, Any]] = []

    async def keep(self, records: Sequence[CallRecord], most: int) -> None:
        if self.kept:
            raise LedgerError("the process has ended")
        self.kept += [json.loads(each.content) for each in records]

    async def told(self, *asked: Any, **more: Any) -> list[CallRecord]:
        raise AssertionError("nobody asks")

    async def drop(self, before: int) -> int:
        raise AssertionError("nothing is old")


async def test_of_a_process_that_ends_between_two_commits_pairs_are_left() -> None:
    """(A call that was being served has no record of either side.)"""
    records = EndsAfterOneCommit()
    monitoring = Monitoring(XRoad(), records, HandClock())
    for number in range(2 * TOGETHER_MAX):
        # The first is refused before it passes, so that records and calls are odd to each other.
        monitoring.keep(Observed(f"c-{number}", came_at=1, passed_at=number and 2, asked_at=3))
    with pytest.raises(LedgerError):
        await monitoring.flush()
    with suppress(LedgerError):
        await monitoring.stop()
    assert corrected(records.kept) == {"orphan": 1, "regular_pair": TOGETHER_MAX - 1}


def test_who_is_not_the_owner_sees_own_calls_only(served: Embedded) -> None:
    assert rest(served, f"{DVV}/api/v1/kirjausavain/2026-03-02", X_Road_Id="mine") == 200
    own = all_records(served, CLIENT)
    assert "mine" in {each.get("messageId") for each in own}
    assert {each["clientMemberCode"] for each in own} == {"1234567-1"}
    others = all_records(served, OTHER)
    assert "mine" not in {each.get("messageId") for each in others}


def test_of_what_a_stranger_calls_itself_little_is_kept(served: Embedded) -> None:
    """Nobody has looked yet at whether there is such a client, and thousands of calls are kept."""
    name = "9" * 100_000
    service = identifier("SERVICE", f"{OWNER}/{QUERY[0]}{name}", QUERY[1], QUERY[2])
    _, answered = soap(served, f"FI-TEST/MUN/{name}/{name}", service, f"<{QUERY[1]}/>")
    assert b"unknown_member" in answered
    rest(served, f"FI-TEST/GOV/1/{name[:5000]}/a", client=f"FI-TEST/MUN/{name[:5000]}")
    kept = [each for each in all_records(served) if each.get("clientMemberCode", "")[:1] == "9"]
    assert len(kept) == 2
    texts = [text for each in kept for text in each.values() if isinstance(text, str)]
    assert max(map(len, texts)) == TEXT_MAX


def test_records_outlive_the_process_that_made_them(tmp_path: Path) -> None:
    with Embedded(tmp_path, x_road=X_ROAD | {"record_seconds": 3_600}) as first:
        assert rest(first, f"{DVV}/api/v1/kirjausavain/2026-03-02", X_Road_Id="before") == 200
    with Embedded(tmp_path, x_road=X_ROAD | {"record_seconds": 3_600}) as second:
        assert rest(second, f"{DVV}/api/v1/kirjausavain/2026-03-02", X_Road_Id="after") == 200
        found = all_records(second)
        assert {each.get("messageId") for each in found} >= {"before", "after"}
        assert corrected(found)["regular_pair"] == len(found) / 2
        # Retention runs every five minutes.
        second.clock.advance(hours=2)
        await_only_new(second)


def await_only_new(served: Embedded) -> None:
    """Wait until retention has run; it is a task of the exchange's own."""
    until = time.monotonic() + 10
    while {"before", "after"} & {each.get("messageId") for each in all_records(served)}:
        assert time.monotonic() < until


def test_a_page_ends_with_a_whole_second_and_says_where_to_go_on(
    served: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operational_records, "RECORDS_MAX", 4)
    served.clock.advance(hours=1)
    begun = int(served.clock.seconds())
    for number in range(6):
        if number == 3:
            served.clock.advance(seconds=5)
        path = f"{DVV}/api/v1/kirjausavain/2026-03-02"
        assert rest(served, path, X_Road_Id=f"p-{begun}-{number}") == 200
    served.clock.advance(seconds=70)
    found, pages = told_of(served, CLIENT, begun)
    # (The questions themselves leave records as well.)
    own = [each["messageId"] for each in found if each["messageId"].startswith(f"p-{begun}-")]
    assert own == sorted(own)
    assert len(own) == 12
    assert pages >= 2


def test_only_the_fields_that_are_wanted(served: Embedded) -> None:
    rest(served, f"{DVV}/api/v1/kirjausavain/2026-03-02")
    served.clock.advance(seconds=70)
    now = int(served.clock.seconds())
    fields = "".join(f"<o:outputField>{name}</o:outputField>" for name in ("succeeded", "restPath"))
    output = f"<o:outputSpec>{fields}</o:outputSpec>"
    _, body = ask(served, OWNER, between(now - 86_400, now), output)
    found = collected(body)
    assert found
    assert set().union(*found) == {"succeeded", "restPath"}


@pytest.mark.parametrize(
    ("first", "last", "output"),
    [
        ("-1", "5", ""),
        ("9", "5", ""),
        ("99999999990", "99999999999", ""),
        ("x", "5", ""),
        ("1", "5", "<o:outputSpec><o:outputField>hetu</o:outputField></o:outputSpec>"),
        ("1" * 30, "5", ""),
    ],
)
def test_a_question_that_is_none(served: Embedded, first: str, last: str, output: str) -> None:
    criteria = f"<o:recordsFrom>{first}</o:recordsFrom><o:recordsTo>{last}</o:recordsTo>"
    _, body = ask(served, OWNER, criteria, output)
    assert etree.fromstring(body).findtext(".//faultcode") == "client.invalid_request"


def test_health_data_tell_how_the_calls_of_each_service_went(served: Embedded) -> None:
    for path in ("2026-03-02", "2026-03-03", "xx"):
        rest(served, f"{DVV}/api/v1/kirjausavain/{path}")
    service = identifier("SERVICE", OWNER, "getSecurityServerHealthData")
    body = f'<o:getSecurityServerHealthData xmlns:o="{OPERATIONS}"/>'
    _, answered = soap(served, OWNER, service, body)
    root = etree.fromstring(answered)
    om = f"{{{OPERATIONS}}}"
    assert root.findtext(f".//{om}statisticsPeriodSeconds") == "600"
    (of_dvv,) = [
        each
        for each in root.iter(f"{om}serviceEvents")
        if each.findtext(f"{om}service/{{{IDENTIFIERS}}}serviceCode") == "VTJmutpa"
    ]
    statistics = of_dvv.find(f"{om}lastPeriodStatistics")
    assert statistics is not None
    told = {etree.QName(each).localname: float(each.text or 0) for each in statistics}
    assert told["successfulRequestCount"] >= 2
    assert told["unsuccessfulRequestCount"] >= 1
    low, mean, high = (told[f"request{name}Duration"] for name in ("Min", "Average", "Max"))
    assert low <= mean <= high
    assert of_dvv.findtext(f"{om}lastSuccessfulRequestTimestamp")
    assert of_dvv.findtext(f"{om}lastUnsuccessfulRequestTimestamp")

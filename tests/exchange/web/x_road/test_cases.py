"""Requests to a security server as its own suite and its readers make them, each with what it
gets: passed on, or the fault in either spelling.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from lxml import etree
from yarl import URL

from exchange.schemas.x_road import soap
from exchange.schemas.x_road.faults import CODES
from tests.journeys.running import Running, running

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.reference]

CLIENT = "FI-TEST/MUN/1234567-1/testihenkilot"
PARTNER = "municipality.espoo"
#: The member itself, and the subsystem.
CLIENTS = {"FI-TEST/MUN/1234567-1": PARTNER, CLIENT: PARTNER}
OPEN: dict[str, Any] = {"clients": CLIENTS, "clients_without_key": tuple(CLIENTS)}
SERVICE = "VTJkysely/HenkilonTunnusKysely"
#: What a case needs of the settings; those without a line need nothing.
SET_UP: dict[str, dict[str, Any]] = {
    "X076": {"denied": (f"{CLIENT} {SERVICE}",)},
    "X077": {"disabled": {SERVICE: "Huoltokatko"}},
    "X080": {"maintenance": True},
    "X082": {"clients_without_key": ()},
    "X083": {"clients_without_key": ()},
}
#: Cases with two right answers, and the other one of them.
ALSO = {"X092": (500, "server.clientproxy.unknown_member"), "X107": (404, "")}
#: No service of ours answers with a redirect.
LEFT_OUT = ("X095",)


def cases() -> list[dict[str, str]]:
    with (folder() / "xroad-cases.tsv").open(encoding="utf-8") as lines:
        found = list(csv.DictReader(lines, delimiter="\t"))
    return [each for each in found if each["id"] not in LEFT_OUT]


def folder() -> Path:
    return Path(os.environ["EXCHANGE_REFERENCE"]).parent / "cases/x-road"


async def send(
    exchange: Running, case: dict[str, str], **more: str
) -> tuple[int, Any, bytes, bytes]:
    """Status, headers and body of the answer, and the body that was sent."""
    pairs = [each.partition(": ") for each in case["headers"].split(" | ") if each]
    headers = [(name, text) for name, _, text in pairs]
    headers += [(name.replace("_", "-"), text) for name, text in more.items()]
    body = b""
    if case["body_file"] != "-":
        body = (folder() / "xroad-requests" / case["body_file"]).read_bytes()
    path = case["path"]
    if not path.startswith(("/r1/", "/listClients")):
        path = f"/x-road{path}"
    async with exchange.session.request(
        case["method"],
        URL(exchange.url + path, encoded=True),
        data=body,
        headers=headers,
        allow_redirects=False,
        skip_auto_headers=("Content-Type", "Accept", "User-Agent"),
    ) as response:
        return response.status, response.headers, await response.read(), body


def fault_of(headers: Any, body: bytes) -> str:
    """The code of a fault; empty when it is none."""
    if "X-Road-Error" in headers:
        return str(headers["X-Road-Error"])
    if not headers["Content-Type"].startswith("text/xml"):
        return ""
    return etree.fromstring(body).findtext(".//faultcode", "")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """One for all cases that need nothing special."""
    async with running(tmp_path_factory.mktemp("x-road"), x_road=OPEN) as started:
        yield started


async def test_every_case_gets_its_answer(exchange: Running) -> None:
    wrong = []
    plain = [case for case in cases() if case["id"] not in SET_UP]
    assert len(plain) > 75
    for case in plain:
        status, headers, body, _ = await send(exchange, case)
        code = fault_of(headers, body)
        right = (int(case["http"]), case["fault_7.8"])
        if (status, code) not in (right, ALSO.get(case["id"])):
            wrong.append((case["id"], case["name"], status, code, body[:200]))
    assert wrong == []


@pytest.mark.parametrize("name", SET_UP)
async def test_a_case_that_needs_a_state_gets_its_fault(name: str, tmp_path: Path) -> None:
    (case,) = [each for each in cases() if each["id"] == name]
    async with running(tmp_path, x_road=OPEN | SET_UP[name]) as started:
        other = started.exchange.directory.get("municipality.oulu")
        assert other is not None
        key = {"X_API_Key": other.key} if name == "X083" else {}
        status, headers, body, _ = await send(started, case, **key)
    assert (status, fault_of(headers, body)) == (200, case["fault_7.8"])
    # (That codes are spelt as set is seen below.)
    assert CODES[case["fault_7.8"]] == case["fault_before_7.8"]


async def test_the_old_spelling_is_a_table(tmp_path: Path) -> None:
    wrong = []
    async with running(tmp_path, x_road=OPEN | {"fault_codes": "before"}) as started:
        for case in cases():
            if case["outcome"] == "fault" and case["id"] not in {*SET_UP, *ALSO}:
                _, headers, body, _ = await send(started, case)
                if (code := fault_of(headers, body)) != case["fault_before_7.8"]:
                    wrong.append((case["id"], code))
    assert wrong == []


async def test_an_answer_carries_the_header_of_its_request_and_its_hash(exchange: Running) -> None:
    for case in cases():
        if case["face"] != "soap" or case["outcome"] == "fault" or "raja-" in case["headers"]:
            continue
        _, _, body, sent = await send(exchange, case)
        asked = etree.fromstring(sent)
        answered = etree.fromstring(body)
        theirs, ours = (
            {
                etree.QName(each).localname: "".join(each.xpath(".//text()"))
                for each in document.find(f"{{{soap.SOAP}}}Header")
                if isinstance(each.tag, str)
            }
            for document in (asked, answered)
        )
        hashed = answered.findtext(f".//{{{soap.XROAD}}}requestHash")
        ours.pop("requestHash")
        assert theirs == ours, case["name"]
        assert hashed == soap.request_hash(sent), case["name"]


async def test_a_rest_answer_tells_who_asked_what_and_the_hash(exchange: Running) -> None:
    (case,) = [each for each in cases() if each["id"] == "X088"]
    hashes = set()
    for _ in range(2):
        status, headers, body, _ = await send(exchange, case)
        assert status == 200, body
        told = {name: headers[f"x-road-{name}"] for name in ("id", "client", "service")}
        assert told == {
            "id": "oma-1",
            "client": CLIENT,
            "service": "FI-TEST/GOV/0245437-2/VTJmutpa/VTJmutpa",
        }
        hashes.add((headers["x-road-request-id"], headers["x-road-request-hash"]))
    assert len(hashes) == 2
    (case,) = [each for each in cases() if each["id"] == "X086"]
    _, headers, _, _ = await send(exchange, case)
    assert headers["x-road-id"].startswith("FI-TEST-")


async def test_clients_are_listed_in_json_where_accept_names_it_at_all(exchange: Running) -> None:
    by_id = {case["id"]: case for case in cases()}
    _, headers, body, _ = await send(exchange, by_id["X121"])
    members = json.loads(body)["member"]
    listed = {
        "/".join(
            each["id"].get(part, "")
            for part in ("xroad_instance", "member_class", "member_code", "subsystem_code")
        )
        for each in members
    }
    assert CLIENT in listed
    _, headers, body, _ = await send(exchange, by_id["X119"])
    assert headers["Content-Type"].startswith("text/xml")
    assert len(etree.fromstring(body)) == len(members)


async def test_what_passed_is_recorded_and_counted(exchange: Running) -> None:
    rows = await exchange.exchange.ledger.totals(("message_type", "kind"))
    before = {key: count for key, count, _, _ in rows}
    (case,) = [each for each in cases() if each["id"] == "X001"]
    await send(exchange, case)
    rows = await exchange.exchange.ledger.totals(("message_type", "kind"))
    after = {key: count for key, count, _, _ in rows}
    key = ("population-register.person-query", "accepted")
    assert after[key] == before.get(key, 0) + 1
    assert exchange.verify().clean

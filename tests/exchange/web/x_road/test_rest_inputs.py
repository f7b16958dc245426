"""REST calls of our own making to a security server, each judged beforehand by what the server of
X-Road 7.8.1 does with its kind: a fault's code, or nothing where it is passed on.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.exchange.web.raw import connecting
from tests.exchange.web.x_road.requests import (
    CLIENT,
    KEYED,
    MEMBER,
    NO_SERVICE,
    SETTINGS,
    UNKNOWN,
    send,
)
from tests.journeys.running import Running, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

BASE = "/r1/FI-TEST/GOV/0245437-2/VTJmutpa/VTJmutpa"
DAY = f"{BASE}/api/v1/kirjausavain/2026-03-02"
AS = ("X-Road-Client", CLIENT)
INTERNAL = "server.clientproxy.internal_error"
DENIED = "server.serverproxy.access_denied"
SERVER = "X-Road-Security-Server"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """One exchange for all."""
    async with running(tmp_path_factory.mktemp("x-road"), x_road=SETTINGS) as started:
        yield started


#: Method, path, headers, status, fault.
REST: dict[str, tuple[str, str, list[tuple[str, str]], int, str]] = {
    "lower case": ("GET", DAY, [("x-road-client", CLIENT)], 200, ""),
    "the last of two clients, known": ("GET", DAY, [("X-Road-Client", "FI/A/1"), AS], 200, ""),
    "the last of two clients, unknown": (
        "GET", DAY, [AS, ("X-Road-Client", "FI-TEST/MUN/7")], 500, UNKNOWN,
    ),
    "a client behind a slash": (
        "GET", DAY, [("X-Road-Client", f"{CLIENT}/")], 500, INTERNAL,
    ),
    "a client with an empty part": (
        "GET", DAY, [("X-Road-Client", "FI-TEST//1234567-1/koe")], 500, INTERNAL,
    ),
    "a client of a member": ("GET", DAY, [("X-Road-Client", MEMBER)], 200, ""),
    "an empty client": (
        "GET", DAY, [("X-Road-Client", "")], 500, "server.clientproxy.invalid_client_identifier",
    ),
    "an encoded client": ("GET", DAY, [("X-Road-Client", CLIENT.replace("-", "%2D"))], 200, ""),
    "a client of another spelling": (
        "GET", DAY, [("X-Road-Client", CLIENT.lower())], 500, UNKNOWN,
    ),
    "an instance of another spelling": ("GET", DAY.replace("FI-TEST", "fi-test"), [AS], 500, UNKNOWN),
    "encoded identifiers": ("GET", DAY.replace("0245437-2", "%30245437%2d2"), [AS], 200, ""),
    "an empty identifier": ("GET", DAY.replace("/GOV/", "//"), [AS], 500, INTERNAL),
    "four identifiers": ("GET", "/r1/FI-TEST/GOV/0245437-2/VTJmutpa", [AS], 500, INTERNAL),
    "a service of another spelling": (
        "GET", DAY.replace("VTJmutpa/api", "vtjmutpa/api"), [AS], 500, NO_SERVICE,
    ),
    "HEAD": ("HEAD", DAY, [AS], 500, DENIED),
    "OPTIONS": ("OPTIONS", DAY, [AS], 500, DENIED),
    "DELETE": ("DELETE", f"{BASE}/api/v1/muutokset", [AS], 500, DENIED),
    "GET of what is posted": ("GET", f"{BASE}/api/v1/perustiedot", [AS], 500, DENIED),
    "a query": ("GET", f"{DAY}?a=%2f&b=%C3%A4", [AS], 200, ""),
    "an encoded day": ("GET", DAY.replace("2026-03-02", "2026%2D03%2D02"), [AS], 200, ""),
    "a slash behind": ("GET", f"{DAY}/", [AS], 404, ""),
    "two slashes": ("GET", DAY.replace("/api/", "/api//"), [AS], 404, ""),
    "the service alone": ("GET", BASE, [AS], 404, ""),
    "back and forth": ("GET", DAY.replace("/v1/", "/v1/../v1/"), [AS], 404, ""),
    "out of the service": ("GET", f"{BASE}/%2e%2e/%2e%2e/kelmu/v1/queries", [AS], 404, ""),
    "capitals in the path": ("GET", DAY.replace("/api/", "/API/"), [AS], 404, ""),
    "the right server": ("GET", DAY, [AS, (SERVER, "FI-TEST/GOV/0245437-2/palvelin-1")], 200, ""),
    "a server of three parts": (
        "GET", DAY, [AS, (SERVER, "FI-TEST/GOV/0245437-2")], 500,
        "server.clientproxy.invalid_security_server",
    ),
    "for somebody": ("GET", DAY, [AS, ("X-Road-Represented-Party", "COM/1234567-1")], 200, ""),
    "a day that is none": ("GET", DAY.replace("03-02", "02-30"), [AS], 400, ""),
    "a key is wanted": (
        "GET", DAY, [("X-Road-Client", KEYED)], 500, "server.clientproxy.ssl_authentication_failed",
    ),
    "methods in capitals": (
        "GET", f"{BASE[: -len('/VTJmutpa')]}/LISTMETHODS", [AS], 500, NO_SERVICE,
    ),
    "a description of nothing": (
        "GET", f"{BASE[: -len('/VTJmutpa')]}/getOpenAPI?serviceCode=", [AS], 500,
        "server.serverproxy.invalid_request",
    ),
    "a description of an unknown service": (
        "GET", f"{BASE[: -len('/VTJmutpa')]}/getOpenAPI?serviceCode=x", [AS], 500, NO_SERVICE,
    ),
    "a description of a SOAP service": (
        "GET", "/r1/FI-TEST/GOV/0245437-2/VTJkysely/getOpenAPI?serviceCode=HenkilonTunnusKysely",
        [AS], 500, "server.serverproxy.service_type",
    ),
    "methods of nobody": ("GET", "/r1/FI-TEST/GOV/1/x/listMethods", [AS], 500, UNKNOWN),
}  # fmt: skip


async def test_every_call_gets_what_its_kind_gets(exchange: Running) -> None:
    wrong = []
    for name, (method, path, headers, status, fault) in REST.items():
        found, told, answer = await send(exchange, method, path, headers)
        code = told.get("X-Road-Error", "")
        has_ids = "x-road-request-hash" in told
        if (found, code) != (status, fault) or has_ids == bool(fault):
            wrong.append((name, found, code, answer[:200]))
    assert wrong == []


async def test_a_target_may_be_a_whole_address(exchange: Running) -> None:
    async with connecting(exchange.url) as connect:
        raw = await connect()
        for path in (DAY, f"/x-road{DAY}", f"{DAY}?a=://b/r1/"):
            head = (
                f"GET http://any.where{path} HTTP/1.1\r\nHost: any.where\r\nX-Road-Client: {CLIENT}"
            )
            raw.writer.write(f"{head}\r\n\r\n".encode())
            status, told, _ = await raw.reply()
            assert (status, "x-road-request-hash" in told) == (200, True), told


async def test_what_two_headers_say_of_the_key_is_what_the_first_says(exchange: Running) -> None:
    def basic(partner: str, key: str = "") -> str:
        found = exchange.exchange.directory.get(partner)
        assert found is not None
        return "Basic " + b64encode(f"{partner}:{key or found.key}".encode()).decode()

    oulu, espoo = basic("municipality.oulu"), basic("municipality.espoo")
    own = exchange.key("municipality.oulu")["X-API-Key"]
    for headers, status in (
        ({"Authorization": oulu, "x-authorization": espoo}, 200),
        ({"Authorization": espoo, "x-authorization": oulu}, 500),
        ({"Authorization": basic("municipality.oulu", "x"), "x-authorization": oulu}, 500),
        ({"Authorization": "AWS4-HMAC-SHA256 Credential=a", "x-authorization": oulu}, 200),
        ({"Authorization": "AWS4-HMAC-SHA256 Credential=a", "X-API-Key": own}, 200),
        ({"Authorization": oulu.replace("Basic", "bAsIc")}, 200),
        ({"Authorization": espoo, "X-API-Key": own}, 500),
        ({"Authorization": basic("municipality.espoo", own)}, 500),
        ({"Authorization": oulu.rstrip("=")[:-1], "X-API-Key": own}, 500),
    ):
        found, told, _ = await send(exchange, "GET", DAY, {"X-Road-Client": KEYED, **headers})
        code = told.get("X-Road-Error", "")
        assert (found, code.endswith("ssl_authentication_failed")) == (status, status == 500)
    # A key that is wrong is not passed over because none was needed.
    for key in (own, "nobodys"):
        headers = {"X-Road-Client": CLIENT, "X-API-Key": key}
        found, told, _ = await send(exchange, "GET", DAY, headers)
        assert (found, "ssl_authentication_failed" in told["X-Road-Error"]) == (500, True)


async def test_whatever_was_sent_no_process_fell_and_all_is_counted(exchange: Running) -> None:
    status, _, body = await exchange.get("/health/ready")
    assert status == 200, body
    assert not [check for check in exchange.verify().checks if check.broken]
    status, headers, body = await send(
        exchange, "POST", f"{BASE}/api/v1/muutokset",
        {"X-Road-Client": CLIENT, "Content-Type": "application/json"}, b"",
    )  # fmt: skip
    assert (status, "X-Road-Error" in headers) == (400, False), "the service's own answer"
    assert json.loads(body)["reason"] == "malformed"

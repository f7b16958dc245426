"""The client's security server and the provider's as two exchanges: a call goes through both, each
records its own side, and what one of them has no record of is an orphan of the other.
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from pydantic import ValidationError

from exchange.settings.x_road import XRoad
from exchange.testing.embedded import Embedded
from tests.exchange.web.x_road.test_monitoring import (
    CLIENT,
    DVV,
    OTHER,
    OWNER,
    X_ROAD,
    ask,
    between,
    collected,
    corrected,
    person_query,
    rest,
    told_of,
)

#: Who owns the client's server.
TOWN = "FI-TEST/MUN/1234567-1"
PATH = f"{DVV}/api/v1/kirjausavain/2026-03-02"
#: What a client calls its call by: no server of the client takes that.
FORGED = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
OPEN: dict[str, Any] = {
    "clients": {**X_ROAD["clients"], TOWN: "municipality.espoo"},
    "clients_without_key": [*X_ROAD["clients_without_key"], TOWN],
}


class Both:
    """The two servers, in this process."""

    def __init__(self, provider: Embedded, client: Embedded) -> None:
        self.provider = provider
        self.client = client
        self.first = int(client.clock.seconds())

    def of_client(self) -> list[dict[str, Any]]:
        """All records of the client's server."""
        self.client.clock.advance(seconds=70)
        return told_of(self.client, TOWN, self.first, TOWN)[0]

    def of_provider(self) -> list[dict[str, Any]]:
        """All records of the provider's."""
        self.provider.clock.advance(seconds=70)
        return told_of(self.provider, OWNER, self.first)[0]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp
    with Embedded(folder("provider"), x_road=OPEN | {"side": "provider"}) as provider:
        own = {"server": "MUN/1234567-1/palvelin-2", "provider_address": provider.address}
        with Embedded(folder("client"), x_road=OPEN | own | {"side": "client"}) as client:
            yield Both(provider, client)


def called(server: Embedded, path: str, **headers: str) -> tuple[int, Any, bytes]:
    """A REST call at a client's server."""
    named = {"X-Road-Client": CLIENT, **{k.replace("_", "-"): v for k, v in headers.items()}}
    try:
        with urlopen(Request(f"{server.address}/r1/{path}", headers=named)) as answered:
            return answered.status, answered.headers, answered.read()
    except HTTPError as error:
        return error.code, error.headers, error.read()


def test_each_server_records_its_own_side_of_a_call(both: Both) -> None:
    status, headers, body = called(both.client, PATH, X_Road_Request_Id=FORGED)
    assert (status, list(json.loads(body))) == (200, ["viimeisinKirjausavain"])
    assert b"VTJHenkiloVastaussanoma" in person_query(both.client, "over-two")
    assert b"unknown_service" in person_query(both.client, "not-there", "Muu")
    assert called(both.client, f"{DVV}/nothing", X_Road_Id="nothing")[0] == 404
    of_client, of_provider = both.of_client(), both.of_provider()
    assert {each["securityServerType"] for each in of_client} == {"Client"}
    assert {each["securityServerType"] for each in of_provider} == {"Producer"}
    (called_first,) = [
        each for each in of_client if each["xRequestId"] == headers["x-road-request-id"]
    ]
    (served,) = [each for each in of_provider if each["xRequestId"] == called_first["xRequestId"]]
    # The id that the client's server made for the message went on with it.
    assert served["messageId"] == called_first["messageId"] == headers["x-road-id"]
    assert called_first["requestOutTs"] >= called_first["requestInTs"]
    assert FORGED not in {each["xRequestId"] for each in (*of_client, *of_provider)}
    for found in (of_client, of_provider):
        (refused,) = [each for each in found if each.get("messageId") == "not-there"]
        assert refused["faultCode"] == "server.serverproxy.unknown_service"
    ids = (headers["x-road-id"], "over-two", "not-there", "nothing")
    own = [each for each in (*of_client, *of_provider) if each.get("messageId") in ids]
    assert corrected(own) == {"regular_pair": 4}


def test_the_hash_is_of_the_request_as_the_client_sent_it(both: Both) -> None:
    _, headers, _ = called(both.client, PATH, X_Road_Id="hashed", Accept="application/json")
    sent = [
        "GET",
        f"/r1/{PATH}",
        "Accept-Encoding:identity",
        f"X-Road-Client:{CLIENT}",
        "X-Road-Id:hashed",
    ]
    sent += ["Accept:application/json", f"x-road-request-id:{headers['x-road-request-id']}"]
    digest = hashlib.sha512("".join(f"{line}\r\n" for line in sent).encode()).digest()
    assert headers["x-road-request-hash"] == base64.b64encode(digest).decode()


def test_a_refusal_of_the_providers_server_comes_back_as_it_is(both: Both) -> None:
    said = {"X_Road_Security_Server": "FI-TEST/GOV/0245437-2/another", "X_Road_Id": "elsewhere"}
    status, headers, body = called(both.client, PATH, **said)
    code = "server.clientproxy.invalid_security_server"
    assert (status, headers["X-Road-Error"]) == (500, code)
    assert json.loads(body)["type"] == code
    assert headers["x-road-request-id"] is None
    (refused,) = [each for each in both.of_client() if each.get("messageId") == "elsewhere"]
    assert (refused["faultCode"], refused["succeeded"]) == (code, False)


def test_the_providers_server_is_asked_for_its_records_through_the_clients(both: Both) -> None:
    assert rest(both.client, PATH, X_Road_Id="through") == 200
    both.provider.clock.advance(seconds=70)
    now = int(both.provider.clock.seconds())
    _, body = ask(both.client, OTHER, between(both.first, now))
    assert not [each for each in collected(body) if each["clientSubsystemCode"] != "toinen"]
    _, body = ask(both.client, CLIENT, between(both.first, now))
    (found,) = [each for each in collected(body) if each.get("messageId") == "through"]
    assert found["securityServerType"] == "Producer"


def test_a_provider_s_server_that_is_gone_leaves_an_orphan(tmp_path: Path) -> None:
    code = "server.clientproxy.network_error"
    gone = {"side": "client", "provider_address": "http://127.0.0.1:1"}
    with Embedded(tmp_path, x_road=OPEN | gone) as client:
        first = int(client.clock.seconds())
        status, headers, _ = called(client, PATH, X_Road_Id="alone-1")
        assert (status, headers["X-Road-Error"]) == (500, code)
        assert code.encode() in person_query(client, "alone-2")
        client.clock.advance(seconds=70)
        alone = [
            each
            for each in told_of(client, OWNER, first)[0]
            if each.get("messageId", "").startswith("alone")
        ]
    assert [each["faultCode"] for each in alone] == [code] * 2
    assert corrected(alone) == {"orphan": 2}


class Rubbish(BaseHTTPRequestHandler):
    """What may stand before the provider's server, and answers in its place."""

    def answer(self) -> None:
        """No envelope, with headers that are the client's server's to say."""
        self.send_response(200)
        for name, text in (("Content-Type", "text/html"), ("X-Road-Id", "forged")):
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(b"<html>No Fault of ours")

    do_GET = do_POST = answer

    def log_message(self, format: str, *told: Any) -> None:
        """Say nothing."""


def test_what_is_no_server_of_x_road_is_none(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), Rubbish) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        other = {"side": "client", "provider_address": f"http://127.0.0.1:{server.server_port}"}
        with Embedded(tmp_path, x_road=OPEN | other) as client:
            assert b"server.clientproxy.io_error" in person_query(client, "rubbish")
            status, headers, body = called(client, PATH, X_Road_Id="own")
        server.shutdown()
    assert (status, headers.get_all("x-road-id")) == (200, ["own"])
    assert body.startswith(b"<html>")


def test_a_client_s_server_whose_provider_s_is_itself_says_so_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    itself = {"side": "client", "provider_address": f"http://127.0.0.1:{port}"}
    with Embedded(tmp_path, port=port, x_road=OPEN | itself) as client:
        first = int(client.clock.seconds())
        status, headers, body = called(client, PATH, X_Road_Id="round-1", Via="1.1 a, 1.1 b")
        assert (status, headers["X-Road-Error"]) == (500, "server.clientproxy.network_error")
        assert b"x_road.provider_address" in body
        assert b"x_road.provider_address" in person_query(client, "round-2")
        client.clock.advance(seconds=70)
        ids = [each.get("messageId") for each in told_of(client, OWNER, first)[0]]
    assert [ids.count("round-1"), ids.count("round-2")] == [2, 2], "it went round once"


@pytest.mark.parametrize(
    "given", [{"side": "client"}, {"provider_address": "http://127.0.0.1:1"}, {"side": "server"}]
)
def test_a_client_s_server_knows_the_provider_s_and_no_other_does(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        XRoad(**given)  # type: ignore[arg-type]

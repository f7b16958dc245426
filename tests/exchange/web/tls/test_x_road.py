"""X-Road at listeners with TLS: its client is known by the whole certificate and no key; who shows
another one, or none, gets the fault of a security server.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from exchange.schemas import directory
from exchange.schemas.directory import Directory
from tests.exchange.web.tls.certificates import NOW as MADE
from tests.exchange.web.tls.certificates import Folder, authority, client
from tests.journeys.running import Running, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOWN, OTHER = "municipality.espoo", "municipality.oulu"
KNOWN, OTHERS = client("a town"), client("another town")
CLIENT, OPEN = "FI-TEST/MUN/1234567-1/koe", "FI-TEST/MUN/1234567-1/avoin"
DAY = "/r1/FI-TEST/GOV/0245437-2/VTJmutpa/VTJmutpa/api/v1/kirjausavain/2026-03-02"
SERVED, ELSEWHERE = 0, 1
FAILED = "server.clientproxy.ssl_authentication_failed"
PARTS = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode")
SERVICE = dict(zip(PARTS, ("FI-TEST", "GOV", "0245437-2", "VTJkysely"), strict=True))


def known() -> Directory:
    """The shipped directory, two of whose towns have certificates."""
    shown = {TOWN: (KNOWN.sha256,), OTHER: (OTHERS.sha256,)}
    return Directory(
        replace(each, certificate_sha256=shown[each.id]) if each.id in shown else each
        for each in directory.load()
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return Folder(tmp_path_factory.mktemp("certificates"))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def exchange(
    folder: Folder, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Running]:
    """One exchange with a listener for X-Road, and one for another channel."""
    listeners: list[dict[str, Any]] = [
        {**folder.listener, "clients": "asks", "channels": ["x-road"]},
        {**folder.listener, "clients": "asks", "channels": ["kelmu"]},
    ]
    x_road = {"clients": {CLIENT: TOWN, OPEN: TOWN}, "clients_without_key": [OPEN]}
    async with running(
        tmp_path_factory.mktemp("x-road"),
        everybody=known(),
        listeners=listeners,
        x_road=x_road,
    ) as started:
        yield started


async def call(
    exchange: Running,
    context: ssl.SSLContext,
    body: str | None = None,
    listener: int = SERVED,
    path: str = DAY,
    **headers: str,
) -> tuple[int, str]:
    """Status and text of the answer to a REST call or, with a body, to an envelope."""
    sent = {"X-Road-Client": CLIENT} | {name.replace("_", "-"): t for name, t in headers.items()}
    method, at = ("GET", path) if body is None else ("POST", "/x-road")
    kind = {"Content-Type": "text/xml"} if body else {}
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            method, exchange.secure[listener] + at, data=body, ssl=context, headers=sent | kind
        ) as response,
    ):
        return response.status, await response.text()


def envelope() -> str:
    """What lists the methods of the person query."""

    def identifier(element: str, kind: str, parts: dict[str, str]) -> str:
        inside = "".join(f"<i:{name}>{text}</i:{name}>" for name, text in parts.items())
        return f'<x:{element} i:objectType="{kind}">{inside}</x:{element}>'

    named = dict(zip(PARTS, CLIENT.split("/"), strict=True))
    asked = SERVICE | {"serviceCode": "listMethods"}
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:x="http://x-road.eu/xsd/xroad.xsd" xmlns:i="http://x-road.eu/xsd/identifiers">'
        f"<s:Header>{identifier('client', 'SUBSYSTEM', named)}"
        f"{identifier('service', 'SERVICE', asked)}<x:id>k-1</x:id>"
        "<x:protocolVersion>4.0</x:protocolVersion></s:Header>"
        "<s:Body><x:listMethods/></s:Body></s:Envelope>"
    )


async def test_a_client_is_known_by_its_whole_certificate(
    exchange: Running, folder: Folder
) -> None:
    # (The same name and authority, another certificate.)
    same = authority().client("a town", MADE, 30)
    for shown, passes in ((KNOWN, True), (OTHERS, False), (same, False), (None, False)):
        context = folder.shows(shown)
        status, text = await call(exchange, context)
        assert (status, FAILED in text) == ((200, False) if passes else (500, True)), text
        status, text = await call(exchange, context, envelope())
        assert (status, FAILED in text, "HenkilonTunnusKysely" in text) == (
            200,
            not passes,
            passes,
        ), text


async def test_a_key_does_not_count_there(exchange: Running, folder: Folder) -> None:
    own, others = (exchange.key(each)["X-API-Key"] for each in (TOWN, OTHER))
    for shown, key, status in ((None, own, 500), (KNOWN, own, 200), (KNOWN, others, 500)):
        found, text = await call(exchange, folder.shows(shown), X_API_Key=key)
        assert (found, FAILED in text) == (status, status == 500), text


async def test_a_client_that_needs_nothing_may_show_nothing_and_no_other(
    exchange: Running, folder: Folder
) -> None:
    for shown, status in ((None, 200), (KNOWN, 200), (OTHERS, 500)):
        found, text = await call(exchange, folder.shows(shown), X_Road_Client=OPEN)
        assert (found, FAILED in text) == (status, status == 500), text


async def test_a_listener_of_other_channels_does_not_serve_it(
    exchange: Running, folder: Folder
) -> None:
    own = exchange.key(TOWN)["X-API-Key"]
    for path in (DAY, "/listClients", "/x-road/listClients"):
        context = folder.shows(KNOWN)
        found, text = await call(exchange, context, None, ELSEWHERE, path, X_API_Key=own)
        assert (found, "x-road" in text) == (404, False), text
    assert (await call(exchange, folder.shows(KNOWN), envelope(), ELSEWHERE))[0] == 404

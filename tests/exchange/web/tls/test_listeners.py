"""Listeners with TLS as clients see them: who is let in by which certificate, who is refused where,
and that what is refused after the handshake is counted; real clients, real handshakes.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import random
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import requests
import zeep

from exchange.adapters.income_register import generate
from exchange.schemas import directory
from exchange.schemas.directory import Directory
from exchange.web.tls.authority import Issued
from tests.exchange.web.tls.certificates import NOW, Folder, authority, client
from tests.journeys.running import Running, running

EMPLOYER, COUNTY, TOWN = "employer.demo-oy", "county.pirkanmaa", "municipality.espoo"
#: Of no partner; of a partner that a listener that asks knows by its whole certificate.
STRANGER, KNOWN = "9999999-9", client("whatever it says")
QUESTION = "/kelmu/v1/benefits/query"
DAY = "/population-register/api/v1/kirjausavain/2026-03-02"


def name_of(partner: str) -> str:
    """The common name of a partner's certificates."""
    found = directory.load().get(partner)
    assert found is not None
    return found.business_id or found.id


def registered() -> Directory:
    """The shipped partners; one of them is known by its whole certificate."""
    everybody = directory.load()
    town = everybody.get(TOWN)
    assert town is not None
    everybody.put([replace(town, certificate_sha256=(KNOWN.sha256,))])
    return everybody


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """The files of both listeners."""
    (tmp_path / "certificates").mkdir()
    return Folder(tmp_path / "certificates")


@pytest.fixture
async def exchange(tmp_path: Path, folder: Folder) -> AsyncIterator[Running]:
    """One listener that demands certificates, for two channels, and one that asks for them."""
    demands = {**folder.listener, "channels": ["income-register", "kelmu"]}
    asks = {**folder.listener, "clients": "asks", "channels": ["population-register"]}
    async with running(tmp_path, everybody=registered(), listeners=[demands, asks]) as started:
        yield started


async def get(
    url: str, context: ssl.SSLContext, headers: dict[str, str] | None = None
) -> tuple[int, str]:
    """A call on a connection of its own: status and body."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, ssl=context, headers=headers) as response,
    ):
        return response.status, await response.text()


async def metric(exchange: Running, channel: str, reason: str) -> float:
    """How many calls were refused so, as `/metrics` says."""
    _, _, body = await exchange.get("/metrics")
    wanted = f'exchange_refused_total{{channel="{channel}",reason="{reason}"}} '
    lines = body.decode().splitlines()
    return next((float(line.split()[-1]) for line in lines if line.startswith(wanted)), 0.0)


def deliver(url: str, files: tuple[str, str], trusted: str, partner: str) -> Any:
    """A delivery by zeep over requests, from the WSDL to the reply's status."""
    session = requests.Session()
    session.trust_env, session.cert, session.verify = False, files, trusted
    soap = zeep.Client(
        f"{url}/20170526/WageReportService.svc?wsdl", transport=zeep.Transport(session=session)
    )
    payer = name_of(partner)
    batch = generate.Batch(payer, payer, datetime.date(2026, 3, 2), "T-1")
    root = zeep.loader.parse_xml(generate.wage_delivery(random.Random(1), batch).decode(), None)
    value = soap.get_element(root.tag).parse(root, soap.wsdl.types)
    value["Signature"] = zeep.xsd.SkipValue
    reply = soap.service.SendWageReport(**{name: value[name] for name in value})
    return reply.StatusResponse.DeliveryDataStatus


async def test_a_partner_delivers_by_its_certificate_alone(
    exchange: Running, folder: Folder
) -> None:
    files = folder.files(client(name_of(EMPLOYER)))
    trusted = str(folder.path / "authority.pem")
    status = await asyncio.to_thread(deliver, exchange.secure[0], files, trusted, EMPLOYER)
    assert status == 3
    rows = await exchange.exchange.ledger.totals(("channel", "kind", "sender"))
    assert [sender for (channel, kind, sender), *_ in rows
            if (channel, kind) == ("income-register", "accepted")] == [EMPLOYER]  # fmt: skip


@pytest.mark.parametrize(
    "shown",
    [
        None,
        client(name_of(EMPLOYER), days=-1),
        client(name_of(EMPLOYER), by=1),
        authority().server(["localhost"], NOW, 30),
        authority(1).issued,
    ],
    ids=["none", "ended", "of another authority", "a server's", "self-signed"],
)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_the_handshake_refuses_and_is_counted(
    exchange: Running, folder: Folder, shown: Issued | None, version: ssl.TLSVersion
) -> None:
    def at_most(context: ssl.SSLContext) -> None:
        context.maximum_version = version

    with pytest.raises(aiohttp.ClientError):
        await get(exchange.secure[0] + QUESTION, folder.shows(shown, at_most))
    async with asyncio.timeout(5):
        while await metric(exchange, "none", "tls-handshake") != 1:
            await asyncio.sleep(0.01)


async def test_whoever_has_no_partners_name_is_refused_in_the_channels_form(
    exchange: Running, folder: Folder
) -> None:
    context = folder.shows(client(STRANGER))
    status, body = await get(exchange.secure[0] + "/kelmu/v1/status", context)
    assert (status, '"certificate-unknown"' in body) == (401, True)
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{exchange.secure[0]}/20170526/WageReportService.svc", data=b"x", ssl=context
        ) as response,
    ):
        body = await response.text()
        assert (response.status, "faultcode" in body, "certificate-unknown" in body) == (
            401,
            True,
            True,
        )
    assert await metric(exchange, "income-register", "certificate-unknown") == 1


async def test_a_partner_that_is_known_by_a_whole_certificate_is_known_by_no_name(
    exchange: Running, folder: Folder
) -> None:
    status, body = await get(
        exchange.secure[0] + "/kelmu/v1/status", folder.shows(client(name_of(TOWN)))
    )
    assert (status, '"certificate-unknown"' in body) == (401, True)


async def test_another_partners_key_or_name_beside_a_certificate_is_refused(
    exchange: Running, folder: Folder
) -> None:
    context, url = folder.shows(KNOWN), exchange.secure[1] + DAY
    assert (await get(url, context))[0] == 200
    assert (await get(url, context, exchange.key(TOWN)))[0] == 200
    for headers in (
        exchange.key(COUNTY),
        {"X-API-Key": "nobody's"},
        {"Authorization": aiohttp.encode_basic_auth(COUNTY, "x")}
        if hasattr(aiohttp, "encode_basic_auth")
        else {"Authorization": aiohttp.BasicAuth(COUNTY, "x").encode()},
    ):
        status, body = await get(url, context, headers)
        assert (status, '"certificate-of-another"' in body) == (403, True)
    assert await metric(exchange, "population-register", "certificate-of-another") == 3


@pytest.mark.parametrize(
    "shown, reason",
    [(None, "certificate-missing"), (client(name_of(TOWN)), "certificate-unknown")],
)
async def test_a_listener_that_asks_refuses_in_the_channels_form(
    exchange: Running, folder: Folder, shown: Issued | None, reason: str
) -> None:
    key = exchange.key(TOWN)
    status, body = await get(exchange.secure[1] + DAY, folder.shows(shown), key)
    assert (status, f'"{reason}"' in body) == (401, True), "a key opens the plain listener alone"
    assert await metric(exchange, "population-register", reason) == 1


async def test_each_listener_serves_its_channels_and_nothing_else(
    exchange: Running, folder: Folder
) -> None:
    context = folder.shows(client(name_of(COUNTY)))
    for path in (DAY, "/luova/v1/mailbox", "/metrics", "/", "/api/v1/counters", "/health/live"):
        status, _ = await get(exchange.secure[0] + path, context)
        assert status == 404, path
    wsdl = "/20170526/WageReportService.svc?wsdl"
    assert (await get(exchange.secure[1] + wsdl, folder.shows(None)))[0] == 404
    status, body = await get(exchange.secure[0] + wsdl, context)
    assert (status, f'location="{exchange.secure[0]}/20170526/' in body) == (200, True)
    assert (await exchange.get(DAY, TOWN))[0] == 200, "the plain one serves all, by keys"


async def test_a_certificate_that_ends_ends_an_open_connection(
    exchange: Running, folder: Folder
) -> None:
    ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=3)
    short = authority().client(name_of(COUNTY), ends - datetime.timedelta(days=1), 1)
    context, url = folder.shows(short), exchange.secure[0] + "/kelmu/v1/status"
    connector = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(connector=connector) as session:
        async with session.get(url, ssl=context) as response:
            assert '"certificate' not in await response.text()
        async with asyncio.timeout(10):
            body = ""
            while '"certificate-ended"' not in body:
                async with session.get(url, ssl=context) as response:
                    body = await response.text()
                await asyncio.sleep(0.05)
    assert await metric(exchange, "none", "tls-handshake") == 0, "it was one connection"


async def test_renewed_files_count_from_the_next_connection_on(
    exchange: Running, folder: Folder
) -> None:
    url, old = exchange.secure[0] + "/kelmu/v1/status", folder.shows(client(name_of(COUNTY)))
    assert await serial(exchange.secure[0], old) == serial_of(folder.path / "server.pem")
    # Half of a renewal: the last good certificate goes on.
    renewed = authority(1).server(["localhost", "127.0.0.1"], NOW, 30)
    renewed.write(folder.path / "whole.pem", folder.path / "server.key")
    assert '"certificate' not in (await get(url, old))[1]
    (folder.path / "whole.pem").replace(folder.path / "server.pem")
    authority(1).issued.write(folder.path / "authority.pem", folder.path / "authority.key")
    new = folder.shows(client(name_of(COUNTY), by=1))
    assert await serial(exchange.secure[0], new) == serial_of(folder.path / "server.pem")
    assert '"certificate' not in (await get(url, new))[1]
    with pytest.raises(aiohttp.ClientError):
        await get(url, old)


def serial_of(path: Path) -> str:
    """The serial number of a certificate in a file, as ssl tells it."""
    told: Any = ssl._ssl._test_decode_cert(str(path))  # type: ignore[attr-defined]
    return str(told["serialNumber"])


async def serial(url: str, context: ssl.SSLContext) -> str:
    """The serial number of the certificate that the server shows."""
    port = int(url.rpartition(":")[2])
    _, writer = await asyncio.open_connection("localhost", port, ssl=context)
    told = writer.get_extra_info("peercert")["serialNumber"]
    writer.close()
    return str(told)


async def test_a_handshake_that_never_comes_holds_a_place_only_for_a_while(
    tmp_path: Path, folder: Folder
) -> None:
    demands = {**folder.listener, "channels": ["kelmu"]}
    limits = {"connections_max": 8, "read_seconds": 0.5}
    async with running(tmp_path, listeners=[demands], limits=limits) as exchange:
        port = int(exchange.secure[0].rpartition(":")[2])
        with contextlib.ExitStack() as stack:
            silent = [
                stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(8)
            ]
            silent[0].sendall(b"GET / HTTP/1.1\r\n\r\n")
            await free_again(exchange, folder)
        assert await metric(exchange, "none", "tls-handshake") == 8


async def free_again(exchange: Running, folder: Folder) -> None:
    """Wait until a partner gets in; it does not at first."""
    url, context = exchange.secure[0] + "/kelmu/v1/status", folder.shows(client(name_of(COUNTY)))
    with pytest.raises(aiohttp.ClientError):
        await get(url, context)
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                await get(url, context)
                return
            await asyncio.sleep(0.05)

"""Listeners with TLS as clients see them: who is let in by which certificate, who is refused where,
and that every refusal is counted; real handshakes.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uvloop
from cryptography.x509.oid import ExtendedKeyUsageOID

from exchange.schemas.directory import Partner
from exchange.web.access.new_certificates import Issued
from tests.exchange.web.one_channel import TWO, Served, server
from tests.exchange.web.tls.certificates import NOW, Folder, authority, client, usable
from tests.waiting import WAIT_SECONDS

FIRM = Partner("firm", "Firm", "employer", business_id="9002332-8")
#: A partner that is known by its whole certificate, whatever the certificate says.
KNOWN = client("somebody")
PINNED = Partner("pinned", "Pinned", "bank", certificate_sha256=(KNOWN.sha256,))
DEMANDS, ASKS, ELSEWHERE = 0, 1, 2
MESSAGES = "/c/v1/messages"


def untrusted(version: ssl.TLSVersion) -> dict[str, Issued]:
    """What no handshake takes, at either kind of listener; fewer by the older version, which looks
    at the same.
    """
    few = {"ended": client("one", days=-1), "of another authority": client("one", by=1)}
    if version == ssl.TLSVersion.TLSv1_2:
        return few
    return {
        **few,
        "not yet valid": authority().client("one", NOW + datetime.timedelta(days=1), 30),
        "a server's": authority().server(["one"], NOW, 30),
        "for mail": usable(ExtendedKeyUsageOID.EMAIL_PROTECTION),
        "for anything": usable(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE),
        "to sign nothing": usable(ExtendedKeyUsageOID.CLIENT_AUTH, signs=False),
        "another authority's own": authority(1).issued,
        "the authority's own": authority().issued,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """The files of the listeners."""
    return Folder(tmp_path)


@pytest.fixture
async def served(folder: Folder) -> AsyncIterator[Served]:
    """A listener that demands certificates, one that asks for them, one for another channel."""
    listeners: list[dict[str, Any]] = [
        {**folder.listener},
        {**folder.listener, "clients": "asks"},
        {**folder.listener, "channels": ["d"]},
    ]
    async with server(listeners, [FIRM, PINNED]) as (started, _):
        yield started


async def post(
    served: Served, listener: int, context: ssl.SSLContext, path: str = MESSAGES, **headers: str
) -> tuple[int, str, dict[str, Any]]:
    """A call on a connection of its own: status, and a refusal's channel and reason."""
    sent = {"X-Quick": "yes", **{name.replace("_", "-"): each for name, each in headers.items()}}
    async with (
        aiohttp.ClientSession() as session,
        session.post(served.secure[listener] + path, ssl=context, headers=sent) as response,
    ):
        text = await response.text()
        told = json.loads(text) if text.startswith("{") else {}
        return response.status, told.get("reason", ""), told


def refused(served: Served, reason: str, channel: str = "c") -> float:
    """How many calls were refused so, by the metrics."""
    counted = served.metrics.registry.get_sample_value(
        "exchange_refused_total", {"channel": channel, "reason": reason}
    )
    return counted or 0.0


@pytest.mark.parametrize("name", ["one", FIRM.business_id])
async def test_a_certificate_is_enough(served: Served, folder: Folder, name: str) -> None:
    assert (await post(served, DEMANDS, folder.shows(client(name))))[0] == 202


async def test_a_certificate_with_more_than_a_firms_name_is_nobodys(
    served: Served, folder: Folder
) -> None:
    for name in ("9999999-9", FIRM.id, "somebody else", "pinned"):
        status, reason, told = await post(served, DEMANDS, folder.shows(client(name)))
        assert (status, reason, told["channel"]) == (401, "certificate-unknown", "c"), name
    assert refused(served, "certificate-unknown") == 4


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_the_handshake_refuses_and_is_counted(
    served: Served, folder: Folder, version: ssl.TLSVersion
) -> None:
    def at_most(context: ssl.SSLContext) -> None:
        context.maximum_version = version

    shown: list[tuple[int, str, Issued | None]] = [(DEMANDS, "none", None)]
    for what, issued in untrusted(version).items():
        shown += [(DEMANDS, what, issued), (ASKS, what, issued)]
    for count, (listener, what, each) in enumerate(shown, 1):
        with pytest.raises(aiohttp.ClientError):
            await post(served, listener, folder.shows(each, at_most))
        async with asyncio.timeout(WAIT_SECONDS):
            while refused(served, "tls-handshake", "none") != count:
                await asyncio.sleep(0.01)
        assert refused(served, "tls-handshake", "none") == count, what
    assert served.inside == [], "nobody came in"


async def test_a_certificate_for_no_purpose_is_for_every_one(
    served: Served, folder: Folder
) -> None:
    """RFC 5280, 4.2.1.12."""
    assert (await post(served, DEMANDS, folder.shows(usable(None))))[0] == 202


async def test_another_partners_key_beside_a_certificate_is_refused(
    served: Served, folder: Folder
) -> None:
    context = folder.shows(client("one"))
    assert (await post(served, DEMANDS, context, X_API_Key="key-one"))[0] == 202
    for key in (TWO.key, "nobody's"):
        status, reason, _ = await post(served, DEMANDS, context, X_API_Key=key)
        assert (status, reason) == (403, "certificate-of-another")
    assert refused(served, "certificate-of-another") == 2


async def test_a_listener_that_asks_knows_whole_certificates_alone(
    served: Served, folder: Folder
) -> None:
    assert (await post(served, ASKS, folder.shows(KNOWN)))[0] == 202
    assert (await post(served, DEMANDS, folder.shows(KNOWN)))[0] == 202, "there too"
    # The same name and authority, another certificate.
    same = authority().client("somebody", NOW, 30)
    for shown, wanted in (
        (None, "certificate-missing"),
        (client("one"), "certificate-unknown"),
        (same, "certificate-unknown"),
    ):
        status, reason, told = await post(served, ASKS, folder.shows(shown), X_API_Key="key-one")
        assert (status, reason, told["channel"]) == (401, wanted, "c")
    assert refused(served, "certificate-missing") == 1
    assert refused(served, "certificate-unknown") == 2


async def test_a_listener_serves_its_channels_alone(served: Served, folder: Folder) -> None:
    context = folder.shows(client("one"))
    assert (await post(served, ELSEWHERE, context))[:2] == (404, "not-found")
    async with aiohttp.ClientSession() as session:
        for listener, status in ((DEMANDS, 200), (ELSEWHERE, 404)):
            url = served.secure[listener] + "/c/v1/things/1"
            async with session.get(url, ssl=context) as response:
                assert response.status == status


async def test_a_certificate_that_ends_ends_an_open_connection(
    served: Served, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, url = folder.shows(client("one")), served.secure[DEMANDS] + MESSAGES
    connector = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(connector=connector, headers={"X-Quick": "y"}) as session:
        async with session.post(url, ssl=context) as response:
            assert response.status == 202
        (connection,) = served.connections.open
        later = NOW + datetime.timedelta(days=31)
        monkeypatch.setattr("time.time", later.timestamp)
        async with session.post(url, ssl=context) as response:
            assert (response.status, (await response.json())["reason"]) == (
                401,
                "certificate-ended",
            )
        assert served.connections.open == {connection}
    assert refused(served, "certificate-ended") == 1


async def test_renewed_files_count_from_the_next_connection_on(
    served: Served, folder: Folder
) -> None:
    old, new = folder.shows(client("one")), folder.shows(client("one", by=1))
    before = await serial(served, old)
    # Half of a renewal: the last good certificate goes on.
    renewed = authority(1).server(["localhost"], NOW, 30)
    renewed.write(folder.path / "other.pem", folder.path / "server.key")
    assert await serial(served, old) == before
    (folder.path / "other.pem").replace(folder.path / "server.pem")
    authority(1).issued.write(folder.path / "authority.pem", folder.path / "authority.key")
    new.load_verify_locations(folder.path / "authority.pem")
    assert await serial(served, new) == f"{renewed.certificate.serial_number:X}"
    assert (await post(served, DEMANDS, new))[0] == 202
    old.load_verify_locations(folder.path / "authority.pem")
    with pytest.raises(aiohttp.ClientError):
        await post(served, DEMANDS, old)


async def serial(served: Served, context: ssl.SSLContext) -> str:
    """The serial number of the certificate that the server shows."""
    port = int(served.secure[DEMANDS].rpartition(":")[2])
    _, writer = await asyncio.open_connection("localhost", port, ssl=context)
    told = str(writer.get_extra_info("peercert")["serialNumber"])
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return told.lstrip("0")


async def test_a_handshake_that_never_comes_holds_a_place_only_for_a_while(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = {"connections_max": 8, "read_seconds": 60.0}
    async with server([folder.listener], **limits) as (served, _):
        port = int(served.secure[DEMANDS].rpartition(":")[2])
        loop = asyncio.get_running_loop()
        with contextlib.ExitStack() as stack:
            silent = [
                stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(8)
            ]
            silent[0].sendall(b"\x16\x03\x01")
            async with asyncio.timeout(WAIT_SECONDS):
                while len(served.connections.open) < 8:
                    await asyncio.sleep(0.01)
            context = folder.shows(client("one"))
            with pytest.raises(aiohttp.ClientError):
                await post(served, DEMANDS, context)
            assert len(served.connections.open) == 8
            # A minute passes at once.
            monkeypatch.setattr(loop, "time", lambda began=loop.time: began() + 60.0)
            async with asyncio.timeout(WAIT_SECONDS):
                while served.connections.open:
                    await asyncio.sleep(0.01)
            assert (await post(served, DEMANDS, context))[0] == 202
        assert refused(served, "tls-handshake", "none") == 8


async def test_who_never_began_a_handshake_is_let_go_when_the_listener_closes(
    folder: Folder,
) -> None:
    async with server([folder.listener]) as (served, _):
        port = int(served.secure[DEMANDS].rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(WAIT_SECONDS):
            while not served.connections.open:
                await asyncio.sleep(0.01)
    assert not served.connections.open
    async with asyncio.timeout(WAIT_SECONDS):
        assert await reader.read() == b""
    writer.close()


async def test_a_large_body_right_behind_the_handshake_arrives_whole(
    served: Served, folder: Folder
) -> None:
    port = int(served.secure[DEMANDS].rpartition(":")[2])
    reader, writer = await asyncio.open_connection(
        "localhost", port, ssl=folder.shows(client("one"))
    )
    body = b"x" * 2_000
    head = f"POST {MESSAGES} HTTP/1.1\r\nHost: a\r\nX-Quick: y\r\nContent-Length: {len(body)}\r\n"
    writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 202")
    assert answer.endswith(b"2000")
    writer.close()


def test_the_servers_own_loop_loses_nothing_of_a_handshake(folder: Folder) -> None:
    async def calls() -> None:
        async with server([folder.listener]) as (served, _):
            for _ in range(5):
                assert (await post(served, DEMANDS, folder.shows(client("one"))))[0] == 202
            with pytest.raises(aiohttp.ClientError):
                await post(served, DEMANDS, folder.shows(None))
            async with asyncio.timeout(WAIT_SECONDS):
                while refused(served, "tls-handshake", "none") != 1 or served.connections.open:
                    await asyncio.sleep(0.01)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(calls())

"""What comes over X-Road, or to a listener with TLS, counts as what comes straight: every row
against the counter of its own.
"""

from __future__ import annotations

import datetime
import random
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from yarl import URL

from exchange import discovery
from exchange.assembly import statistics_report
from exchange.partners.stub import Situation
from exchange.schemas.call import Call
from exchange.schemas.directory import Directory, Partner, common_name_of
from exchange.schemas.x_road.members import class_of
from tests.exchange.web.tls.certificates import Folder, client
from tests.journeys.counted import own_counter
from tests.journeys.running import Running, running


def calls(directory: Directory, now: int) -> Iterator[tuple[str, Partner, Call]]:
    """A call of each kind that a channel's stub sends, from each sector: its channel and who makes
    it.
    """
    for stub in discovery.stubs():
        seen = set()
        for number, flow in enumerate(stub.flows(directory)):
            partner = directory.get(flow.partner)
            assert partner is not None
            kind = flow.name.partition(" ")[0], partner.sector
            if kind in seen:
                continue
            seen.add(kind)
            situation = Situation(
                rng=random.Random(number), now=now, serial=number, directory=directory, signs=False
            )
            yield stub.channel, partner, flow.make(situation).call


def over_x_road(channel: str, partner: Partner, call: Call) -> Call | None:
    """The call as one to the security server; None where the channel offers it no such service."""
    for service in discovery.channels()[channel].services:
        if service.kind == "REST" and call.path.startswith(f"{service.path}/"):
            address = f"/r1/FI-TEST/{service.member}/{service.subsystem}/{service.code}"
            client = f"FI-TEST/{class_of(partner)}/{partner.business_id}/{partner.id}"
            headers = {**call.headers, "X-Road-Client": client, "X-API-Key": partner.key}
            path = address + call.path.removeprefix(service.path)
            return replace(call, path=path, headers=headers)
    return None


async def status(exchange: Running, base: str, call: Call, shown: ssl.SSLContext) -> int:
    async with exchange.session.request(
        call.method,
        URL(base + call.path, encoded=True),
        data=call.body,
        headers=dict(call.headers),
        params=dict(call.query),
        ssl=shown,
    ) as response:
        await response.read()
        return response.status


async def test_every_row_is_what_came_by_whatever_face(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    sent: dict[str, set[str]] = {"x-road": set(), "tls": set()}
    listener = {**folder.listener, "channels": list(discovery.channels())}
    async with running(tmp_path, listeners=[listener]) as exchange:
        directory, now = exchange.exchange.directory, exchange.exchange.clock.now()
        for channel, partner, call in calls(directory, now):
            wanted = {"tls": (exchange.secure[0], call)}
            if (asked := over_x_road(channel, partner, call)) is not None:
                wanted["x-road"] = (exchange.url, asked)
            for face, (base, made) in wanted.items():
                if face == "tls" and channel in sent[face]:
                    continue
                shown = folder.shows(client(common_name_of(partner)))
                assert await status(exchange, base, made, shown) < 400, (face, made.path)
                sent[face].add(channel)
        await exchange.settled()
        assert exchange.verify().clean
    own = own_counter.count(own_counter.read(tmp_path / "exchange.db", directory), *days())
    assert sent["tls"] == set(discovery.channels())
    assert sent["x-road"] == {name for name, each in discovery.channels().items() if each.services}
    first, last = days()
    report = statistics_report(
        tmp_path / "exchange.db", 2024, first, last + datetime.timedelta(days=1)
    )
    counted = {
        line.row.id: (line.counted or 0) * (report.held_days if line.row.per_day else 1)
        for line in report.lines
    }
    assert counted == pytest.approx(own)
    assert own["kelmu.queries"]
    assert own["population.address-changes"]


def days() -> tuple[datetime.date, datetime.date]:
    """From yesterday to tomorrow: midnight may pass."""
    today = datetime.date.today()
    return today - datetime.timedelta(days=1), today + datetime.timedelta(days=1)

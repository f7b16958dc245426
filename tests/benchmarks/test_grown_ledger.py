"""A grown ledger is as true as the small one that it was copied from, and an exchange goes on with
it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.benchmarks.grown_ledger import grow
from exchange.benchmarks.growth import plans, table
from exchange.partners.recorded import as_line, record_calls
from exchange.schemas import directory
from exchange.storage.connection import connect
from exchange.storage.migrate import migrate_sqlite
from exchange.storage.proof.verify import verify
from loadtests import calls
from tests.journeys.running import running


async def test_a_grown_ledger_is_clean_and_an_exchange_goes_on_with_it(tmp_path: Path) -> None:
    from exchange import discovery

    everybody, types = (
        directory.load(),
        ("kelmu.benefit-query", "eessi.h001", "population.births", "income-register.wage-reports"),
    )
    numbers = calls.Numbers(1)
    small, large = tmp_path / "small", tmp_path / "large"
    large.mkdir()
    async with running(small) as exchange:
        for name in types:
            lines = [
                as_line(call)
                for call in record_calls(
                    discovery.stubs(), everybody, name, 1, 1, exchange.exchange.clock.now(), 1
                )
            ]
            (tmp_path / f"{name}.calls.jsonl").write_text("".join(lines[:6]), encoding="utf-8")
        samples = calls.read(tmp_path)
        for sample in [*samples, *samples]:
            prepared = sample.prepare(numbers.next())
            async with exchange.session.post(
                exchange.url + prepared.path, data=prepared.body, headers=prepared.headers
            ) as reply:
                assert reply.status in (200, 202), await reply.text()
        await exchange.settled()
    small_channels = verify(small / "exchange.db").channels
    messages = sum(sums["received"] for sums in small_channels.values())

    assert grow(small / "exchange.db", large / "exchange.db", 5 * messages - 1) == 5 * messages
    grown = verify(large / "exchange.db")
    assert grown.clean, [check.examples for check in grown.checks]
    assert grown.channels == {
        channel: {kind: 5 * count for kind, count in sums.items()}
        for channel, sums in small_channels.items()
    }
    async with running(large) as exchange:
        prepared = samples[0].prepare(numbers.next())
        async with exchange.session.post(
            exchange.url + prepared.path, data=prepared.body, headers=prepared.headers
        ) as reply:
            assert reply.status in (200, 202)
        await exchange.settled()
        assert exchange.verify().clean
    assert not [
        step
        for plan in plans(large / "exchange.db").values()
        for step in plan
        if step.startswith("SCAN")
    ]


def test_a_ledger_with_something_on_its_way_is_not_copied(tmp_path: Path) -> None:
    migrate_sqlite(tmp_path / "small.db")
    with pytest.raises(ValueError, match=r"must hold messages \(0\)"):
        grow(tmp_path / "small.db", tmp_path / "large.db", 10)
    connect(tmp_path / "small.db").close()


def test_the_table_has_a_row_for_each_size() -> None:
    case = {
        "rate": 100.0,
        "ratio": 1.0,
        "ratio_min": 0.9,
        "ratio_max": 1.1,
        "p99_milliseconds": 5.0,
    }
    row = {"ledger_mib": 1, "start_seconds": 1.0, "luova-json": case, "memory_mib": 100}
    row["load"] = {"p50_milliseconds": 1, "p99_milliseconds": 2}
    assert len(table({"0": row, "1000000": row, "verify": {}}).splitlines()) == 4

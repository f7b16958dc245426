"""A second server on a port or on a ledger that has an owner: one line that names what is taken,
exit code 2, and the first goes on. A ledger on a server has no single owner: the second is another
node of it, and goes again.
"""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from tests.drills.conftest import Record
from tests.drills.drill import FULL, REPEATED_MAX, drilling
from tests.drills.server import Server, free_port, run
from tests.postgresql import LocalServer


@pytest.mark.parametrize("workers", [1, 2] if FULL else [2])
async def test_a_second_server_is_told(workers: int, tmp_path: Path, record: Record) -> None:
    other = tmp_path / "other"
    other.mkdir()
    async with drilling(tmp_path, workers=workers, senders=2) as drill:
        drill.client.begin()
        await drill.client.until(20)
        port, ledger = str(drill.server.port), f"sqlite:///{drill.server.ledger}"
        elsewhere = f"sqlite:///{other / 'exchange.db'}"
        ended = await asyncio.gather(
            run("serve", "--port", port, "--ledger", elsewhere, cwd=other),
            run("serve", "--port", str(free_port()), "--ledger", ledger, cwd=other),
        )
        for taken, (code, said) in zip((port, drill.server.ledger.name), ended, strict=True):
            assert code == 2, said
            assert taken in said
            assert "Traceback" not in said
        await drill.client.until(20)
        row = await drill.account(
            f"second server on the port and on the ledger ({workers} workers)", "told, exit code 2"
        )
    record(row)


@pytest.mark.drill
async def test_a_second_server_is_another_node(
    tmp_path: Path, postgresql: LocalServer, record: Record
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    ledger = postgresql.ledger()
    async with drilling(tmp_path, senders=2, ledger=ledger) as drill:
        partners = drill.server.environment["EXCHANGE_PARTNERS__ADDRESS"]
        second = Server(other, partners, ledger=ledger)
        drill.client.begin()
        await drill.client.until(20)
        code, said = await run(
            "serve", "--port", str(drill.server.port), "--ledger", ledger.url, cwd=other
        )
        assert code == 2, said
        assert str(drill.server.port) in said
        assert "Traceback" not in said
        try:
            await second.start(drill.client.session)
            drill.client.url = second.url
            await drill.client.until(20)
            drill.client.url = drill.server.url
            await second.signal(signal.SIGTERM)
        finally:
            await second.clear()
        await drill.client.until(20)
        row = await drill.account("second server on the ledger", "another node", REPEATED_MAX)
    record(row)

"""A second server on a port or on a ledger that has an owner: one line that names what is taken,
exit code 2, and the first goes on.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.drills.conftest import Record
from tests.drills.drill import FULL, drilling
from tests.drills.server import free_port, run


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

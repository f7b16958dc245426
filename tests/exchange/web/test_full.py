"""A receiver that takes no more is refused by itself; what drains it is always served."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from exchange.adapters import luova
from exchange.errors import LedgerUnavailable
from exchange.storage.health import writability
from exchange.storage.sqlite import SqliteLedger
from tests.contracts.rows import record
from tests.journeys.running import Running, running

SAMPLES = Path(luova.__file__).parent / "families/unemployment/samples/valid"
LETTER = (SAMPLES / "unemployment.benefit-data--none.xml").read_bytes()
FULL, OTHER = "fund.super", "fund.pro"


async def letter(served: Running, name: str, receiver: str = FULL) -> tuple[int, str, dict]:  # type: ignore[type-arg]
    """A letter from Kela: status, Retry-After, the answer."""
    status, headers, body = await served.post(
        "/luova/v1/messages",
        LETTER,
        "kela.unemployment",
        Content_Type="application/xml",
        X_Message_Type="unemployment.benefit-data",
        X_Message_Id=name,
        X_Receiver=receiver,
    )
    return status, headers.get("Retry-After", ""), json.loads(body)


async def read(served: Running) -> list[dict[str, str]]:
    status, _, body = await served.get("/luova/v1/mailbox", FULL)
    assert status == 200, body
    return [{"id": each["id"], "lease": each["lease"]} for each in json.loads(body)["deliveries"]]


async def test_a_full_mailbox_is_drained_and_others_go_on(tmp_path: Path) -> None:
    async with running(tmp_path, limits={"waiting_max": 50}) as served:
        sent = [await letter(served, f"letter-{number}") for number in range(60)]
        assert [status for status, _, _ in sent] == [202] * 50 + [429] * 10
        _, retry_after, problem = sent[-1]
        assert retry_after
        assert (problem["reason"], problem["violations"][0]["rule"]) == ("full", "receiver.full")
        assert (await letter(served, "letter-0"))[0] == 200, "a repetition needs no room"
        assert (await letter(served, "other", OTHER))[0] == 202

        await served.until(lambda: bool(served.exchange.waiting.full()))
        _, _, body = await served.get("/health/ready")
        assert [each["receiver"] for each in json.loads(body)["full"]] == [FULL]
        _, _, body = await served.get("/metrics")
        assert f'exchange_receiver_full{{receiver="{FULL}"}} 50.0'.encode() in body

        ids = await read(served)
        assert len(ids) == 50
        acknowledgement = json.dumps({"deliveries": ids[:20]})
        status, _, body = await served.post(
            "/luova/v1/mailbox/acknowledgements", acknowledgement, FULL
        )
        assert status == 200, body
        await served.until(lambda: not served.exchange.waiting.full())
        assert (await letter(served, "letter-59"))[0] == 202, "there is room again"


async def test_while_the_ledger_is_full_calls_get_503_and_nothing_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writability, "PROBE_SECONDS", 0.0)

    def pages_max(pages: int) -> Callable[[sqlite3.Connection], object]:
        return lambda connection: connection.execute(f"PRAGMA max_page_count={pages}").fetchone()

    async with running(tmp_path) as served:
        assert (await letter(served, "before"))[0] == 202
        ledger = served.exchange.ledger
        assert isinstance(ledger, SqliteLedger)
        await ledger.change(pages_max(1))
        filling = record("filling", body=os.urandom(500_000))
        with pytest.raises(LedgerUnavailable, match="full"):
            await ledger.record(filling)
        status, retry_after, problem = await letter(served, "during")
        assert (status, retry_after, problem["reason"]) == (503, "2", "unavailable")
        status, headers, body = await served.post(
            "/kelmu/v1/queries", b"no JSON", "county.pirkanmaa"
        )
        assert (status, headers["Retry-After"]) == (503, "2"), body
        connection = ledger._writer._connection
        assert connection is not None
        pages_max(1 << 30)(connection)
        assert (await served.get("/health/ready"))[0] == 200
        assert (await letter(served, "during"))[0] == 202
        assert (await served.counts("luova"))["accepted"] == 2


async def test_a_receiver_is_full_by_bytes_too_and_all_by_the_sum(tmp_path: Path) -> None:
    limits = {"waiting_bytes_max": 2 * len(LETTER), "waiting_all_max": 3}
    async with running(tmp_path, limits=limits) as served:
        assert [(await letter(served, f"l-{n}"))[0] for n in range(3)] == [202, 202, 429]
        assert (await letter(served, "down", OTHER))[0] == 202
        await served.until(lambda: not served.exchange.dispatcher.held)

    limits = {"waiting_all_max": 2}
    async with running(tmp_path / "all", limits=limits) as served:
        assert [(await letter(served, f"l-{n}"))[0] for n in range(3)] == [202, 202, 503]
        assert (await letter(served, "other", OTHER))[0] == 503
        ids = await read(served)
        assert len(ids) == 2


async def test_of_a_batch_only_what_is_for_the_full_receiver_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path, limits={"waiting_max": 1}) as served:
        assert (await letter(served, "first"))[0] == 202
        lines = [
            {
                "type": "unemployment.benefit-data",
                "id": f"batch-{receiver}",
                "receiver": receiver,
                "body": LETTER.decode(),
            }
            for receiver in (FULL, OTHER)
        ]
        batch = "\n".join(json.dumps(line) for line in lines)
        status, _, body = await served.post(
            "/luova/v1/batches", batch, "kela.unemployment", Content_Type="application/x-ndjson"
        )
        answered = json.loads(body)
        assert status == 200, answered
        assert [each["status"] for each in answered["outcomes"]] == [429, 202]
        assert (answered["full"], answered["accepted"]) == (1, 1)

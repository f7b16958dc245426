"""Messages about one EESSI case at the same moment on two workers, each with a connection of its
own to one ledger file.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from exchange.adapters.eessi.case import Case, from_data
from exchange.adapters.eessi.generate import messages
from exchange.adapters.eessi.generate.messages import KELA, Letter
from exchange.assembly import Exchange
from exchange.ports import Inbound, Outcome
from exchange.settings import Settings
from exchange.storage.proof.verify import verify
from tests.adapters.eessi.access_point import ESTONIA, LONG_AGO, Play

MESSAGES = 24


class Two:
    """Two workers on one ledger."""

    def __init__(self, workers: Sequence[Exchange]) -> None:
        self.workers = workers

    async def take(self, worker: int, content: bytes, institution: str) -> Outcome:
        """What a worker makes of a message."""
        exchange = self.workers[worker % 2]
        partner = exchange.directory.by_eessi_id(institution)
        assert partner is not None
        return await exchange.desk(exchange.channels["eessi"]).accept(
            Inbound(partner, content, "text/xml", "api")
        )

    async def case(self, letter: Letter) -> Case:
        """The letter's case as the second worker sees it."""
        key = f"case:{letter.case_id}"
        known = await self.workers[1].ledger.recall("eessi", [key])
        return from_data(known[key].value)


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Both open, neither delivering: what is looked at is the first half."""
    path = tmp_path / "exchange.db"
    settings = Settings(storage={"url": f"sqlite:///{path}"}, server={"workers": 2})
    workers = [Exchange(settings, worker) for worker in range(2)]
    for worker in workers:
        await worker.open(deliver=False)
    yield Two(workers)
    for worker in workers:
        await worker.close()
    assert verify(path).clean


async def test_no_document_of_a_case_is_lost_when_two_workers_take_them_at_once(two: Two) -> None:
    play = Play("P_BUC_01", "P2000", created_at=LONG_AGO)
    assert (await two.take(0, play.opening_bytes, ESTONIA)).kind == "accepted"
    letters = [
        play.letter("P5000", KELA) if number % 2 else play.letter("P8000", ESTONIA)
        for number in range(MESSAGES)
    ]
    outcomes = await asyncio.gather(
        *(
            two.take(number // 2, play.write(letter), letter.sender)
            for number, letter in enumerate(letters)
        )
    )
    assert [outcome.kind for outcome in outcomes] == ["accepted"] * MESSAGES
    case = await two.case(play.opening)
    assert sorted(document.set_id for document in case.documents) == sorted(
        [play.opening.set_id, *(letter.set_id for letter in letters)]
    )


async def test_two_messages_that_open_the_same_case_at_once_open_it_once(two: Two) -> None:
    play = Play("H_BUC_01", "H001", created_at=LONG_AGO)
    letters = [
        replace(
            play.opening, message_id=messages.hex_id(play.rng), set_id=messages.hex_id(play.rng)
        )
        for _ in range(6)
    ]
    outcomes = await asyncio.gather(
        *(two.take(number, play.write(letter), ESTONIA) for number, letter in enumerate(letters))
    )
    assert sorted(outcome.kind for outcome in outcomes) == ["accepted"] + ["rejected"] * 5
    for outcome in outcomes:
        assert [violation.rule for violation in outcome.violations] == (
            ["eessi.process.case-exists"] if outcome.kind == "rejected" else []
        )
    assert len((await two.case(play.opening)).documents) == 1


async def test_a_document_is_invalidated_once(two: Two) -> None:
    play = Play("P_BUC_01", "P2000", created_at=LONG_AGO)
    await two.take(0, play.opening_bytes, ESTONIA)
    decision = play.letter("P6000", KELA)
    await two.take(1, play.write(decision), KELA)
    letters = [play.letter("X008", KELA, decision) for _ in range(4)]
    outcomes = await asyncio.gather(
        *(
            two.take(number, play.write(letter, decision), KELA)
            for number, letter in enumerate(letters)
        )
    )
    assert sorted(outcome.kind for outcome in outcomes) == ["accepted"] + ["rejected"] * 3
    assert (await two.case(play.opening)).document(decision.set_id).status == "cancelled"  # type: ignore[union-attr]


async def test_one_message_sent_to_both_workers_at_once_is_stored_once(two: Two) -> None:
    play = Play("P_BUC_01", "P2000", created_at=LONG_AGO)
    outcomes = await asyncio.gather(
        *(two.take(number, play.opening_bytes, ESTONIA) for number in range(6))
    )
    assert sorted(outcome.kind for outcome in outcomes) == ["accepted"] + ["duplicate"] * 5
    assert len({outcome.envelope.id for outcome in outcomes}) == 1
    assert (await two.case(play.opening)).messages == 1

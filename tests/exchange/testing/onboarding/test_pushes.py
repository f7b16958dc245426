"""Endpoints that are tried: a right one passes every demand, one with a fault fails that alone."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from exchange.schemas.directory import partner_of
from exchange.testing.onboarding import demands, pushes
from exchange.testing.onboarding.journal import Journal, NoJournal, in_file
from exchange.testing.onboarding.run import Bench, bench, journal_at, pushed
from tests.exchange.testing.onboarding.receiver import (
    FAULTS,
    IN_A_JOURNAL,
    TAKE_NOTHING,
    Receiver,
)

SECRET = "a-secret-of-the-tests"


@pytest.fixture(scope="module")
def on() -> Iterator[Bench]:
    with bench("nobody") as made:
        yield made


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body is held back for less than a person would take."""
    monkeypatch.setattr(pushes, "HELD_SECONDS", 0.2)


def found(
    on: Bench,
    fault: str,
    has_journal: bool = True,
    sector: str = "unemployment-fund",
    file: Path | None = None,
) -> list[demands.Found]:
    """What is found of a partner whose receiver has a fault, and a journal at its address or in a
    file.
    """
    receiver = Receiver(SECRET, fault, file)
    on.exchange.run(receiver.__aenter__())
    try:
        partner = partner_of(
            {
                "id": f"{sector}.{fault or 'right'}",
                "name": "A partner",
                "sector": sector,
                "url": receiver.address,
                "callback_secret": SECRET,
            }
        )
        on.exchange.put(partner)
        where = str(file) if file is not None else f"{receiver.address}/journal"
        journal = journal_at(on, partner, where if has_journal else "", 0.2)
        return [*pushed(on, partner, journal)]
    finally:
        on.exchange.run(receiver.__aexit__())


@pytest.mark.parametrize("fault", FAULTS)
def test_a_partner_fails_what_it_does_wrong_and_nothing_else(
    on: Bench, fault: str, tmp_path: Path
) -> None:
    # (What a journal alone tells is read from a file, everything else from an address.)
    file = tmp_path / "taken.jsonl" if fault in IN_A_JOURNAL else None
    tried = [each for each in found(on, fault, file=file) if each.verdict != "not tried"]
    failed = {each.demand.id for each in tried if each.verdict == "failed"}
    assert failed == FAULTS[fault], [(each.name, each.why) for each in tried]
    if fault not in TAKE_NOTHING:
        wanted = {each.id for each in demands.demands().values() if "url" in each.needs}
        assert {each.demand.id for each in tried} == wanted
    for each in tried:
        assert each.verdict == "passed" or each.why


def test_a_county_is_sent_all_that_it_gets_unasked_over_kelmu(on: Bench) -> None:
    told = found(on, "", sector="wellbeing-county")
    passed = [each.about for each in told if each.name.startswith("right kelmu") and not each.why]
    assert passed == ["kelmu.information-request", "kelmu.notice"]
    assert [each.name for each in told if each.verdict == "failed"] == []


def test_without_a_journal_nothing_is_said_of_what_was_taken(on: Bench) -> None:
    verdicts = {each.name: each for each in found(on, "takes-twice", has_journal=False)}
    counts = Counter(each.verdict for each in verdicts.values())
    assert counts["failed"] == 0
    for name in ("right.kept", "repeat.once", "order.kept", "signature.not-taken"):
        assert "--journal" in verdicts[f"{name} luova"].why


def test_what_is_no_journal_is_told(on: Bench, tmp_path: Path) -> None:
    partner = partner_of({"id": "fund.none", "name": "x", "sector": "unemployment-fund"})
    os.mkfifo(tmp_path / "pipe")
    for where, told in {
        f"{on.exchange.address}/health/live": "line 1 .* is wanted for each delivery",
        f"{on.exchange.address}/nothing": "nothing: the answer was 404",
        "http://127.0.0.1:9": "ConnectionRefused",
        "post://127.0.0.1": "post://127.0.0.1: ",
        str(tmp_path / "none"): "none: No such file",
        str(tmp_path / "a\0b"): "null",
        str(tmp_path): "is no file",
        str(tmp_path / "pipe"): "is no file",
    }.items():
        with pytest.raises(NoJournal, match=told):
            journal_at(on, partner, where)


@pytest.mark.parametrize(
    ("content", "taken"),
    [
        (b"", []),
        (b'{"delivery_id": "2"}\n\n{"delivery_id": "1", "at": 3}\r\n', ["2", "1"]),
        (b'{"delivery_id": "1"}\n{"delivery_id": "2"}', ["1", "2"]),
        (b'{"delivery_id": "1"}\n{"delivery_id": "2', ["1"]),
        (b'{"delivery_id": "1"}\n{"delivery_\n', "line 2"),
        (b'{"delivery_id": "1"}\n["2"]\n', "line 2"),
        (b'{"delivery_id": 1}\n', "line 1"),
        (b'["1", "2"]', "line 1"),
        (b"<html>", "line 1"),
        ('{"delivery_id": "1"}\n'.encode("utf-16"), "line 1"),
        (b"[" * 100_000, "line 1"),
    ],
)
async def test_each_line_of_a_journal_names_a_delivery(
    content: bytes, taken: Sequence[str] | str, tmp_path: Path
) -> None:
    (tmp_path / "journal").write_bytes(content)
    journal = Journal(in_file(tmp_path / "journal"), 0.0)
    if isinstance(taken, str):
        with pytest.raises(NoJournal, match=taken):
            await journal.taken()
    else:
        assert await journal.taken() == taken

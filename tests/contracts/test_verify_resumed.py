"""A proof that goes on where one before it ended, or was broken off, finds what a whole one finds,
but for what was done afterwards to commits that were proved.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from exchange.errors import LedgerDamaged, LedgerError, LedgerUnavailable
from exchange.ports.ledger import Old, Record, Remember
from exchange.ports.verification import Verification
from exchange.storage.ledger import SqlLedger
from exchange.storage.proof import progress
from exchange.storage.proof.progress import ProgressFile
from exchange.storage.proof.verify import verify
from exchange.storage.proof.views import readable
from tests.contracts.rows import record, settlement

NONE, ALL = Old(0, 0), Old(1 << 62, 1 << 62)
STILL_THERE = "what was proved before is there still"
ROWS = "every commit's rows are those that were committed"


class BrokenOff(BaseException):
    """What ends a proof, as a signal would."""


class Runs:
    """Proofs of a ledger that keep in one file how far they come, a few events at a time."""

    def __init__(self, ledger: SqlLedger, path: Path) -> None:
        self.ledger, self.path = ledger, path
        self.left = self.writes = 0

    async def whole(self) -> Verification:
        """One that reads all."""
        self.left = -1
        return await asyncio.to_thread(verify, self.ledger.where)

    async def resumed(self) -> Verification:
        """One that goes on to the end."""
        self.left = -1
        return await asyncio.to_thread(verify, self.ledger.where, None, self.path)

    async def break_off(self, writes: int) -> None:
        """One that ends in place of writing the file once more."""
        self.left = writes
        with pytest.raises(BrokenOff):
            await asyncio.to_thread(verify, self.ledger.where, None, self.path)


@pytest.fixture
def runs(ledger: SqlLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    made = Runs(ledger, tmp_path / "proved")
    write = ProgressFile.write

    def counted(file: ProgressFile) -> None:
        if made.left == 0:
            raise BrokenOff
        made.left -= 1
        made.writes += 1
        write(file)

    monkeypatch.setattr(ProgressFile, "write", counted)
    monkeypatch.setattr(progress, "EVENTS", 4)
    return made


async def fill(ledger: SqlLedger, name: str, messages: int = 6) -> list[Record]:
    """Messages that are delivered, but for the last, and remembered."""
    made = [
        record(f"{name}-{number}", remember=[Remember(f"{name}:{number}", number)])
        for number in range(messages)
    ]
    for each in made:
        assert (await ledger.record(each)).kind == "new"
    for each in made[:-1]:
        assert await ledger.settle(settlement(each, "delivered", ["delivered"]))
    return made


def broken(found: Verification) -> dict[str, tuple[int, list[str]]]:
    """What is broken, how often and with which examples."""
    return {check.name: (check.broken, check.examples) for check in found.checks if check.broken}


async def test_what_was_proved_is_not_read_again_and_what_came_since_is(
    ledger: SqlLedger, runs: Runs
) -> None:
    await fill(ledger, "a")
    found = await runs.resumed()
    assert found.clean, broken(found)
    assert runs.writes > 5, "it went on in pieces"
    assert not any("not read again" in note for note in found.notes)
    await fill(ledger, "b")
    await ledger.note("luova", [Remember("a:0", "changed", 1)])
    found = await runs.resumed()
    assert found.clean, broken(found)
    [note] = [note for note in found.notes if "not read again" in note]
    assert note.startswith("commits up to event 11 (position 6) were proved until 20")
    # (Of what is remembered alone: such a commit has the last event of the one before.)
    await ledger.note("luova", [Remember("a:0", "again", 2)])
    found = await runs.resumed()
    assert found.clean, broken(found)
    harm = "UPDATE body SET content=? WHERE message_id=(SELECT {}(message_id) FROM body)"
    await ledger.change(lambda at: at.execute(harm.format("MIN"), (b"x",)))
    assert (await runs.resumed()).clean, "as the note says"
    assert not (await runs.whole()).clean
    await fill(ledger, "c")
    await ledger.change(lambda at: at.execute(harm.format("MAX"), (b"x",)))
    assert len(broken(await runs.resumed())) == 1
    told = broken(await runs.resumed())
    assert told, "what was found is told again, for it is not read again"
    assert [number for number, _ in told.values()] == [1]
    await ledger.change(lambda at: at.execute("UPDATE counter SET count=count+1"))
    assert len(broken(await runs.resumed())) > 1, "what is compared as a whole is compared again"


HARMS = (
    "UPDATE message SET endpoint='x' WHERE sender_message_id='a-1'",
    "UPDATE message SET endpoint='x' WHERE sender_message_id='a-5'",
    "UPDATE event SET at=at+1 WHERE id IN (3,11)",
    "UPDATE event SET id=id+1000 WHERE id=8",
    "DELETE FROM chain WHERE number=5",
    "UPDATE chain SET digest=content WHERE number IN (3,9)",
    "UPDATE memory SET version=7 WHERE key='a:1'",
    "UPDATE counter SET count=count+1 WHERE kind='delivered'",
    "UPDATE delivery SET state='waiting' WHERE state='delivered'",
)


#: A server is asked much more slowly: there some, after one place.
CASES = [*(("sqlite", harm, range(1, 100)) for harm in HARMS),
         *(("postgresql", harm, [6]) for harm in HARMS[1::4])]  # fmt: skip


@pytest.mark.parametrize(("ledger", "harm", "places"), CASES, indirect=["ledger"])
async def test_one_that_was_broken_off_anywhere_tells_what_a_whole_one_tells(
    ledger: SqlLedger, runs: Runs, harm: str, places: Sequence[int]
) -> None:
    await fill(ledger, "a")
    await ledger.change(lambda at: at.execute(harm))
    whole = broken(await runs.whole())
    assert whole
    for after in places:
        runs.path.unlink(missing_ok=True)
        try:
            await runs.break_off(after)
        except pytest.fail.Exception:
            break
        assert broken(await runs.resumed()) == whole, f"after {after} writings"
        assert broken(await runs.resumed()) == whole, "and again"
    assert after > 5


async def test_harm_that_is_done_while_it_is_broken_off_is_found_beyond_what_was_proved(
    ledger: SqlLedger, runs: Runs
) -> None:
    made = await fill(ledger, "a")
    await runs.break_off(5)
    harm = "UPDATE message SET endpoint='x' WHERE id=?"
    await ledger.change(lambda at: at.execute(harm, (made[0].message.id,)))
    early = broken(await runs.resumed())
    assert ROWS not in early
    runs.path.unlink()
    await ledger.change(lambda at: at.execute("UPDATE message SET endpoint='http'"))
    await runs.break_off(5)
    await ledger.change(lambda at: at.execute(harm, (made[-1].message.id,)))
    found = await runs.resumed()
    assert ROWS in broken(found)
    assert any("before the run was broken off" in note for note in found.notes)


async def test_retention_between_two_runs_breaks_nothing(ledger: SqlLedger, runs: Runs) -> None:
    await fill(ledger, "a", 12)
    assert (await runs.resumed()).clean
    for number in range(14 if isinstance(ledger.where, Path) else 5):
        await fill(ledger, f"later-{number}", 2)
        # (Some at a time, then all: then one link stands for commits before and after the point.)
        await ledger.drop(ALL, ALL if number % 2 else NONE, 100 if number % 4 == 3 else 2)
        found = await runs.resumed()
        assert found.clean, broken(found)
    joined = "SELECT COUNT(*) FROM chain WHERE since<number"
    assert (await ledger.read(lambda at: at.execute(joined).fetchone()))[0], "links became one"
    assert (await runs.whole()).clean


async def test_commits_that_were_proved_and_are_gone_are_told(
    ledger: SqlLedger, runs: Runs
) -> None:
    await fill(ledger, "a")
    assert (await runs.resumed()).clean
    for harm in (
        "UPDATE chain SET digest=content WHERE number=(SELECT MAX(number) FROM chain)",
        "DELETE FROM chain WHERE number=(SELECT MAX(number) FROM chain)",
    ):
        await ledger.change(lambda at, harm=harm: at.execute(harm))
        # (The change itself makes no commit of the chain.)
        assert STILL_THERE in broken(await runs.resumed()), harm


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"format":2}', '{"next_event":"x"}', '{"heads":["0 1 2"]}', '{"more":1}',
     '{"next_event":9223372036854775808}', "\x00"],
)  # fmt: skip
def test_a_file_that_says_something_else_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "proved"
    path.write_text(text)
    with pytest.raises(LedgerError, match="does not say how far a proof has come"):
        ProgressFile(path)
    assert path.read_text() == text, "it may be anybody's"
    with pytest.raises(LedgerError, match="can't be written"):
        ProgressFile(tmp_path / "none" / "proved")


def test_a_ledger_that_can_not_be_read_just_now_is_not_broken() -> None:
    def ends(error: Exception) -> list[progress.Check]:
        raise error

    with pytest.raises(LedgerUnavailable):
        readable("the chain", lambda: ends(LedgerUnavailable("away")))
    [check] = readable("the chain", lambda: ends(LedgerDamaged("damaged")))
    assert (check.name, check.broken) == ("the chain", 1)

"""`exchange verify`: a whole ledger is clean, each way of damaging one is seen and told, and what
is no ledger is said to be none.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from exchange.cli import app
from exchange.errors import LedgerError, SettingsError
from exchange.journey.count import request_count
from exchange.ports.ledger import Old
from exchange.ports.verification import EXAMPLES_MAX, Check
from exchange.storage.connection import connect
from exchange.storage.sqlite import SqliteLedger
from tests.contracts.rows import record, settlement

COUNTERS, DAYS = "counters agree with messages, deliveries and events", "days agree with minutes"
HISTORY, HOURS = (
    "days agree with messages, deliveries and events",
    "hours and minutes agree with days",
)
STATES, ORPHANS = (
    "every delivery's state agrees with its events",
    "nothing stands without what it belongs to",
)
CONSERVED = "received = accepted + rejected + duplicate"


def verify(path: Path) -> Result:
    """The command."""
    return CliRunner().invoke(app, ["verify", "--ledger", f"sqlite:///{path}"])


def test_so_many_differences_of_a_check_are_listed_and_all_are_counted() -> None:
    check = Check("something")
    for number in range(EXAMPLES_MAX + 2):
        check.breaks(f"row {number}")
    assert check.broken == EXAMPLES_MAX + 2
    assert check.examples == [f"row {number}" for number in range(EXAMPLES_MAX)]


async def fill(path: Path) -> None:
    """Messages in every state."""
    ledger = SqliteLedger(path)
    await ledger.open()
    made = [
        record(f"m-{number}", items=number + 1, items_rejected=number % 2) for number in range(6)
    ]
    for each in made:
        await ledger.record(each)
    await ledger.record(record("m-0", digest=made[0].message.digest))
    await ledger.record(record("wrong", state="rejected"))
    await ledger.settle(settlement(made[0], "delivered", ["delivered", "answered"]))
    await ledger.settle(settlement(made[1], "dead", ["attempt-failed", "dead-lettered"]))
    await ledger.settle(settlement(made[2], "dead", ["attempt-failed", "dead-lettered"]))
    await ledger.settle(settlement(made[2], "waiting", ["resent"], from_state="dead"))
    await ledger.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A ledger file, closed."""
    path = tmp_path / "ledger.db"
    asyncio.run(fill(path))
    return path


def test_a_whole_ledger_is_clean(ledger: Path) -> None:
    result = verify(ledger)
    assert result.exit_code == 0, result.stdout
    assert result.stdout.splitlines()[-1] == "verify: clean"
    assert (
        "luova: received 8, accepted 6, rejected 1, duplicate 1, queued 6, delivered 1, waiting 4, "
        "dead-lettered 1" in result.stdout
    )


async def forget(path: Path) -> None:
    """Retention of everything that is settled, with a dead letter and requests among it."""
    ledger = SqliteLedger(path)
    await ledger.open()
    await ledger.count([request_count(1, "luova", "dvv", "GET /x", False, 7, 70)])
    dropped = await ledger.drop(Old(1 << 62, 1 << 62), Old(1 << 62, 1 << 62), 100)
    assert dropped.messages == 3, "what waits stays"
    await ledger.close()


def test_the_sums_that_are_printed_add_up_after_retention(ledger: Path) -> None:
    before = verify(ledger).stdout
    asyncio.run(forget(ledger))
    result = verify(ledger)
    assert result.exit_code == 0, result.stdout
    (line,) = (each for each in result.stdout.splitlines() if each.startswith("  luova: "))
    assert line.removesuffix(", requests 7") in before, "the sums of all that there was"
    of = {name: int(number) for name, number in re.findall(r"([a-z-]+) (\d+)", line)}
    assert of["received"] == of["accepted"] + of["rejected"] + of["duplicate"]
    assert of["queued"] == of["delivered"] + of["waiting"] + of["dead-lettered"]
    assert of["requests"] == 7


@pytest.mark.parametrize(
    ("damage", "broken"),
    [
        ("UPDATE counter SET count=count+1 WHERE kind='accepted'", {COUNTERS, DAYS}),
        ("UPDATE counter SET items=items+1 WHERE kind='queued'", {COUNTERS, DAYS}),
        ("UPDATE counter SET bytes=0 WHERE kind='delivered'", {COUNTERS, DAYS, HOURS}),
        ("UPDATE counter SET sender='kela' WHERE kind='rejected'", {COUNTERS, DAYS}),
        ("DELETE FROM counter WHERE kind='duplicate'", {COUNTERS, DAYS}),
        ("UPDATE day_counter SET count=count-1 WHERE kind='received'", {DAYS, HISTORY, CONSERVED}),
        ("DELETE FROM day_counter WHERE kind='resent'", {DAYS, HISTORY, CONSERVED}),
        ("DELETE FROM delivery WHERE state='delivered'", {COUNTERS, ORPHANS}),
        ("DELETE FROM delivery WHERE state='waiting' AND id=(SELECT max(id) FROM delivery)", {COUNTERS, ORPHANS, CONSERVED}),
        ("UPDATE delivery SET state='delivered' WHERE state='dead'", {STATES}),
        ("UPDATE delivery SET state='waiting' WHERE state='delivered'", {STATES, CONSERVED}),
        ("UPDATE message SET state='rejected' WHERE sender_message_id='m-3'", {COUNTERS}),
        ("UPDATE message SET state='accepted' WHERE state='rejected'", {COUNTERS, ORPHANS}),
        ("UPDATE message SET items=items+1 WHERE sender_message_id='m-3'", {COUNTERS}),
        ("UPDATE message SET received_at=received_at+60000 WHERE sender_message_id='m-3'", {COUNTERS}),
        ("DELETE FROM message WHERE sender_message_id='m-4'", {COUNTERS, ORPHANS}),
        ("DELETE FROM event WHERE kind='delivered'", {COUNTERS, STATES}),
        ("DELETE FROM event WHERE kind='duplicate'", {COUNTERS}),
        ("DELETE FROM event WHERE kind='resent'", {COUNTERS, STATES}),
        ("INSERT INTO event(message_id,delivery_id,at,kind,detail) SELECT "
         "message_id,delivery_id,at,kind,detail FROM event "
         "WHERE kind='delivered'", {COUNTERS, STATES}),
        ("DELETE FROM body WHERE message_id=(SELECT message_id FROM delivery WHERE "
         "state='waiting' LIMIT 1)", {ORPHANS}),
    ],
)  # fmt: skip
def test_every_damage_is_seen_and_told(ledger: Path, damage: str, broken: set[str]) -> None:
    connection = connect(ledger)
    assert connection.execute(damage).rowcount > 0
    connection.close()
    result = verify(ledger)
    assert result.exit_code == 1, result.stdout
    lines = result.stdout.splitlines()
    assert lines[-1] == "verify: BROKEN"
    told = {line.removeprefix("BROKEN ") for line in lines if line.startswith("BROKEN ")}
    assert {
        name
        for name in (COUNTERS, DAYS, HISTORY, HOURS, STATES, ORPHANS, CONSERVED)
        if any(each.startswith(name) for each in told)
    } >= broken
    assert sum(line.startswith("         ") for line in lines) >= len(told), "each with an example"


def test_what_is_no_ledger(tmp_path: Path) -> None:
    result = verify(tmp_path / "none.db")
    assert result.exit_code == 2
    assert "there is no ledger" in result.stderr
    (tmp_path / "text").write_text("not a database, by far" * 100)
    assert isinstance(verify(tmp_path / "text").exception, LedgerError)
    (tmp_path / "empty").write_bytes(b"")
    assert isinstance(verify(tmp_path / "empty").exception, LedgerError)
    wrong = CliRunner().invoke(app, ["verify", "--ledger", "oracle://x"])
    assert isinstance(wrong.exception, SettingsError)

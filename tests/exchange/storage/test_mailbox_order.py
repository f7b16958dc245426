"""A mailbox under any order of readings, acknowledgements, refusals, extensions, lost leases,
deadlines, resends and skips, by one worker and by two on the same ledger.
"""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.ports.ledger import Hold, Record, Wanted
from exchange.storage import mailbox
from exchange.storage.commit import record_all
from exchange.storage.connection import connect
from exchange.storage.counters.sums import Totals
from exchange.storage.migrate import migrate_sqlite
from exchange.storage.proof.chain import Additions, last_given
from exchange.storage.proof.verify import verify
from exchange.storage.sqlite import SqliteLedger
from tests.contracts.rows import MINUTE, record, settlement

WANTED = Wanted("luova", "fund", 3)
#: What a reader does next; the number chooses which of those that it could do it to.
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ("take", "take", "acknowledge", "refuse", "extend", "resend", "skip", "expire", "late")
        ),
        st.integers(0, 9),
    ),
    max_size=30,
)


@dataclass
class Seen:
    """What a sequence of steps has led to."""

    records: dict[int, Record]
    now: int = MINUTE
    lease: int = 0
    #: Leases that were given, the newest of each delivery last.
    given: list[tuple[int, int]] = field(default_factory=list)
    delivered: list[int] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)
    dead: list[int] = field(default_factory=list)
    #: When each delivery's newest lease ends.
    until: dict[int, int] = field(default_factory=dict)


def letter(name: str, conversation: str) -> Record:
    """An ordered one, or one of no conversation."""
    return record(name, modes=("mailbox",), receiver="fund", conversation=conversation)


async def step(ledger: SqliteLedger, seen: Seen, what: str, number: int) -> None:
    """Do it, and see that what came is what may come."""
    seen.now += MINUTE // 4
    if what == "take":
        seen.lease += 1
        until = seen.now + MINUTE
        for each in await ledger.lease(WANTED, seen.now, until, seen.lease):
            allowed(seen, each.delivery.id)
            seen.given.append((each.delivery.id, seen.lease))
            seen.until[each.delivery.id] = until
        return
    if what == "late":
        seen.now += 2 * MINUTE
        return
    if what in ("resend", "skip"):
        if seen.dead:
            again = seen.dead[number % len(seen.dead)]
            state, kind = ("waiting", "resent") if what == "resend" else ("skipped", "skipped")
            changed = settlement(seen.records[again], state, [kind], seen.now, from_state="dead")
            assert await ledger.settle(changed)
            seen.dead.remove(again)
            if what == "skip":
                seen.skipped.append(again)
        return
    if what == "expire":
        await expire(ledger, seen)
        return
    if not seen.given:
        return
    delivery, lease = seen.given[number % len(seen.given)]
    newest = [one for one in seen.given if one[0] == delivery][-1] == (delivery, lease)
    if what == "extend":
        until = seen.now + MINUTE
        extended = await ledger.extend([Hold(delivery, lease)], until)
        assert extended == ([delivery] if newest else []), "an old holder extends nothing"
        if newest:
            seen.until[delivery] = until
        return
    state, kind = ("delivered", "delivered") if what == "acknowledge" else ("dead", "dead-lettered")
    ended = settlement(seen.records[delivery], state, [kind], seen.now)
    ended.lease = lease
    took = await ledger.settle(ended)
    assert newest or not took, "an old holder's word counts for nothing"
    if took:
        (seen.delivered if state == "delivered" else seen.dead).append(delivery)
        seen.given = [one for one in seen.given if one[0] != delivery]


async def expire(ledger: SqliteLedger, seen: Seen) -> None:
    """Let everything die that nobody holds and that was not sent again just now: the deadline is
    over for all.
    """
    for delivery in await ledger.overdue(1 << 62, seen.now, seen.now, 100):
        allowed(seen, delivery)
        dead = settlement(seen.records[delivery], "dead", ["dead-lettered"], seen.now)
        assert await ledger.settle(dead)
        seen.dead.append(delivery)
        seen.given = [one for one in seen.given if one[0] != delivery]


def allowed(seen: Seen, delivery: int) -> None:
    """What is given, or dies of its deadline, has not ended, nobody holds it, and all before it in
    its conversation has ended.
    """
    ended = {*seen.delivered, *seen.skipped}
    assert delivery not in ended, "nothing acknowledged comes back"
    assert delivery not in seen.dead
    assert seen.until.get(delivery, 0) <= seen.now or all(
        delivery != one[0] for one in seen.given
    ), "somebody holds it"
    conversation = seen.records[delivery].message.conversation
    if conversation:
        for other, made in seen.records.items():
            if made.message.conversation == conversation and other < delivery:
                assert other in ended, "one is out at a time, in order"


async def play(workers: int, steps: list[tuple[str, int]], folder: Path) -> None:
    """Play the steps, each by the next worker; then fetch all that is left."""
    path = folder / "exchange.db"
    ledgers = [SqliteLedger(path, node=number) for number in range(workers)]
    for ledger in ledgers:
        await ledger.open()
    made = [letter(f"{name}{number}", name) for number in range(3) for name in ("a", "b", "")]
    for index, each in enumerate(made):
        each.message = each.message._replace(sender_message_id=f"m-{index}")
        await ledgers[0].record(each)
    seen = Seen({each.deliveries[0].id: each for each in made})
    for index, (what, number) in enumerate(steps):
        await step(ledgers[index % workers], seen, what, number)
    for _ in range(len(made) * 2):
        await step(ledgers[0], seen, "resend", 0)
        await step(ledgers[0], seen, "late", 0)
        await step(ledgers[-1], seen, "take", 0)
        while seen.given:
            await step(ledgers[0], seen, "acknowledge", len(seen.given) - 1)
    assert sorted(seen.delivered + seen.skipped) == sorted(seen.records), "nothing leased is lost"
    for ledger in ledgers:
        await ledger.close()
    assert not [check for check in verify(path).checks if check.broken]


@pytest.mark.parametrize("workers", [1, 2])
@settings(max_examples=20, deadline=None)
@given(steps=STEPS, passed_over_max=st.sampled_from((0, 100)))
def test_order_and_leases_hold(
    workers: int, steps: list[tuple[str, int]], passed_over_max: int
) -> None:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(mailbox, "PASSED_OVER_MAX", passed_over_max)
        asyncio.run(play(workers, steps, Path(folder)))


def test_a_look_takes_as_many_steps_whatever_waits_behind_a_letter(tmp_path: Path) -> None:
    """(Steps of SQLite's machine, by hundreds.)"""
    migrate_sqlite(tmp_path / "exchange.db")
    connection = connect(tmp_path / "exchange.db")
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1

    took = []
    for lying in (250, 750):
        more = [letter(f"{lying}-{number}", "a") for number in range(lying)]
        record_all(connection, more, 1, Totals(), Additions(last_given(connection)))
        steps = 0
        connection.set_progress_handler(step, 100)
        assert len(mailbox.free(connection, WANTED, MINUTE)) == 1
        connection.set_progress_handler(None, 0)
        took.append(steps)
    connection.close()
    assert 10 < took[0] < 200
    assert took[1] == pytest.approx(took[0], abs=10)


async def test_what_is_leased_is_not_looked_for_again_before_it_ends(tmp_path: Path) -> None:
    """(Asked of the question alone: a lease that is found, and can't be had, is looked for without
    an end.)
    """
    ledger = SqliteLedger(tmp_path / "exchange.db")
    await ledger.open()
    made = letter("ordered", "a")
    await ledger.record(made)
    (taken,) = await ledger.lease(WANTED, MINUTE, 2 * MINUTE, 1)
    assert await ledger.scan(mailbox.free, WANTED, 2 * MINUTE - 1) == []
    assert await ledger.scan(mailbox.free, WANTED, 2 * MINUTE) == [taken.delivery.id]
    await ledger.settle(settlement(made, "dead", ["dead-lettered"], MINUTE))
    assert await ledger.scan(mailbox.free, WANTED, 2 * MINUTE) == []
    await ledger.close()

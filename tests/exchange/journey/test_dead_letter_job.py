"""Dead letters sent again by a filter, at a rate: each once, not to receivers that fail, over a
restart; and what a resend begins anew.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from exchange.assembly import Exchange
from exchange.errors import JobRunning
from exchange.journey.mailbox import LetterJob
from exchange.ports import Actor, Operator
from exchange.ports.ledger import DeadFilter
from exchange.ports.rows import Old
from exchange.schemas.call import Reply
from exchange.settings import Settings
from exchange.simulation.clock import VirtualClock
from exchange.simulation.loop import VirtualLoop, run
from exchange.storage.proof.verify import verify
from tests.exchange.journey.way import FIRST, SECOND, Script, Way, channel, way
from tests.exchange.web.dead import die

BEGUN_AT = 1_704_060_000_000
ANN = Actor(Operator("ann", "operator"), "127.0.0.1")
HOUR = 3600.0
DEFAULTS = {"first_backoff_seconds": 1.0, "poll_seconds": 1.0}


def clock() -> VirtualClock:
    """The running loop's."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return VirtualClock(loop, BEGUN_AT, 1)


async def ended(running: Way) -> LetterJob:
    """The job once it has ended."""
    async with asyncio.timeout(3600):
        while True:
            job = await running.exchange.letter_jobs.newest()
            assert job is not None
            if job.state != "running":
                return job
            await running.exchange.clock.sleep(0.05)


def virtual(folder: Path, script: Script, **deliveries: Any) -> Any:
    """An exchange in virtual time."""
    return way(folder, script, deliveries={**DEFAULTS, **deliveries}, clock=clock())


@pytest.mark.parametrize("count", [300, pytest.param(20_000, marks=pytest.mark.drill)])
def test_all_that_match_are_sent_again_once_at_the_rate(tmp_path: Path, count: int) -> None:
    async def main() -> None:
        async with virtual(tmp_path, Script()) as running:
            exchange = running.exchange
            await asyncio.gather(
                *(die(exchange, f"m-{number}", "http-503", FIRST) for number in range(count))
            )
            others = [await die(exchange, "other", "http-503", SECOND)]
            others.append(await die(exchange, "refused", "refused: no", FIRST))
            began = exchange.clock.now()
            rate = count / 40
            wanted = DeadFilter(receiver=FIRST, reason="http-503")
            job = await exchange.letter_jobs.begin("resend", wanted, rate, ANN)
            assert (job.matched, job.state) == (count, "running")
            with pytest.raises(JobRunning):
                await exchange.letter_jobs.begin("resend", wanted, rate, ANN)
            job = await ended(running)
            assert (job.state, job.handled, job.left, job.why) == ("done", count, 0, "")
            assert 38 <= (exchange.clock.now() - began) / 1000 <= 44, "at the rate"
            await running.settled()
            assert len(running.script.calls) == len(set(running.script.calls)) == count
            left = [each.delivery.id for each in await exchange.ledger.dead(10)]
            assert sorted(left) == sorted(others)
            rows = await exchange.ledger.totals(("kind",))
            counts = {kind: number for (kind,), number, _, _ in rows}
            assert counts["resent"] == counts["delivered"] == count
            newest = [row for _, row in await exchange.ledger.audited(1)]
            assert newest[0].what == "resend-by-filter"
            assert newest[0].target == f"receiver={FIRST} reason=http-503"
            assert newest[0].outcome == f"done: {count} resent, 0 left"

    run(main())


def test_who_fails_is_passed_over_and_named(tmp_path: Path) -> None:
    async def main() -> None:
        async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
            return Reply(503 if receiver == FIRST else 200)

        async with virtual(tmp_path, Script(answer)) as running:
            exchange = running.exchange
            for number in range(60):
                await die(exchange, f"f-{number}", "http-503", FIRST)
                await die(exchange, f"s-{number}", "http-503", SECOND)
            await exchange.letter_jobs.begin("resend", DeadFilter(), 10, ANN)
            job = await ended(running)
            assert job.state == "stopped"
            assert job.why == f"{FIRST} is failing (http-503)"
            assert job.handled + job.left == job.matched == 120
            assert 40 <= job.left < 60
            dead = {each.delivery.receiver for each in await exchange.ledger.dead(200)}
            assert dead == {FIRST}, "the other one got all of its letters"

    run(main())


def test_what_dies_again_is_not_sent_again_by_the_same_job(tmp_path: Path) -> None:
    async def main() -> None:
        async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
            return Reply(499)

        async with virtual(tmp_path, Script(answer)) as running:
            for number in range(20):
                await die(running.exchange, f"m-{number}", "http-503")
            await running.exchange.letter_jobs.begin("resend", DeadFilter(), 5, ANN)
            job = await ended(running)
            assert (job.state, job.handled) == ("done", 20)
            await running.exchange.clock.sleep(5)
            assert len(running.script.calls) == 20
            assert await running.exchange.ledger.dead_causes(DeadFilter()) == {"refused": 20}

    run(main())


def test_a_job_is_stopped_and_another_goes_on_over_a_restart(tmp_path: Path) -> None:
    async def main() -> None:
        async with virtual(tmp_path, Script()) as running:
            for number in range(100):
                await die(running.exchange, f"m-{number}", "http-503")
            jobs = running.exchange.letter_jobs
            await jobs.begin("resend", DeadFilter(), 10, ANN)
            await running.exchange.clock.sleep(3)
            stopped = await jobs.stop_job(ANN)
            assert stopped is not None
            assert stopped.why == "stopped by ann"
            assert 10 <= stopped.handled <= 40
            await running.exchange.clock.sleep(5)
            assert await jobs.newest() == stopped
            assert await jobs.stop_job(ANN) is None
            await jobs.begin("resend", DeadFilter(), 10, ANN)
            await running.exchange.clock.sleep(2)
        async with virtual(tmp_path, Script()) as running:
            job = await ended(running)
            assert job.state == "done"
            assert not await running.exchange.ledger.dead(1)

    run(main())


def test_all_that_match_are_skipped_at_the_rate_whoever_they_are_for(tmp_path: Path) -> None:
    """Also to who is paused, and what can't be sent again; what they held up goes on."""

    async def main() -> None:
        async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
            return Reply(400 if message_id == "poison" else 200)

        async with virtual(tmp_path, Script(answer), attempts_max=1) as running:
            exchange = running.exchange
            await running.send("poison", conversation="c")
            await running.send("after", conversation="c")
            await exchange.clock.sleep(60)
            assert "after" not in {name for _, name in running.script.calls}, "it is held"
            for number in range(40):
                await die(exchange, f"m-{number}", "http-400", FIRST)
            kept = await die(exchange, "kept", "http-503", FIRST)
            end = 1 << 62
            await exchange.ledger.drop(Old(end, end), Old(0, 0), 10)
            now = exchange.clock.now()
            row = ANN.did(now, "pause", FIRST, "done")
            await exchange.receiver_states.pause(FIRST, now, "moving", row)
            job = await exchange.letter_jobs.begin("skip", DeadFilter(reason="http-400"), 10, ANN)
            assert job.matched == 41
            with pytest.raises(JobRunning):
                await exchange.letter_jobs.begin("resend", DeadFilter(), 10, ANN)
            job = await ended(running)
            assert (job.state, job.handled, job.left, job.action) == ("done", 41, 0, "skip")
            assert 3 <= (job.ended_at - job.began_at) / 1000 <= 6, "at the rate"
            assert [each.delivery.id for each in await exchange.ledger.dead(10)] == [kept]
            now = exchange.clock.now()
            await exchange.receiver_states.resume(FIRST, now, ANN.did(now, "resume", FIRST, "done"))
            await running.settled()
            assert running.script.taken == [(FIRST, "after")]
            totals = await exchange.ledger.totals(("kind",))
            assert {kind: number for (kind,), number, _, _ in totals}["skipped"] == 41
            rows = [row for _, row in await exchange.ledger.audited(50)]
            ends = [row.outcome for row in rows if row.what == "skip-by-filter"]
            assert ends == ["done: 41 skipped, 0 left", "41 match, 10 a second"]
            assert sum(row.what == "skip" for row in rows) == 41

    run(main())


def test_who_is_sent_again_after_its_deadline_has_its_whole_time_again(tmp_path: Path) -> None:
    """Also while its receiver fails: it would die at once otherwise."""

    async def main() -> None:
        down = True

        async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
            return Reply(503 if down else 200)

        async with virtual(tmp_path, Script(answer), deadline_seconds=HOUR) as running:
            messages = [await running.send("loose"), await running.send("tied", conversation="c")]
            await running.exchange.clock.sleep(1.1 * HOUR)
            assert {(await running.state(each))[0] for each in messages} == {"dead"}
            dead = [each.delivery.id for each in await running.exchange.ledger.dead(10)]
            await running.exchange.mailboxes.resend(dead, ANN)
            await running.exchange.clock.sleep(0.8 * HOUR)
            assert {(await running.state(each))[0] for each in messages} == {"waiting"}
            down = False
            await running.exchange.clock.sleep(120)
            assert {(await running.state(each))[0] for each in messages} == {"delivered"}
            down = True
            again = await running.send("late")
            await running.exchange.clock.sleep(2.1 * HOUR)
            assert (await running.state(again))[0] == "dead"

    run(main())


def test_a_letter_whose_body_is_forgotten_is_not_sent_again_empty(tmp_path: Path) -> None:
    async def main() -> None:
        async with virtual(tmp_path, Script()) as running:
            exchange = running.exchange
            dead = await die(exchange, "old", "http-503")
            end = 1 << 62
            assert (await exchange.ledger.drop(Old(end, end), Old(0, 0), 10)).bodies == 1
            told = await exchange.mailboxes.resend([dead, 7], ANN)
            assert told.resent == []
            assert "body is forgotten" in told.refused[dead]
            assert told.refused[7] == "no dead letter has that id"
            job = await exchange.letter_jobs.begin("resend", DeadFilter(), 10, ANN)
            assert job.matched == 0
            assert (await ended(running)).state == "done"
            assert not running.script.calls

    run(main())


async def test_a_job_that_one_worker_begins_another_one_runs(tmp_path: Path) -> None:
    script = Script()
    made = channel()
    workers = [
        Exchange(
            Settings(
                storage={"url": f"sqlite:///{tmp_path / 'exchange.db'}"},  # type: ignore[arg-type]
                server={"workers": 2},  # type: ignore[arg-type]
                deliveries={"poll_seconds": 0.05},  # type: ignore[arg-type]
            ),
            worker=number,
            channels={made.name: made},
            transport=script,
        )
        for number in range(2)
    ]
    for each in workers:
        await each.open()
    for number in range(10):
        await die(workers[1], f"m-{number}", "http-503")
    await workers[1].letter_jobs.begin("resend", DeadFilter(), 1000, ANN)
    async with asyncio.timeout(20):
        while True:
            job = await workers[1].letter_jobs.newest()
            if job is not None and job.state == "done" and len(script.taken) == 10:
                break
            await asyncio.sleep(0.02)
    assert job.handled == 10
    for each in reversed(workers):
        await each.close()
    assert not [check for check in verify(workers[0].ledger.path).checks if check.broken]

"""Dead letters sent again, or skipped, by a filter at a rate: one job at a time, kept in the ledger
under a key, so that every worker can begin, show and stop it, and worker 0 goes on with it after a
restart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Literal

from exchange.errors import JobRunning
from exchange.journey.mailbox.fetch import Mailboxes
from exchange.ports import Actor, Clock, Ledger, Operator, Remember
from exchange.ports.dead_letters import DeadLetters
from exchange.ports.receiver_states import Receivers
from exchange.ports.rows import DeadFilter
from exchange.schemas.value import value

#: Where the job is kept: it is nobody's message, so what remembers it is no channel.
ROOM, KEY = "operators", "letters"
#: How often something is done to some of them, and how often it is looked whether a job was begun,
#: in seconds.
STEP_SECONDS, JOB_EVERY_SECONDS = 0.2, 1.0
#: Most that something is done to at once, however late a step comes.
STEP_MAX = 1000
PER_SECOND_MAX = 5000

#: What a job does to letters: sends them again, or gives them up.
Action = Literal["resend", "skip"]
#: The same of those that it was done to.
DONE: dict[Action, str] = {"resend": "resent", "skip": "skipped"}


@value
class LetterJob:
    """A job. `matched` is how many dead letters it was begun for, `handled` to how many it has done
    what it does, `left` those that it passed over since their receivers were failing or paused.
    `state` is `running`, `done` or `stopped`, `why` says what stopped it. Times are in
    milliseconds.
    """

    action: Action
    wanted: DeadFilter
    per_second: float
    operator: str
    role: str
    address: str
    began_at: int
    matched: int
    handled: int = 0
    left: int = 0
    #: The dead letters up to this id have been seen to.
    after: int = 0
    state: str = "running"
    why: str = ""
    ended_at: int = 0

    @property
    def actor(self) -> Actor:
        """Who began it."""
        return Actor(Operator(self.operator, self.role), self.address)


class LetterJobs:
    """Begins, shows, stops and, in the worker that calls `run` again and again, runs the job."""

    def __init__(
        self,
        ledger: Ledger,
        dead_letters: DeadLetters,
        mailboxes: Mailboxes,
        receivers: Receivers,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._dead_letters = dead_letters
        self._mailboxes = mailboxes
        self._receivers = receivers
        self._clock = clock

    async def newest(self) -> LetterJob | None:
        """The job that runs, or else the last one that ran."""
        job, _ = await self._read()
        return job

    async def begin(
        self, action: Action, wanted: DeadFilter, per_second: float, actor: Actor
    ) -> LetterJob:
        """Begin to send again, or to skip, what matches now; nothing is done to what dies from now
        on.

        Raises:
            JobRunning: when one runs already.
        """
        running, version = await self._read()
        now = self._clock.now()
        some = await self._dead_letters.receivers(wanted, now, action == "resend")
        matched = sum(some.values())
        job = LetterJob(
            action=action,
            wanted=wanted,
            per_second=per_second,
            operator=actor.operator.name,
            role=actor.operator.role,
            address=actor.address,
            began_at=now,
            matched=matched,
        )
        if (running and running.state == "running") or not await self._keep(job, version):
            raise JobRunning(
                "dead letters are being sent again or skipped by a filter already: wait for its "
                "end, or stop it"
            )
        outcome = f"{matched} match, {per_second:g} a second"
        await self._ledger.audit([actor.did(now, f"{action}-by-filter", _told(wanted), outcome)])
        return job

    async def stop_job(self, actor: Actor) -> LetterJob | None:
        """Stop the job that runs; what it did stays done. None when none runs."""
        while True:
            job, version = await self._read()
            if job is None or job.state != "running":
                return None
            now = self._clock.now()
            why = f"stopped by {actor.operator.name}"
            stopped = replace(job, state="stopped", why=why, ended_at=now)
            if await self._keep(stopped, version):
                outcome = f"{job.handled} were {DONE[job.action]}"
                row = actor.did(now, f"{job.action}-stop", _told(job.wanted), outcome)
                await self._ledger.audit([row])
                return stopped

    async def run(self) -> None:
        """Do what the job that runs is to do, at its rate, to its end; also what an earlier process
        had begun.
        """
        allowed, looked_at = 0.0, self._clock.now()
        while True:
            job, version = await self._read()
            if job is None or job.state != "running":
                return
            now = self._clock.now()
            # (The clock may have stepped, either way.)
            passed_seconds = min(max(0, now - looked_at), 1000 * JOB_EVERY_SECONDS) / 1000
            allowed, looked_at = min(allowed + job.per_second * passed_seconds, STEP_MAX), now
            if allowed >= 1:
                later = await self._step(job, int(allowed))
                allowed -= later.handled - job.handled
                await self._keep(later, version)
            await self._clock.sleep(STEP_SECONDS)

    async def _step(self, job: LetterJob, most: int) -> LetterJob:
        """Do it to the next ones; the job afterwards. Nothing is sent again to receivers that fail
        or are paused, and a skip calls nobody.
        """
        resends = job.action == "resend"
        some = await self._receivers.all() if resends else ()
        stopped = [each for each in some if each.state != "up"]
        ids = await self._dead_letters.matching(
            wanted=job.wanted,
            after=job.after,
            until=job.began_at,
            without=[each.receiver for each in stopped],
            resendable=resends,
            most=most,
        )
        if ids:
            if resends:
                done = (await self._mailboxes.resend(ids, job.actor)).resent
            else:
                done = await self._mailboxes.skip(ids, job.actor)
            return replace(job, after=ids[-1], handled=job.handled + len(done))
        left = await self._dead_letters.receivers(job.wanted, job.began_at, resends)
        whys = [
            f"{each.receiver} is {each.state} ({each.reason})"
            for each in stopped
            if each.receiver in left
        ]
        if left and not whys:
            whys = [f"{receiver} was failing or paused" for receiver in left]
        now, state = self._clock.now(), "stopped" if left else "done"
        ended = replace(
            job, left=sum(left.values()), state=state, why="; ".join(whys[:5]), ended_at=now
        )
        outcome = f"{state}: {ended.handled} {DONE[job.action]}, {ended.left} left"
        row = job.actor.did(now, f"{job.action}-by-filter", _told(job.wanted), outcome)
        await self._ledger.audit([row])
        return ended

    async def _read(self) -> tuple[LetterJob | None, int]:
        found = (await self._ledger.recall(ROOM, [KEY])).get(KEY)
        if found is None:
            return None, 0
        kept = dict(found.value)
        return LetterJob(**{**kept, "wanted": DeadFilter(**kept["wanted"])}), found.version

    async def _keep(self, job: LetterJob, version: int) -> bool:
        """Whether it was kept: nobody else changed it meanwhile."""
        kept = {**asdict(job), "wanted": job.wanted._asdict()}
        return await self._ledger.note(ROOM, [Remember(KEY, kept, version)])


def _told(wanted: DeadFilter) -> str:
    """A filter in the audit log."""
    said: Sequence[str] = [f"{name}={each}" for name, each in wanted._asdict().items() if each]
    return " ".join(said) or "every dead letter"

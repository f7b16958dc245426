"""Dead letters sent again by a filter, at a rate: one job at a time, kept in the ledger under a key,
so that every worker can begin, show and stop it, and worker 0 goes on with it after a restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, replace

import structlog

from exchange.errors import JobRunning, LedgerClosed, LedgerUnavailable
from exchange.journey.mailbox.fetch import Mailboxes
from exchange.ports import Actor, Clock, Ledger, Operator, Remember
from exchange.ports.dead_letters import DeadLetters
from exchange.ports.receivers import Receivers
from exchange.ports.rows import DeadFilter
from exchange.schemas.value import value

log = structlog.get_logger(__name__)

#: Where the job is kept: it is nobody's message, so what remembers it is no channel.
ROOM, KEY = "operators", "resend"
#: How often some are sent again, and how often it is looked whether a job was begun, in seconds.
STEP_SECONDS, LOOK_SECONDS = 0.2, 1.0
#: Most that are sent again at once, however late a step comes.
STEP_MAX = 1000
PER_SECOND_MAX = 5000


@value
class ResendJob:
    """A job. `matched` is how many dead letters it was begun for, `resent` how many it has sent
    again, `left` those that it passed over since their receivers were failing or paused. `state` is
    `running`, `done` or `stopped`, `why` says what stopped it. Times are in milliseconds.
    """

    wanted: DeadFilter
    per_second: float
    operator: str
    role: str
    address: str
    began_at: int
    matched: int
    resent: int = 0
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


class ResendJobs:
    """Begins, shows, stops and, where it is started, runs the job."""

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
        self._task: asyncio.Task[None] | None = None

    async def newest(self) -> ResendJob | None:
        """The job that runs, or else the last one that ran."""
        job, _ = await self._read()
        return job

    async def begin(self, wanted: DeadFilter, per_second: float, actor: Actor) -> ResendJob:
        """Begin to send again what matches now; what dies from now on is not sent again.

        Raises:
            JobRunning: when one runs already.
        """
        running, version = await self._read()
        now = self._clock.now()
        matched = sum((await self._dead_letters.receivers(wanted, now)).values())
        job = ResendJob(
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
                "dead letters are being sent again by a filter already: wait for its end, or stop it"
            )
        outcome = f"{matched} match, {per_second:g} a second"
        await self._ledger.audit([actor.did(now, "resend-by-filter", _told(wanted), outcome)])
        return job

    async def stop_job(self, actor: Actor) -> ResendJob | None:
        """Stop the job that runs; what was sent again stays so. None when none runs."""
        while True:
            job, version = await self._read()
            if job is None or job.state != "running":
                return None
            now = self._clock.now()
            why = f"stopped by {actor.operator.name}"
            stopped = replace(job, state="stopped", why=why, ended_at=now)
            if await self._keep(stopped, version):
                row = actor.did(now, "resend-stop", _told(job.wanted), f"{job.resent} were resent")
                await self._ledger.audit([row])
                return stopped

    def start(self) -> None:
        """Run what is to be run, also what an earlier process had begun."""
        self._task = asyncio.create_task(self._run(), name="resend-job")

    async def stop(self) -> None:
        """Run it no more; the next start goes on."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        allowed, looked_at = 0.0, self._clock.now()
        while True:
            running = False
            try:
                job, version = await self._read()
                now = self._clock.now()
                if job is None or job.state != "running":
                    allowed = 0.0
                else:
                    running = True
                    # (The clock may have stepped, either way.)
                    passed_seconds = min(max(0, now - looked_at), 1000 * LOOK_SECONDS) / 1000
                    allowed = min(allowed + job.per_second * passed_seconds, STEP_MAX)
                    if allowed >= 1:
                        later = await self._step(job, int(allowed))
                        allowed -= later.resent - job.resent
                        await self._keep(later, version)
                looked_at = now
            except LedgerClosed:
                return
            except LedgerUnavailable as error:
                log.warning("dead letters not sent again", why=str(error))
            except Exception:  # the next look may go well
                log.exception("dead letters not sent again")
            await self._clock.sleep(STEP_SECONDS if running else LOOK_SECONDS)

    async def _step(self, job: ResendJob, most: int) -> ResendJob:
        """Send the next ones again, but to receivers that fail or are paused; the job afterwards."""
        stopped = [each for each in await self._receivers.all() if each.state != "up"]
        ids = await self._dead_letters.resendable(
            job.wanted, job.after, job.began_at, [each.receiver for each in stopped], most
        )
        if ids:
            resent = (await self._mailboxes.resend(ids, job.actor)).resent
            return replace(job, after=ids[-1], resent=job.resent + len(resent))
        left = await self._dead_letters.receivers(job.wanted, job.began_at)
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
        outcome = f"{state}: {ended.resent} resent, {ended.left} left"
        row = job.actor.did(now, "resend-by-filter", _told(job.wanted), outcome)
        await self._ledger.audit([row])
        return ended

    async def _read(self) -> tuple[ResendJob | None, int]:
        found = (await self._ledger.recall(ROOM, [KEY])).get(KEY)
        if found is None:
            return None, 0
        kept = dict(found.value)
        return ResendJob(**{**kept, "wanted": DeadFilter(**kept["wanted"])}), found.version

    async def _keep(self, job: ResendJob, version: int) -> bool:
        """Whether it was kept: nobody else changed it meanwhile."""
        kept = {**asdict(job), "wanted": job.wanted._asdict()}
        return await self._ledger.note(ROOM, [Remember(KEY, kept, version)])


def _told(wanted: DeadFilter) -> str:
    """A filter in the audit log."""
    said: Sequence[str] = [f"{name}={each}" for name, each in wanted._asdict().items() if each]
    return " ".join(said) or "every dead letter"

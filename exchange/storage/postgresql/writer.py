"""The one writer of a node: commits in groups whatever waits, each group while the next one
gathers; what a commit does to the tables lives in `storage.group`.

Nodes take turns: each transaction first waits for the lock `WRITING`, as on SQLite it waits for the
file. So positions, events and links of the chain rise in the order of commits over all nodes.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Any

import structlog
from sqlalchemy.util import greenlet_spawn

from exchange.errors import LedgerClosed, LedgerError, LedgerLost, LedgerUnavailable
from exchange.storage.group import Change, Committed, Job, resolve, told_to_nobody, write_group
from exchange.storage.ownership import Ownership
from exchange.storage.postgresql.owner import Owner
from exchange.storage.postgresql_server.address import Server
from exchange.storage.proof.chain import Link, newest

log = structlog.get_logger(__name__)

#: Where the last group was of so many jobs or more, others are on their way: fewer than that many
#: are waited for so long (seconds), since a commit costs as much for one as for many. As
#: `commit_delay` and `commit_siblings` do: PostgreSQL's documentation, 19.5.1 "Settings" of WAL.
SIBLINGS, GATHERED_MAX, GATHER_SECONDS = 8, 64, 0.005
#: How often a ledger that said no is tried again at most, however many ask, in seconds.
PROBE_SECONDS = 0.2
#: How long whoever asks waits for it: a server may take its time to say no.
ASKED_SECONDS = 1.0


class ServerWriter:
    """Owns the writing session. `submit` is called from one event loop; the result comes after the
    commit.
    """

    def __init__(self, server: Server, group_max: int, level: int, durable: bool) -> None:
        self._server = server
        self._group_max = group_max
        self._level = level
        self._durable = durable
        self._jobs: deque[Job] = deque()
        self._task: asyncio.Task[None] | None = None
        self._probing: asyncio.Future[None] | None = None
        #: Held while the session is used, by a group or by a probe.
        self._turn = asyncio.Lock()
        self._owner: Owner | None = None
        #: The newest link of its chain; None: to be read anew.
        self._link: Link | None = None
        #: Of how many jobs the last group was.
        self._together = 0
        #: Why nothing can be written just now; empty when it can.
        self.why = ""
        self._written_at = self._probed_at = 0.0
        #: Set when another process has become this node, or the server has an older state of the
        #: ledger: nothing more is written. By what.
        self.lost = asyncio.Event()
        self.loss: LedgerLost | None = None
        self.committed: Committed = told_to_nobody

    async def start(self, node: int | None, name: str, since: int) -> Ownership:
        """Own the node (None: any that is free), claim its next epoch and begin its chain.

        Raises:
            Owned: when another process owns the node.
            LedgerError: when it can't be written.
        """
        self._owner = Owner(self._server, self._durable)
        ownership = await self._owner.begin(node, name, since)
        self.why = ""
        self.lost, self.loss = asyncio.Event(), None
        return ownership

    async def stop(self) -> None:
        """Commit what waits, then end the session, and with it the ownership."""
        while self._task is not None:
            await asyncio.wait([self._task])
        async with self._turn:
            owner, self._owner = self._owner, None
            if owner is not None:
                await owner.end()

    def submit(self, what: Change) -> asyncio.Future[Any]:
        """A future that resolves after the commit of `what`.

        Raises:
            LedgerClosed: when the ledger is not open.
            LedgerUnavailable: at once, while it can't be written.
        """
        if self._owner is None:
            raise LedgerClosed("the ledger is not open")
        if self.why:
            raise self._refusal()
        loop = asyncio.get_running_loop()
        job = Job(what, loop.create_future())
        self._jobs.append(job)
        if self._task is None:
            self._task = loop.create_task(self._commit_all())
        return job.future

    async def check(self, within_seconds: float | None = None) -> str:
        """Why nothing can be written; empty when it can. Where the ledger said no before, or (with
        `within_seconds`) where nothing was written for as long, it is tried.
        """
        if self._owner is None:
            return "the ledger is not open"
        now = asyncio.get_running_loop().time()
        idle = within_seconds is not None and now - self._written_at > within_seconds
        if self.lost.is_set() or not (self.why or idle):
            return self.why
        if now - self._probed_at < PROBE_SECONDS or self._turn.locked():
            return self.why
        self._probed_at = now
        self._probing = asyncio.ensure_future(self._commit([]))
        await asyncio.wait([self._probing], timeout=ASKED_SECONDS)
        if self.why or self._probing.done():
            return self.why
        return f"the ledger {self._server} does not answer"

    def _refusal(self) -> LedgerUnavailable:
        return (type(self.loss) if self.loss is not None else LedgerUnavailable)(self.why)

    async def _commit_all(self) -> None:
        """Commit groups until nothing waits."""
        try:
            while self._jobs:
                if self._together >= SIBLINGS and len(self._jobs) < GATHERED_MAX:
                    await asyncio.sleep(GATHER_SECONDS)
                # While a turn of the loop brings more, more may be coming: one commit for it all.
                seen = 0
                while seen < len(self._jobs) < self._group_max:
                    seen = len(self._jobs)
                    await asyncio.sleep(0)
                group = [self._jobs.popleft() for _ in range(min(len(self._jobs), self._group_max))]
                self._together = len(group)
                await self._commit(group)
        finally:
            self._task = None

    async def _commit(self, group: list[Job]) -> None:
        """Commit a group; if it fails, each job alone, so that one bad job harms nobody else."""
        if self.lost.is_set():
            resolve(group, self._refusal())
            return
        try:
            async with self._turn:
                await self._transact(group)
        except LedgerUnavailable as error:
            self._refuse(error)
            resolve(group, error)
        except Exception as error:
            if len(group) <= 1:
                resolve(group, error)
                return
            for job in group:
                await self._commit([job])
        else:
            self._written_at = asyncio.get_running_loop().time()
            if self.why:
                log.warning("the ledger can be written again: deliveries go on")
                self.why = ""
            resolve(group, None)

    async def _transact(self, group: list[Job]) -> None:
        owner = self._owner
        if owner is None:
            raise LedgerClosed("the ledger is not open")
        number = await owner.begin_transaction()
        try:
            written = await greenlet_spawn(self._write, owner, group)
        except LedgerUnavailable:
            # Who does not answer would not answer that either.
            self._link = None
            await owner.drop()
            raise
        except BaseException:
            self._link = None
            await owner.roll_back()
            raise
        self._link = None
        began = time.perf_counter()
        await owner.commit(number)
        self._link = written
        if group:  # else it was a probe
            self.committed(len(group), time.perf_counter() - began)

    def _write(self, owner: Owner, group: list[Job]) -> Link:
        session, own = owner.session, owner.ownership
        link = self._link or newest(session, own.node, own.epoch)
        if not group:
            return link
        with session.putting_off():
            return write_group(session, group, self._level, link, owner.given)

    def _refuse(self, error: LedgerError) -> None:
        if not self.why:
            log.error("the ledger can't be written: calls get 503, deliveries wait", why=str(error))
        self.why = str(error)
        if isinstance(error, LedgerLost):
            self.loss = error
            self.lost.set()

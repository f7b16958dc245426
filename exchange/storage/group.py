"""A group of changes as one transaction: messages, settlements, memory, anything else, with the
counters and the link of the chain; who begins and commits it is the writer's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from exchange.ports.ledger import Old, Record, Recorded, Remember, Settlement
from exchange.storage.commit import Memories, record_all, settle_all
from exchange.storage.connection import Connection
from exchange.storage.counters.sums import Totals
from exchange.storage.proof.chain import Additions, Given, Link
from exchange.storage.retention import drop_messages
from exchange.storage.search.persons import forget_persons

#: Told of each commit: how many jobs it was of, and how long the disk or the server took (seconds).
Committed = Callable[[int, float], None]


def told_to_nobody(jobs: int, seconds: float) -> None:
    """Where nobody measures commits."""


#: Any other change: it gets the connection, inside the group's transaction.
Work = Callable[[Connection], Any]


@dataclass(slots=True)
class Note:
    """What a channel wants to remember without a message, or later than the one with which it is
    forgotten (0: none); the result is the stale keys. Without one `then` is done with it.
    """

    channel: str
    entries: Sequence[Remember]
    message_id: int = 0
    then: Work | None = None


@dataclass(slots=True)
class Drop:
    """Up to `most` old messages that are forgotten, and persons named in messages with ids below
    `persons_before`; the result is what went.
    """

    old: Old
    most: int
    persons_before: int


#: What is committed.
Change = Record | Settlement | Note | Drop | Work


@dataclass(slots=True, eq=False)
class Job:
    """A change that waits for its commit, and who waits for it."""

    what: Change
    future: asyncio.Future[Any]
    result: Any = None


def write_group(
    connection: Connection, group: Sequence[Job], level: int, link: Link, before: Given
) -> Link:
    """Do what the jobs of a group want, inside the caller's transaction, which comes after what was
    given `before`, and put it into the chain after `link`; the newest link then. Each job has its
    result.
    """
    totals, additions = Totals(), Additions(before)
    records = [job for job in group if isinstance(job.what, Record)]
    settlements = [job for job in group if isinstance(job.what, Settlement)]
    if records:
        given = [job.what for job in records]
        _keep(records, record_all(connection, given, level, totals, additions))  # type: ignore[arg-type]
    if settlements:
        ended = [job.what for job in settlements]
        _keep(settlements, settle_all(connection, ended, level, totals, additions))  # type: ignore[arg-type]
    for job in group:
        if isinstance(job.what, Note):
            job.result = _note(connection, job.what, additions)
        elif isinstance(job.what, Drop):
            dropped = job.what
            forget_persons(connection, dropped.persons_before)
            job.result = drop_messages(connection, dropped.old, dropped.most, additions)
        elif not isinstance(job.what, (Record, Settlement)):
            job.result = job.what(connection)
    totals.write(connection)
    return additions.write(connection, link, alone=all(_adds_alone(job.what) for job in group))


def _adds_alone(what: Change) -> bool:
    """Whether a change stores events by `Additions` alone."""
    return isinstance(what, Record) or (isinstance(what, Settlement) and what.audit is None)


def _note(connection: Connection, noted: Note, additions: Additions) -> list[str]:
    """Remember, and do what goes with it; the stale keys."""
    memories = Memories(connection, [(noted.channel, each.key) for each in noted.entries])
    stale = memories.remember(noted.channel, noted.entries, additions, noted.message_id)
    memories.write(connection)
    if noted.then is not None and not stale:
        noted.then(connection)
    return stale


def _keep(jobs: Sequence[Job], results: Sequence[Recorded | bool]) -> None:
    for job, result in zip(jobs, results, strict=True):
        job.result = result


def resolve(group: Sequence[Job], error: BaseException | None) -> None:
    """Tell who waits for the jobs of a group, once it is committed or has failed."""
    for job in group:
        if job.future.done():
            continue
        if error is not None:
            job.future.set_exception(error)
        else:
            job.future.set_result(job.result)

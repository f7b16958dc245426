"""Proving the chain, in one view of the ledger or in several that go on from each other, and what
is to be known of it besides.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from exchange.ports.rows import MADE_AGAIN
from exchange.ports.verification import Check, Verification
from exchange.storage.connection import Connection, each
from exchange.storage.proof.chain import heads
from exchange.storage.proof.heads_file import Heads, heads_in, line_of
from exchange.storage.proof.progress import Progress, ProgressFile, now
from exchange.storage.proof.verify_links import Proof, prove_heads
from exchange.storage.proof.verify_operators import prove_audit, prove_operators, prove_paused
from exchange.storage.proof.views import View, readable


def prove_chain(
    view: View, head: Path | None, said: Heads | None, kept: ProgressFile, found: Verification
) -> list[Check]:
    """The checks of all commits that were not proved before, and of what all of them say together;
    `found` gets the heads and the notes.
    """
    before = heads_in(line.encode() for line in kept.progress.heads)
    note = _not_read_again(kept.progress)

    def proved(connection: Connection) -> list[Check]:
        """Go on; the checks, or none when more commits are to come."""
        proof = Proof(connection, kept.progress)
        if not _ended(proof, kept.events):
            return []
        checks = [*proof.checks, *_operators(connection), _head(connection, head, said, found)]
        if before.newest:
            found.notes.append(note)
            check, _ = prove_heads(connection, before)
            checks.append(replace(check, name="what was proved before is there still"))
        return checks

    checks: list[Check] = []
    while not checks:
        with view() as connection:
            checks = readable("the chain", partial(proved, connection))
        kept.progress.proved_at = now()
        kept.write()
    return checks


def _ended(proof: Proof, events: int | None) -> bool:
    """Prove about so many events more; whether there are no others, or none that can be read."""
    ended = True

    def prove() -> list[Check]:
        nonlocal ended
        ended = proof.prove_commits(events)
        if ended:
            proof.prove_rest()
        return []

    for check in readable("the chain", prove):
        proof.rows.breaks(check.examples[0])
    return ended


def _not_read_again(progress: Progress) -> str:
    return (
        f"commits up to event {progress.next_event - 1} (position {progress.last_position}) were "
        f"proved until {progress.proved_at} and not read again: what was done to their rows after "
        "that, only a run without --resume tells"
    )


def _operators(connection: Connection) -> list[Check]:
    return [prove_audit(connection), prove_operators(connection), prove_paused(connection)]


def _head(
    connection: Connection, head: Path | None, said: Heads | None, found: Verification
) -> Check:
    """Whether the ledger is behind its heads; `found` gets what is to be known besides."""
    links = heads(connection)
    found.heads = [line_of(link) for link in links]
    check = Check("the ledger is not behind its head")
    if said is not None:
        check, notes = prove_heads(connection, said)
        found.notes += notes
    elif head is None:
        found.notes.append("no heads that were kept elsewhere were given (--head)")
    elif any(link.epoch for link in links):
        check.breaks(f"there is no {head}: whether commits are lost can't be known without it")
    for number, made in each(
        connection,
        "SELECT delivery_id,COUNT(*) FROM event WHERE kind=? GROUP BY delivery_id",
        (MADE_AGAIN,),
    ):
        found.notes.append(f"delivery {number} was made {made + 1} times")
    return check

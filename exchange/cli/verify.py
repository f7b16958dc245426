"""`exchange verify`: prove the ledger: its file, its chain, its counters."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from exchange.assembly import ledger_address
from exchange.journey.count import REQUEST_KINDS
from exchange.ports.verification import Verification
from exchange.settings import load
from exchange.storage.proof.heads_file import head_path
from exchange.storage.proof.verify import verify as verify_ledger


def verify(
    ledger: Annotated[
        str | None, typer.Option(help="Address of the ledger (sqlite:///PATH, postgresql://...).")
    ] = None,
    head: Annotated[
        Path | None,
        typer.Option(
            help="A copy of the ledger's heads that was kept elsewhere.",
            show_default="the file beside the ledger",
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            help="Keep in this file how far the proof has come, and go on from there: commits that "
            "it says were proved are not read again.",
            show_default="all is read",
        ),
    ] = None,
) -> None:
    """Prove the ledger: its file is whole, nothing in it was changed, dropped or put in that no
    commit did, it is not behind its head, and every counter can be counted again. Exit code 0:
    clean; 1: not; 2: no ledger, or it can't be read just now.
    """
    where = ledger_address(load(), ledger)
    if isinstance(where, Path):
        require_ledger(where)
    console = Console(stderr=True, soft_wrap=True)
    try:
        with console.status("verifying"):
            verification = verify_ledger(where, head, resume)
    except KeyboardInterrupt:
        if resume is not None:
            console.print(f"broken off; with --resume {resume} it goes on", highlight=False)
        raise
    print(text(verification))
    if not verification.clean:
        raise typer.Exit(1)


def require_ledger(path: Path) -> None:
    """End with one line and exit code 2 where there is no ledger."""
    if path.exists():
        return
    known = head_path(path)
    lost = f", though {known} tells of one" if known.exists() else ""
    print(f"there is no ledger at {path}{lost}", file=sys.stderr)
    raise typer.Exit(2)


def text(verification: Verification) -> str:
    """The result for a person."""
    lines = []
    for check in verification.checks:
        lines.append(
            f"{'ok    ' if not check.broken else 'BROKEN'} {check.name}"
            + (f": {check.broken}" if check.broken else "")
        )
        lines += [f"         {example}" for example in check.examples]
    for channel, sums in sorted(verification.channels.items()):
        kinds = (
            "received",
            "accepted",
            "rejected",
            "duplicate",
            "queued",
            "delivered",
            "waiting",
        )
        told = [f"{kind} {sums.get(kind, 0)}" for kind in kinds]
        # Of all that there was: retention drops dead letters, and the sums must add up after it.
        dead = sums.get("dead-lettered", 0) - sums.get("resent", 0)
        told.append(f"dead-lettered {dead}")
        if requests := sum(sums.get(kind, 0) for kind in REQUEST_KINDS):
            told.append(f"requests {requests}")
        lines.append(f"  {channel}: " + ", ".join(told))
    lines += [f"note: {note}" for note in verification.notes]
    lines += [f"head: {head}" for head in verification.heads]
    lines.append("verify: clean" if verification.clean else "verify: BROKEN")
    return "\n".join(lines)

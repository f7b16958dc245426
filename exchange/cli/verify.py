"""`exchange verify`: prove the counters by recounting the ledger."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from exchange.assembly import ledger_path
from exchange.settings import load
from exchange.storage.verify import Verification
from exchange.storage.verify import verify as verify_ledger


def verify(
    ledger: Annotated[
        str | None, typer.Option(help="Address of the ledger (sqlite:///PATH).")
    ] = None,
) -> None:
    """Recount every counter from messages, deliveries and events. Exit code 0: clean; 1: not; 2: no
    ledger.
    """
    path = ledger_path(load(), ledger)
    if not path.exists():
        Console(stderr=True).print(f"there is no ledger at {path}", highlight=False, soft_wrap=True)
        raise typer.Exit(2)
    with Console(stderr=True).status("recounting"):
        verification = verify_ledger(path)
    print(text(verification))
    if not verification.clean:
        raise typer.Exit(1)


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
            "dead",
        )
        lines.append(f"  {channel}: " + ", ".join(f"{kind} {sums.get(kind, 0)}" for kind in kinds))
    lines.append("verify: clean" if verification.clean else "verify: BROKEN")
    return "\n".join(lines)

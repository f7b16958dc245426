"""`exchange restore`: put a backup where there is no ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from exchange.assembly import ledger_path
from exchange.cli.verify import text
from exchange.errors import LedgerError
from exchange.settings import load
from exchange.storage.copies import restore_backup


def restore(
    file: Annotated[Path, typer.Argument(help="The backup.")],
    ledger: Annotated[
        str | None, typer.Option(help="Address of the ledger (sqlite:///PATH).")
    ] = None,
    head: Annotated[
        Path | None, typer.Option(help="A copy of the ledger's heads that was kept elsewhere.")
    ] = None,
) -> None:
    """Verify a backup and put it where there is no ledger. It must not be behind the heads that
    stand there already: whoever accepts that loss moves that file away first. Exit code 0: done; 1:
    the backup is not clean; 2: nothing to restore, or no place for it.
    """
    path = ledger_path(load(), ledger, "pg_restore or the server's own backup puts it back")
    for each in (file, head):
        if each is not None and not each.exists():
            raise LedgerError(f"there is no {each}; name a file that `exchange backup` wrote")
    with Console(stderr=True).status("verifying and copying"):
        verification = restore_backup(file, path, head)
    print(text(verification))
    if not verification.clean:
        print(f"restore: nothing was put at {path}")
        raise typer.Exit(1)
    print(f"restore: {file} is now the ledger at {path}")

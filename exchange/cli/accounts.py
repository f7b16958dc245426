"""The operators in the ledger, for the commands that change them; the ledger may be in use."""

from __future__ import annotations

import getpass
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from exchange.assembly import ledger_of
from exchange.ports import Actor, Operator
from exchange.settings import Settings
from exchange.storage.operators.accounts import LedgerOperators

#: The node number of commands that write beside a serving exchange, whose workers count from 0.
COMMAND_NODE = 1023


@asynccontextmanager
async def operators_of(settings: Settings) -> AsyncIterator[tuple[LedgerOperators, Actor]]:
    """The operators in the ledger of the settings, and who changes them here: the account that runs
    the command line, which may since it can write the ledger.
    """
    ledger = ledger_of(settings, COMMAND_NODE, "exchange operators")
    await ledger.open()
    try:
        yield LedgerOperators(ledger), Actor(Operator(_account(), "admin"), "command line")
    finally:
        await ledger.close()


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return f"uid {os.getuid()}"

"""Errors of asyncpg and of the network about a ledger on PostgreSQL, turned into the exchange's
own: one line that says what is wrong with which server.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from exchange.errors import LedgerDamaged, LedgerError, LedgerUnavailable

#: Classes of SQLSTATE that are not about what was asked, and what each means.
#: Source: "PostgreSQL Error Codes", PostgreSQL's documentation, appendix A.
MEANINGS = {
    "08": "the connection failed",
    "28": "this user may not connect",
    "3D": "there is no such database",
    "40": "the transaction was ended by the server",
    "42501": "this user may not",
    "42P01": "its tables are gone",
    "53": "it has no room left",
    "53300": "it takes no more sessions (max_connections, or the user's or database's own limit)",
    "55": "another process holds it",
    "55000": "it is not ready for that",
    "57": "it ends, or ended what was asked",
    "58": "its machine failed",
    "25006": "it may only be read: a standby, or it was made one",
    "25P03": "it waited too long for the rest of a transaction",
    "25P04": "a transaction lasted too long",
    "XX": "it failed",
}
#: What pgbouncer says to a setting that it does not pass on (SQLSTATE 08P01).
_NOT_PASSED_ON = "unsupported startup parameter"
#: Pages or indexes that are broken.
DAMAGES = ("XX001", "XX002")


def pooled(address: str) -> LedgerError:
    """That what answers is no server: a session must be the ledger's alone, for it holds locks."""
    return LedgerError(
        f"the ledger {address}: a pooler (pgbouncer, say) stands before the server; name the "
        "server itself: sessions hold locks, which a pooler in transaction mode gives to others"
    )


def ledger_error(address: str, error: Exception) -> Exception:
    """What was raised, as one line about the ledger at `address`.

    `LedgerDamaged` and `LedgerUnavailable` are about the ledger, a plain `LedgerError` is about
    what was asked of it. What neither asyncpg nor the network raised is given back.
    """
    if isinstance(error, LedgerError):
        return error
    # (What SQLAlchemy raised, which migrates, was raised by its driver from what asyncpg raised.)
    error = getattr(getattr(error, "orig", None), "__cause__", None) or error
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        # Its first line: the detail after it may repeat what a message says.
        said = str(error).partition("\n")[0]
        if state in DAMAGES:
            return LedgerDamaged(f"the ledger {address}: it is damaged: restore a backup ({said})")
        if _NOT_PASSED_ON in said:
            return pooled(address)
        meaning = MEANINGS.get(state) or MEANINGS.get(state[:2])
        if meaning is not None:
            return LedgerUnavailable(f"the ledger {address}: {meaning} ({said})")
        return LedgerError(f"the ledger {address} can't do what was asked: {said}")
    if isinstance(error, OSError):
        return LedgerUnavailable(f"the ledger {address}: {error.strerror or error or 'no answer'}")
    if type(error).__name__ == "TargetServerAttributeNotMatched":
        return LedgerUnavailable(f"the ledger {address}: {MEANINGS['25006']}, as each host is")
    if type(error).__module__.startswith("asyncpg."):
        # What it can't send (a value of another type) is about what was asked; the rest of what it
        # says by itself is about the connection.
        kind = LedgerError if isinstance(error, ValueError) else LedgerUnavailable
        said = str(error).partition("\n")[0]
        return kind(f"the ledger {address}: {said}")
    return error


@contextmanager
def as_ledger_errors(address: str) -> Iterator[None]:
    """Raise what goes wrong inside as one line about the ledger at `address`.

    Raises:
        LedgerError: for all that `ledger_error` knows.
    """
    try:
        yield
    except Exception as error:
        said = ledger_error(address, error)
        if said is error:
            raise
        raise said from error

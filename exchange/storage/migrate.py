"""Bringing a database to the newest revision at start; the revisions themselves stand in
`migrations/`.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.clocks import WallClock
from exchange.errors import LedgerDamaged, LedgerError
from exchange.storage.health.errors import as_ledger_errors
from exchange.storage.ownership import own

if TYPE_CHECKING:
    import sqlalchemy
    from alembic.config import Config

MIGRATIONS = Path(__file__).with_name("migrations")
#: What the migrations make of nothing, as a text, so that a new ledger need not wait for them; a
#: test holds it against them.
NEW_LEDGER = Path(__file__).with_name("ledger.sql")


def migrate_sqlite(path: Path, owned: bool = False, create: bool = True) -> None:
    """Create or upgrade the ledger file at `path`; safe when several workers start at once.

    Only its owner may upgrade it: who is not (`owned`) becomes it meanwhile. Without `create`,
    a file that holds nothing is no ledger.

    Raises:
        LedgerError: in one line, when it is no ledger, damaged, of a newer version, or can't be
            written.
        Owned: when it must be upgraded and another process owns it.
    """
    with as_ledger_errors(path):
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
        found = revision(path)
        if found == newest_revision():
            return
        if not found and not create:
            raise LedgerError(f"the ledger {path} holds nothing; `exchange serve` makes one")
        with path.with_name(path.name + ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists() or not path.stat().st_size:
                _create(path)
            if revision(path) != newest_revision():
                held = None if owned else own(path, "an upgrade", WallClock().now())
                try:
                    upgrade(path)
                finally:
                    if held is not None:
                        held.release()


def newest_revision() -> str:
    """The revision that this version of the product wants: the number that the newest migration's
    file name begins with.
    """
    return max(file.name for file in (MIGRATIONS / "versions").rglob("[0-9]*.py")).partition("_")[0]


def revision(path: Path) -> str:
    """The revision of the ledger file; empty when there is nothing in it yet.

    Raises:
        LedgerError: when it is no ledger, or one of a newer version.
        sqlite3.Error, OSError: when it can't be read.
    """
    if path.is_dir():
        raise LedgerError(f"the ledger {path} is a directory: name a file in it")
    if not path.exists() or not path.stat().st_size:
        log = path.with_name(path.name + "-wal")
        if log.exists() and log.stat().st_size:
            raise LedgerDamaged(
                f"the ledger {path} is {'empty' if path.exists() else 'gone'}, and {log.name} "
                "beside it holds what was written last: restore a backup, or move that file away"
            )
        return ""
    with closing(sqlite3.connect(path, timeout=30.0)) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        if not names:
            return ""
        if not {"alembic_version", "message"} <= names:
            raise LedgerError(
                f"{path} is a database, but no ledger: it has other tables; name another file"
            )
        found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    known = str(found[0]) if found else ""
    if known > newest_revision():
        raise LedgerError(
            f"the ledger {path} is of a newer version (revision {known}): this one knows "
            f"revisions up to {newest_revision()}: use the newer version"
        )
    return known


def _create(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        tables = NEW_LEDGER.read_text(encoding="utf-8")
        connection.executescript(
            f"BEGIN;\n{tables}\nPRAGMA user_version={new_identity()};\nCOMMIT;"
        )


def new_identity() -> int:
    """A number by which a ledger's file is told from another's, in its header as `user_version`."""
    return int.from_bytes(os.urandom(3)) + 1


def as_text(path: Path) -> str:
    """The tables and indexes of a ledger as statements, with its revision: what `ledger.sql` says
    of the newest.
    """
    with closing(sqlite3.connect(path)) as connection:
        statements = connection.execute(
            "SELECT sql FROM sqlite_master WHERE sql NOT NULL ORDER BY type DESC,name"
        ).fetchall()
    texts = [" ".join(statement.split()) + ";" for (statement,) in statements]
    return "\n".join(
        [*texts, f"INSERT INTO alembic_version(version_num) VALUES ('{revision(path)}');", ""]
    )


def configured(connection: sqlalchemy.Connection) -> Config:
    """Alembic's settings for our migrations, which lie in folders by release, on a connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("recursive_version_locations", "true")
    config.attributes["connection"] = connection
    return config


def upgrade(path: Path) -> None:
    """Run the migrations that the ledger file lacks, or all of them.

    Raises:
        LedgerError: when no migration leads on from its revision.
        sqlite3.Error: when it can't be written.
    """
    # Alembic and SQLAlchemy take half a second to import, and most starts have nothing to migrate.
    from alembic import command
    from alembic.util import CommandError
    from sqlalchemy import create_engine
    from sqlalchemy.exc import DBAPIError

    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            connection.commit()
            command.upgrade(configured(connection), "head")
            connection.commit()
    except CommandError as error:
        raise LedgerError(f"the ledger {path} can't be upgraded: {error}") from error
    except DBAPIError as error:
        raise error.orig or error from error
    finally:
        engine.dispose()

"""Bringing a database to the newest revision at start; the revisions themselves stand in
`migrations/`.
"""

from __future__ import annotations

import fcntl
import sqlite3
from contextlib import closing
from pathlib import Path

from exchange.errors import LedgerError

MIGRATIONS = Path(__file__).with_name("migrations")
#: What the migrations make of nothing, as a text, so that a new ledger need not wait for them; a
#: test holds it against them.
NEW_LEDGER = Path(__file__).with_name("ledger.sql")


def migrate_sqlite(path: Path) -> None:
    """Create or upgrade the ledger file at `path`; safe when several workers start at once.

    Raises:
        LedgerError: when it was made by a newer version, or can't be read.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(path.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists() or not path.stat().st_size:
            _create(path)
        found = revision(path)
        _refuse_newer(path, found)
        if found != newest_revision():
            upgrade(path)


def require_newest(path: Path) -> None:
    """See that a file is a ledger of the revision that this version wants.

    Raises:
        LedgerError: when it is not; says what to do.
    """
    found, newest = revision(path), newest_revision()
    _refuse_newer(path, found)
    if not found:
        raise LedgerError(f"{path} can't be read as a ledger: it has none of its tables")
    if found != newest:
        raise LedgerError(
            f"{path} is a ledger of revision {found}, and {newest} is wanted: "
            "`exchange serve` or `exchange statistics` brings it there"
        )


def _refuse_newer(path: Path, found: str) -> None:
    if found > newest_revision():
        raise LedgerError(
            f"{path} is a ledger of revision {found}, made by a newer version of the exchange; "
            f"this one knows revisions up to {newest_revision()}: use the newer version"
        )


def newest_revision() -> str:
    """The revision that this version of the product wants: the number that the newest migration's
    file name begins with.
    """
    return max(file.name for file in (MIGRATIONS / "versions").glob("[0-9]*.py")).partition("_")[0]


def revision(path: Path) -> str:
    """The revision of the ledger file; empty when there is none yet.

    Raises:
        LedgerError: when the file can't be read.
    """
    if not path.exists():
        return ""
    with closing(sqlite3.connect(path)) as connection:
        try:
            found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return ""
            raise LedgerError(f"{path} can't be read as a ledger: {error}") from error
        except sqlite3.DatabaseError as error:
            raise LedgerError(f"{path} can't be read as a ledger: {error}") from error
    return str(found[0]) if found else ""


def _create(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(f"BEGIN;\n{NEW_LEDGER.read_text(encoding='utf-8')}\nCOMMIT;")


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


def upgrade(path: Path) -> None:
    """Run the migrations that the ledger file lacks, or all of them."""
    # Alembic and SQLAlchemy take half a second to import, and most starts have nothing to migrate.
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine

    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            connection.commit()
            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
    finally:
        engine.dispose()

"""One owner of a ledger: the lock's life is its holders', and each life of a writer has an
epoch.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from exchange.assembly import ledger_address
from exchange.errors import LedgerError, Owned
from exchange.settings import Settings
from exchange.storage.ownership import Ownership, own
from exchange.storage.sqlite import SqliteLedger

HOLDER = """
import sys, time
from pathlib import Path
from exchange.storage.ownership import own
lock = own(Path(sys.argv[1]), "a test", 1_700_000_000_000)
print("owned", flush=True)
time.sleep(60)
"""


async def test_each_opening_is_an_epoch_of_its_node(tmp_path: Path) -> None:
    seen = []
    for node in (0, 0, 3, 0):
        ledger = SqliteLedger(tmp_path / "ledger.db", node=node, name="a test")
        await ledger.open()
        seen.append(ledger.ownership)
        await ledger.close()
    assert seen == [
        Ownership(0, 1, "a test", 0),
        Ownership(0, 2, "a test", 0),
        Ownership(3, 1, "a test", 0),
        Ownership(0, 3, "a test", 0),
    ]


def test_whoever_comes_second_is_told_who_owns_it_until_that_one_is_killed(tmp_path: Path) -> None:
    ledger = tmp_path / "new" / "ledger.db"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(ledger)], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"owned\n"
        with pytest.raises(Owned) as told:
            own(ledger, "another test", 0)
        assert str(told.value) == (
            f"{ledger} is owned by process {holder.pid} (a test) since 2023-11-14T22:13:20.000Z; "
            "end it first"
        )
        holder.kill()
        holder.wait()
    lock = own(ledger, "another test", 0)
    with pytest.raises(Owned, match="another test"):
        own(ledger, "a third", 0)
    lock.release()
    own(ledger, "a third", 0).release()


def test_a_ledger_has_one_owner_by_whatever_name(tmp_path: Path) -> None:
    """By two names it would have two locks, two logs, and two writers that see nothing of each
    other.
    """
    ledger, other = tmp_path / "ledger.db", tmp_path / "elsewhere" / "other.db"
    ledger.touch()
    other.parent.mkdir()
    (tmp_path / "middle.db").symlink_to(ledger)
    other.symlink_to(tmp_path / "middle.db")
    named = ledger_address(Settings(), f"sqlite:///{other}")
    assert named == ledger
    assert ledger_address(Settings(), f"sqlite:///{ledger}") == ledger
    with own(ledger, "a test", 0):
        other.unlink()
        other.hardlink_to(ledger)
        for name in (other, ledger):
            with pytest.raises((LedgerError, Owned), match="another name \\(a hard link\\)"):
                own(name, "another test", 0)
    other.unlink()
    own(ledger, "another test", 0).release()

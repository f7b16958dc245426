"""Values compare and may be keys, and the type checker keeps their fields from being set."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from exchange.ports import Destination
from exchange.schemas.call import Reply

SETS_A_FIELD = """
from exchange.schemas.call import Reply

reply = Reply(200)
reply.status = 500
"""


def test_values_of_the_same_fields_are_one_key() -> None:
    one, other = Destination("etk", "push"), Destination("etk", "push")
    assert one == other
    assert len({one, other, replace(other, mode="mailbox")}) == 2


def test_a_copy_with_another_field_leaves_the_first() -> None:
    reply = Reply(200, b"yes")
    assert replace(reply, status=500) == Reply(500, b"yes")
    assert reply.status == 200


def test_the_type_checker_refuses_to_set_a_field(tmp_path: Path) -> None:
    (tmp_path / "sets.py").write_text(SETS_A_FIELD, encoding="utf-8")
    root = Path(__file__).resolve().parents[2]
    found = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--follow-imports",
            "silent",
            "--cache-dir",
            str(tmp_path / "cache"),
            str(tmp_path / "sets.py"),
        ],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 1, found.stdout + found.stderr
    assert 'Property "status" defined in "Reply" is read-only' in found.stdout

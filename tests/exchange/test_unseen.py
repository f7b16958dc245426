"""What somebody else wrote can't pose as another text, nor speak to a terminal: in the words of a
violation, in JSON that people read, in tables and in the log.
"""

from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path

import pytest

from exchange import cli
from exchange.cli import validate
from exchange.cli.api import print_json
from exchange.cli.serving.logs import LineWriter
from exchange.cli.tables import print_table
from exchange.journey.check import Checked
from exchange.schemas.violation import Violation, on_one_line, visible

#: A terminal's title, a turned file name, a second line, and what is not seen at all.
HOSTILE = "\x1b]0;mine\x07 \x9b2J a\u202egnp.exe\u2066\nvalid\u200b\ufeff\U000e0041"
SEEN = "\\u001b]0;mine\\u0007 \\u009b2J a\\u202egnp.exe\\u2066\\nvalid\\u200b\\ufeff\\udb40\\udc41"


def test_what_is_not_seen_is_spelled() -> None:
    assert on_one_line(HOSTILE) == SEEN
    assert visible("å\tä\nö 😀 e\u0301") == "å\tä\nö 😀 e\u0301"
    hidden = [
        chr(number)
        for number in range(0x2100)
        if unicodedata.category(chr(number)) == "Cc"
        or (unicodedata.category(chr(number)) == "Cf" and number >= 0x2000)
    ]
    hidden += (
        "\xad\u034f\u061c\u115f\u180e\u2028\u2029\u2800\u3164\ufe0f\uffa0\ufffb\U0001d173\U000e0100"
    )
    assert len(hidden) > 90
    assert [each for each in hidden if visible(each) == each] == ["\t", "\n"]


def test_a_violation_is_one_line_with_a_caret_under_its_column() -> None:
    source = "ab\u202ecd"
    told = Violation("r", HOSTILE, "/a", 1, 4, found=HOSTILE, source=source, source_column=4)
    assert told.as_text().count(SEEN) == 2
    first, shown, caret = told.as_lines()
    assert (first, shown) == (told.as_text(), "    ab\\u202ecd")
    assert caret.index("^") == shown.index("c")


def test_json_and_tables_of_commands_spell_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({HOSTILE: HOSTILE})
    told = capsys.readouterr().out
    assert json.loads(told) == {HOSTILE: HOSTILE}
    assert visible(told) == told
    print_table(["id", "reason"], [["1", HOSTILE]])
    assert SEEN in capsys.readouterr().out


def test_validate_and_errors_spell_it(capfd: pytest.CaptureFixture[str]) -> None:
    checked = Checked(True, "a.b", "published", [Violation("r", HOSTILE)])
    assert validate.text(HOSTILE, checked).count(SEEN) == 2
    with pytest.raises(SystemExit, match="2"):
        cli._tell(HOSTILE)
    assert capfd.readouterr().err == SEEN.replace("\\nvalid", " valid") + "\n"


def test_the_log_spells_it(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as file:
        writer = LineWriter(os.dup(file.fileno()), lines_second_max=10)
        writer.write(f"event={HOSTILE}\n")
        writer.close()
    assert (tmp_path / "log").read_text() == f"event={SEEN}\n".replace("\\nvalid", "\nvalid")

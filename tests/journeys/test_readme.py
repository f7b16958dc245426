"""The README's tour, run line by line as a newcomer would, in an empty folder and on free ports."""

from __future__ import annotations

import re
from pathlib import Path

from tests.journeys.shell import free_port, said_by

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"^```sh tour( fails)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
ACTIVATE = ". .venv/bin/activate\n"


def script() -> str:
    """The tour as one script that ends with an error when a line does (or, in a block that must
    fail, when it does not).
    """
    blocks = BLOCK.findall(README.read_text(encoding="utf-8"))
    assert len(blocks) == 6
    assert blocks[0][1].startswith(ACTIVATE)
    parts = ["set -e"]
    for fails, lines in blocks:
        lines = lines.removeprefix(ACTIVATE)
        parts.append(
            f"set +e\n{lines}code=$?\nset -e\n[ $code -eq 1 ] || exit 97" if fails else lines
        )
    return "\n".join(parts)


def test_the_tour_of_the_readme_goes_as_it_says(tmp_path: Path) -> None:
    port, partners_port = free_port(), free_port()
    text = script().replace("127.0.0.1:8080", f"127.0.0.1:{port}")
    said = said_by(text, tmp_path, port, partners_port)
    assert "json.value" in said, "the broken message's violation"
    assert said.count("202 Accepted") == said.count("200 OK") == 1, said
    assert "verify: clean" in said
    assert "queued 1, delivered 1" in said

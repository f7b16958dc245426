"""What is kept of a document: a number for each of its lines, and its names for a while."""

from __future__ import annotations

import threading
import tracemalloc
from pathlib import Path

import pytest

from exchange.schemas import xml
from exchange.schemas.positions import Lines

LONG = 100_000
STATM = Path("/proc/self/statm")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_names_of_documents_are_let_go_of(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    size = 1_000_000
    monkeypatch.setattr(xml, "NAMES_BYTES_MAX", 2 * size)
    grown: list[int] = []

    def read() -> None:
        kept = xml.parse(b"<kept><inside a='1'/></kept>")
        for number in range(8):
            xml.parse(names(number, size).encode(encoding))
        before = resident_bytes()
        for number in range(8, 48):
            xml.parse(names(number, size).encode(encoding))
        grown.append(resident_bytes() - before)
        # A document goes on to be what it was, also inside one that was read since.
        later = xml.parse(b"<later/>")
        later.append(kept[0])
        assert later.find("inside[@a='1']") is not None

    # In a thread of its own: no other test's documents are held by its names.
    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert grown[0] < 15 * size, "of 40 million bytes of names"


def names(number: int, size: int) -> str:
    """A document of that many bytes of names that no other has."""
    elements = "".join(f"<n{number}_{each}_{'x' * 980}/>" for each in range(size // 1_000))
    return f"<names>{elements}</names>"


def resident_bytes() -> int:
    """The memory of this process that is in use."""
    return int(STATM.read_text().split()[1]) * 4096


def test_a_line_takes_no_more_than_a_number() -> None:
    text = "\n" * LONG
    tracemalloc.start()
    try:
        lines = Lines(text)
        now, _most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert now < 12 * LONG
    assert lines.at(LONG)[:2] == (LONG + 1, 1)

"""`exchange bench`: the benchmark."""

from __future__ import annotations


def bench() -> None:
    """Measure."""

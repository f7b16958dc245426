"""Collects garbage by the bytes that came in. The interpreter's collector counts objects: a request
or an error that refers to itself is few of them, and may hold a body of many bytes.
"""

from __future__ import annotations

import gc

#: Bytes after which the younger objects are looked at, and how many such looks until all are.
YOUNG_BYTES = 16 * 1024 * 1024
YOUNG_LOOKS = 8


class Garbage:
    """Counts bytes as they come. Memory that nobody uses any more is held for at most
    `YOUNG_BYTES * YOUNG_LOOKS` of them.
    """

    def __init__(self) -> None:
        self._bytes = 0
        self._looks = 0

    def saw(self, size: int) -> None:
        """So many bytes came."""
        self._bytes += size
        if self._bytes < YOUNG_BYTES:
            return
        self._bytes = 0
        self._looks += 1
        if self._looks < YOUNG_LOOKS:
            gc.collect(1)
        else:
            self._looks = 0
            gc.collect()

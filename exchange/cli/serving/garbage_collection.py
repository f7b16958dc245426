"""How often Python's collector of garbage runs in a process that serves."""

from __future__ import annotations

import gc

#: New objects after which the collector looks at the youngest ones.
GARBAGE_OBJECTS_MAX = 20_000


def collect_seldom() -> None:
    """What stands now stands to the end: the collector need not walk over schemas and catalogues
    again and again. Messages make few cycles, so it may come seldom.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS_MAX, 20, 20)

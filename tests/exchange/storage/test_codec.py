"""Compressing without memory is no damage of the ledger."""

from __future__ import annotations

import subprocess
import sys

#: What zstd needs for the highest levels is several times as much as the limit leaves; what the
#: compressed bytes need is less.
PACK = """
import os, resource
from pathlib import Path
from exchange.storage.codec import pack

body = os.urandom(3_000_000)
taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + (16 << 20), resource.RLIM_INFINITY))
try:
    pack(body, 19)
except Exception as error:
    print(type(error).__name__)
"""


def test_no_memory_to_compress_is_no_damage() -> None:
    run = subprocess.run(
        [sys.executable, "-c", PACK], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout == "MemoryError\n"

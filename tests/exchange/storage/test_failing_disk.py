"""A disk that fails at a write or at an fsync, as the system tells SQLite: injected under a process
of its own by a library that takes the place of libc's functions.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

#: Without a C compiler nothing is injected, and nothing tested here.
COMPILER = shutil.which("cc") or shutil.which("gcc")
FAILING = [["fsync", "fdatasync"], ["pwrite", "pwrite64"]] if COMPILER else []

#: Each function fails with EIO while the file named `FAIL` + its name exists.
LIBRARY = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static int fails(const char *name) {
  char path[1024];
  snprintf(path, sizeof path, "%s%s", getenv("FAIL"), name);
  return access(path, F_OK) == 0;
}
#define CALL(name, result, parameters, arguments)                      \
  result name parameters {                                             \
    static result (*real) parameters;                                  \
    if (!real) real = dlsym(RTLD_NEXT, #name);                         \
    if (fails(#name)) { errno = EIO; return -1; }                      \
    return real arguments;                                             \
  }
CALL(fsync, int, (int fd), (fd))
CALL(fdatasync, int, (int fd), (fd))
CALL(pwrite64, ssize_t, (int fd, const void *from, size_t most, off_t at), (fd, from, most, at))
CALL(pwrite, ssize_t, (int fd, const void *from, size_t most, off_t at), (fd, from, most, at))
"""

PROGRAM = """
import asyncio, os, sys
from pathlib import Path
from exchange.errors import LedgerUnavailable
from exchange.storage.health import writability as health
from exchange.storage.sqlite import SqliteLedger
from exchange.storage.proof.verify import verify
from tests.contracts.rows import record

async def main():
    health.PROBE_SECONDS = 0
    failing = [Path(os.environ["FAIL"] + name) for name in sys.argv[2:]]
    ledger = SqliteLedger(Path(sys.argv[1]))
    await ledger.open()
    made = [record(f"m-{number}") for number in range(3)]
    print((await ledger.record(made[0])).kind)
    for each in failing:
        each.touch()
    for _ in range(2):
        try:
            print((await ledger.record(made[1])).kind)
        except LedgerUnavailable as error:
            print("refused", "the disk failed" in str(error))
    print("refusal" if await ledger.check() else "well")
    for each in failing:
        each.unlink()
    print("refusal" if await ledger.check() else "well")
    print((await ledger.record(made[1])).kind, (await ledger.record(made[2])).kind)
    await ledger.close()
    print(verify(ledger.path).clean)

asyncio.run(main())
"""


@pytest.mark.parametrize("failing", FAILING)
def test_nothing_is_acknowledged_that_the_disk_refused(tmp_path: Path, failing: list[str]) -> None:
    assert COMPILER is not None
    (tmp_path / "failing.c").write_text(LIBRARY, encoding="utf-8")
    library = tmp_path / "failing.so"
    subprocess.run(
        [COMPILER, "-shared", "-fPIC", "-o", library, tmp_path / "failing.c", "-ldl"], check=True
    )
    environment = {**os.environ, "LD_PRELOAD": str(library), "FAIL": f"{tmp_path}/fail-"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, tmp_path / "ledger.db", *failing],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = [
        line for line in done.stdout.splitlines() if "[error" not in line and "[warn" not in line
    ]
    assert said == [
        "new", "refused True", "refused True", "refusal", "well", "new new", "True",
    ]  # fmt: skip

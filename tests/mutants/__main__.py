"""Plants faults in copies of the tree, one after the other, and tells which of them no test
noticed: those of the list, each against the test that must fail, and some drawn at random.

Exit code 0: every fault of the list was caught (what survives of those drawn is told only); 1: one
survived, or a test fails without any fault (of its faults nothing can be told; all others run);
2: the arguments are none.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from tests.architecture.tree import ROOT, names
from tests.mutants.drawn import Drawn, draw
from tests.mutants.planted import Fault, faults, part

#: A test that takes longer under a fault hangs because of it.
TEST_SECONDS_MAX = 300
#: Tests that are tried together without a fault, and faults whose time is told at the end.
TOGETHER, SLOWEST = 20, 30
#: How pytest is started. (Its own tracebacks parse the sources: with many exceptions at once Python
#: 3.11 can raise a SystemError there, "AST constructor recursion depth mismatch", and no test is
#: told to have failed.)
_PYTEST = (
    *(sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider"),
    *("--hypothesis-profile", "planted", "--tb", "native"),
)
_FAILED = 1
#: What stands for pytest's code when it took too long: on a busy machine that tells little.
_HUNG = -1


class Run(NamedTuple):
    """The exit code of pytest, `_HUNG`, or less where it was not started; what it took; the end of
    what it said.
    """

    code: int
    seconds: float = 0.0
    said: str = ""


class Copy:
    """A copy of the tree in which faults are planted; tests run on its own sources."""

    def __init__(self, folder: Path) -> None:
        self._root = folder
        for name in names(""):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
        for link in (ROOT / "exchange").iterdir():
            if link.is_symlink():
                (folder / "exchange" / link.name).symlink_to(link.readlink())

    def verdict(self, tests: Sequence[str]) -> Run:
        """What pytest makes of some tests."""
        begun = time.monotonic()
        environment = {**os.environ, "PYTHONPATH": str(self._root)}
        try:
            run = subprocess.run(
                [*_PYTEST, *tests],
                cwd=self._root,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=TEST_SECONDS_MAX * len(tests),
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Run(_HUNG, time.monotonic() - begun)
        said = run.stdout.decode(errors="replace")[-4_000:]
        return Run(run.returncode, time.monotonic() - begun, said)

    def under(self, path: Path, text: str, tests: Sequence[str]) -> Run:
        """The same while a source (by its path in the tree) has another text."""
        target = self._root / path.relative_to(ROOT)
        before = target.read_text(encoding="utf-8")
        try:
            self._write(target, text)
            return self.verdict(tests)
        finally:
            self._write(target, before)

    def _write(self, target: Path, text: str) -> None:
        target.write_text(text, encoding="utf-8")
        # Two texts of one length within a second would look the same to the import system.
        Path(importlib.util.cache_from_source(str(target))).unlink(missing_ok=True)


class Copies:
    """Some copies of the tree, each used by one thread at a time."""

    def __init__(self, folder: Path, number: int) -> None:
        self._free: queue.Queue[Copy] = queue.Queue()
        for index in range(number):
            self._free.put(Copy(folder / str(index)))
        self._threads = ThreadPoolExecutor(number)

    def each(self, work: Callable[[Copy, Any], Run], all_of_them: Iterable[Any]) -> Iterable[Run]:
        """What comes of each, in order."""

        def one(item: Any) -> Run:
            copy = self._free.get()
            try:
                return work(copy, item)
            finally:
                self._free.put(copy)

        return self._threads.map(one, all_of_them)


def _plant(copy: Copy, fault: Fault) -> Run:
    places = fault.places()
    if len(places) != 1:
        return Run(-len(places) - 2)
    path, at = places[0]
    text = path.read_text(encoding="utf-8")
    changed = text[:at] + fault.put + text[at + len(fault.find) :]
    return copy.under(path, changed, [fault.test])


def _plant_drawn(copy: Copy, drawn: Drawn) -> Run:
    path = ROOT / drawn.file
    text = path.read_text(encoding="utf-8")
    changed = text[: drawn.start] + drawn.put + text[drawn.end :]
    return copy.under(path, changed, drawn.tests())


def unsound(copies: Copies, tests: Sequence[str]) -> list[str]:
    """The tests that fail without any fault: where some of those tried together do, each of them is
    tried alone.
    """
    together = [tests[first : first + TOGETHER] for first in range(0, len(tests), TOGETHER)]
    suspects = [
        [test]
        for some, run in zip(together, copies.each(Copy.verdict, together), strict=True)
        if run.code
        for test in some
    ]
    failing = []
    for (test,), run in zip(suspects, copies.each(Copy.verdict, suspects), strict=True):
        if run.code:
            failing.append(test)
            print(f"{test} fails without any fault (pytest says {run.code}):\n{run.said}")
    return failing


def run_list(copies: Copies, wanted: Sequence[Fault]) -> int:
    """Run the faults of the list; how many were not caught."""
    failing = unsound(copies, sorted({fault.test for fault in wanted}))
    sound = [fault for fault in wanted if fault.test not in failing]
    missed, taken = len(wanted) - len(sound), []
    for fault, run in zip(sound, copies.each(_plant, sound), strict=True):
        told = {_FAILED: "caught", _HUNG: "hung", 0: "SURVIVED"}.get(
            run.code, f"NOT RUN ({run.code})"
        )
        missed += run.code not in (_FAILED, _HUNG)
        taken.append((run.seconds, fault.test))
        print(f"{told:9} {fault.package}: {fault.find!r} -> {fault.put!r} [{fault.test}]")
    print(f"the slowest of {sum(seconds for seconds, _ in taken):.0f} s:")
    for seconds, test in sorted(taken, reverse=True)[:SLOWEST]:
        print(f"{seconds:6.1f} s {test}")
    return missed


def run_drawn(copies: Copies, wanted: Sequence[Drawn]) -> int:
    """Run faults drawn at random against the tests beside them; how many survived."""
    survived = 0
    for drawn, run in zip(wanted, copies.each(_plant_drawn, wanted), strict=True):
        text = (ROOT / drawn.file).read_text(encoding="utf-8")
        old = " ".join(text[drawn.start : drawn.end].split())
        survived += run.code == 0
        told = {0: "survived", _HUNG: "hung"}.get(run.code, "caught")
        print(
            f"{told:9} {drawn.file}:{drawn.line}: {old[:80]!r} -> {drawn.put!r} [{', '.join(drawn.tests())}]"
        )
    return survived


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--random", type=int, default=0, help="faults drawn at random besides")
    parser.add_argument("--seed", type=int, help="what is drawn (default: another each time)")
    parser.add_argument(
        "--parts", type=int, default=1, help="run one of so many parts of the list, by the seed"
    )
    parser.add_argument("--only", default="", help="faults whose package or test holds this text")
    parser.add_argument("--within", default="", help="draw from paths that begin with this only")
    parser.add_argument("--workers", type=int, default=2, help="copies of the tree")
    given = parser.parse_args(arguments)
    seed = given.seed if given.seed is not None else int(time.time())
    named = [each for each in faults() if given.only in each.package or given.only in each.test]
    wanted = part(named, given.parts, seed)
    with tempfile.TemporaryDirectory() as folder:
        copies = Copies(Path(folder), given.workers)
        missed = run_list(copies, wanted) if wanted else 0
        which = f" (--parts {given.parts} --seed {seed})" if given.parts > 1 else ""
        print(f"{len(wanted) - missed} of {len(wanted)} planted faults were caught{which}")
        if given.random:
            drawn = draw(given.random, seed, given.within)
            survived = run_drawn(copies, drawn)
            print(f"{survived} of {len(drawn)} faults drawn with --seed {seed} survived")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Documents that are judged with little memory: the verdict is the one that they have with enough,
or there is none.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from exchange import adapters

#: Judges the document with so many megabytes more than are in use, each time in a child, because a
#: limit stays: how the child ended. The small document first, so that all is compiled.
JUDGE = """
import os, resource, sys
from pathlib import Path
from exchange.assembly import checking

message_type, rule = sys.argv[1:3]
small, large = (Path(name).read_bytes() for name in sys.argv[3:])
judge = checking()
judge.check(small, message_type)

def judged(spare):
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 9
    try:
        if spare:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            taken = pages * resource.getpagesize() + spare
            resource.setrlimit(resource.RLIMIT_AS, (taken, resource.RLIM_INFINITY))
        found = {each.rule for each in judge.check(large, message_type).violations}
        code = 0 if rule in found else 8
    except MemoryError:
        code = 1
    finally:
        os._exit(code)

print(*(judged(megabytes << 20) for megabytes in (0, 2, 5, 10, 20, 30, 45, 60)))
"""
VERDICT, NO_MEMORY = 0, 1
#: What is in Rust (pydantic) may end the process where it gets no memory.
ABORTED = -signal.SIGABRT
SAMPLES = Path(adapters.__file__).parent / "luova/families"
CASES = {
    "xml": (
        "pension/samples/valid/pension.decisions--several-outcomes.xml",
        "xsd.element-unexpected",
        lambda number: "<e/>",
    ),
    "json": (
        "population/samples/valid/population.changes--nothing-new.json",
        "json.extra",
        lambda number: f',"k{number}":1',
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_no_memory_is_no_verdict(case: str, tmp_path: Path) -> None:
    sample, rule, part = CASES[case]
    text = (SAMPLES / sample).read_text(encoding="utf-8")
    at = text.rindex("</" if case == "xml" else "}")
    paths = []
    for name, count in (("small", 1), ("large", 150_000)):
        paths.append(tmp_path / name)
        paths[-1].write_text(text[:at] + "".join(map(part, range(count))) + text[at:])
    message_type = Path(sample).name.partition("--")[0]
    run = subprocess.run(
        [sys.executable, "-c", JUDGE, message_type, rule, *map(str, paths)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    enough, *little = map(int, run.stdout.split())
    assert enough == VERDICT
    assert NO_MEMORY in little
    assert set(little) <= {VERDICT, NO_MEMORY, ABORTED}

"""What is started ends with who started it: by the kernel's signal, by `--parent`, or it says here
why not.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.tree import PRODUCT, Source, sources

#: Calls that start a program.
STARTS = ("Popen", "run", "check_output", "check_call", "call")
ASYNC_STARTS = ("create_subprocess_exec", "create_subprocess_shell")
#: Where nothing of the kind is asked for, and why.
ELSEWHERE = {
    "exchange/cli/run.py": "exchange serve and exchange partners are told whom to end with",
    "exchange/cli/serving/sandboxes.py": "a sandbox goes on until it is stopped",
    "benchmarks/report.py": "git describe has ended at once",
}


def unended(source: Source) -> Iterator[str]:
    """Calls that start a program which would outlive who started it."""
    if "subprocess" not in source.text:
        return
    for node in ast.walk(source.syntax):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        of_subprocess = ast.unparse(node.func.value) == "subprocess" and node.func.attr in STARTS
        if (of_subprocess or node.func.attr in ASYNC_STARTS) and not any(
            each.arg == "preexec_fn" for each in node.keywords
        ):
            yield f"{source.name}:{node.lineno}"


def test_what_is_started_ends_with_who_started_it() -> None:
    files = sources(*PRODUCT, "benchmarks", "loadtests")
    found = [(each.name, place) for each in files for place in unended(each)]
    assert [place for name, place in found if name not in ELSEWHERE] == []
    assert {name for name, _ in found} == set(ELSEWHERE), "a waiver that nothing needs any more"


@pytest.mark.parametrize(
    ("call", "caught"),
    [
        ("subprocess.run(['true'])", True),
        ("subprocess.Popen(command, preexec_fn=ends_with_us())", False),
        ("asyncio.create_subprocess_exec('true')", True),
        ("runner.run(main())", False),
    ],
)
def test_a_start_without_an_end_is_caught(call: str, caught: bool) -> None:
    assert bool([*unended(Source("x.py", call))]) == caught

"""The list of planted faults: each stands exactly once in the sources, its test is there, and every
package has some.
"""

from __future__ import annotations

from tests.architecture.tree import ROOT, channels
from tests.conftest import part_of
from tests.mutants.drawn import draw, faults_of
from tests.mutants.planted import faults, functions_of, part

FAULTS_MIN = 40
PACKAGES = (
    *(f"exchange/{name}" for name in ("journey", "ports", "statistics", "publication", "storage")),
    *(f"exchange/{name}" for name in ("web", "simulation", "cli", "assembly", "settings")),
    "exchange/clocks.py",
    "schemas",
    "partners",
    "benchmarks",
    "loadtests",
    *(f"adapters/{channel}" for channel in channels()),
)


def test_each_fault_stands_exactly_once() -> None:
    wrong = [each for each in faults() if len(each.places()) != 1 or each.find == each.put]
    assert wrong == []


def test_each_fault_has_its_test() -> None:
    named: dict[str, set[str]] = {}
    for fault in faults():
        module, _, test = fault.test.partition("::")
        named.setdefault(module, set()).add(test.partition("[")[0])
    missing = {module: tests - functions_of(module) for module, tests in named.items()}
    assert {module: tests for module, tests in missing.items() if tests} == {}


def test_every_package_has_some() -> None:
    listed = [fault.package for fault in faults()]
    assert len(listed) >= FAULTS_MIN
    lacking = [each for each in PACKAGES if not any(name.startswith(each) for name in listed)]
    assert lacking == []


def test_the_parts_of_days_in_a_row_are_the_whole() -> None:
    every = faults()
    days = [fault for day in range(20_787, 20_795) for fault in part(every, 8, day)]
    assert sorted(map(repr, days)) == sorted(map(repr, every))
    modules = {fault.test.partition("::")[0] for fault in every}
    shares = [sum(part_of(f"{each}::test", 3) == day for each in modules) for day in range(3)]
    assert sum(shares) == len(modules)
    assert min(shares) > len(modules) / 5


def test_what_is_drawn_changes_one_place_and_the_same_seed_draws_the_same() -> None:
    drawn = draw(20, 7, within="schemas/x")
    assert drawn == draw(20, 7, within="schemas/x")
    assert drawn != draw(20, 8, within="schemas/x")
    for each in drawn:
        text = (ROOT / each.file).read_text(encoding="utf-8")
        changed = text[: each.start] + each.put + text[each.end :]
        assert changed != text
        compile(changed, each.file, "exec")


def test_faults_are_drawn_from_one_folder() -> None:
    drawn = draw(20, 7, within="partners/")
    assert len(drawn) == 20
    assert {each.file.partition("/")[0] for each in drawn} == {"partners"}


def test_operators_comparisons_and_lines_are_drawn() -> None:
    source = "def f(a, b):\n    c = a + b\n    if a < b and b:\n        f(b, a)\n"
    puts = sorted((fault.line, fault.put) for fault in faults_of("x.py", source))
    assert puts == [(2, "-"), (2, "pass"), (3, "<="), (3, "or"), (4, "pass")]

"""What is imported is declared and pinned, running needs no tool, and the image holds that
and no root; it is not built here.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.tree import PRODUCT, ROOT, Source, sources

OURS = {"exchange", "loadtests", "tests"}
TOOLS = ("benchmarks", "loadtests", "tests")
#: Imported by pytest alone, so pytest is there.
PLUGIN = "exchange/testing/plugin.py"
#: Extras that the product imports where a setting asks for them.
OPTIONAL = ("telemetry",)
#: What is declared and imported by no name, with the reason.
NOT_IMPORTED = {"tzdata": "zoneinfo's time zones, where the system has none"}
#: For running, for running with every optional extra, and for the tests.
LOCKS = ("requirements.lock", "requirements-telemetry.lock", "requirements-test.lock")
PIN = re.compile(r"^([a-z0-9.-]+)==([^\s;]+)(?:\s*;\s*(.*?))?\s*\\?$", re.MULTILINE)
NAME = re.compile(r"^[A-Za-z0-9._-]+")


def canonical(name: str) -> str:
    """A distribution's name as the lock files write it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def names_of(requirements: Iterable[str]) -> set[str]:
    """The distributions that requirements name."""
    return {canonical(found.group()) for each in requirements if (found := NAME.match(each))}


@cache
def project() -> Mapping[str, Any]:
    """The table `project` of pyproject.toml."""
    read = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    table: Mapping[str, Any] = read["project"]
    return table


def needed() -> set[str]:
    """What running is declared to need."""
    return names_of(project()["dependencies"])


def optional() -> set[str]:
    """What the product needs for a setting."""
    return names_of(one for name in OPTIONAL for one in project()["optional-dependencies"][name])


def tools() -> set[str]:
    """What only the tools need."""
    return names_of(project()["optional-dependencies"]["test"]) - {project()["name"]}


def pins(name: str) -> set[tuple[str, str]]:
    """The pins of a lock file: distribution and version (several where a marker chooses)."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return {(canonical(found[1]), found[2]) for found in PIN.finditer(text)}


def imported(source: Source) -> Iterator[tuple[int, str]]:
    """Lines and top-level names of everything that a source imports, wherever it does."""
    for node in ast.walk(source.syntax):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module.split(".")[0]


@cache
def owners() -> Mapping[str, set[str]]:
    """The distributions that bring each importable name."""
    return {
        name: {canonical(owner) for owner in found}
        for name, found in packages_distributions().items()
    }


def undeclared(source: Source, declared: set[str]) -> Iterator[str]:
    """Imports of other people's packages that no requirement names."""
    for line, name in imported(source):
        if name in OURS or name in sys.stdlib_module_names:
            continue
        if not owners().get(name, {canonical(name)}) & declared:
            yield f"{source.name}:{line} imports {name}, which is not declared"


def test_what_the_product_imports_is_declared() -> None:
    others = [source for source in sources(*PRODUCT) if source.name != PLUGIN]
    declared = needed() | optional()
    assert [fault for source in others for fault in undeclared(source, declared)] == []


def test_what_the_tools_import_is_declared() -> None:
    declared = needed() | tools()
    assert [fault for source in sources(*TOOLS) for fault in undeclared(source, declared)] == []


def test_running_needs_all_that_it_declares() -> None:
    used = {
        owner
        for source in sources(*PRODUCT)
        for _, name in imported(source)
        for owner in owners().get(name, ())
    }
    assert (needed() | optional()) - used == set(NOT_IMPORTED), (
        "what only a tool needs goes into an extra"
    )
    assert needed() & (tools() | optional()) == set()


def test_an_undeclared_import_is_caught() -> None:
    source = Source("exchange/x.py", "def f():\n    import locust\n")
    assert list(undeclared(source, needed()))
    assert not list(undeclared(source, needed() | tools()))


def test_the_locks_have_the_same_pins() -> None:
    run, told, test = (pins(name) for name in LOCKS)
    assert len(run) > 40
    assert run <= told <= test
    assert needed() <= {name for name, _ in run}
    assert needed() | optional() <= {name for name, _ in told}
    assert needed() | optional() | tools() <= {name for name, _ in test}


def test_no_tool_is_in_the_locks_for_running() -> None:
    run, told, _ = ({name for name, _ in pins(name)} for name in LOCKS)
    assert run & (tools() | optional() | {"flask", "uv"}) == set()
    assert told & {"flask", "uv", "pytest", "locust"} == set()


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_a_digest(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_image_has_what_running_needs_and_no_root() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    stages = re.split(r"^FROM ", text, flags=re.MULTILINE)[1:]
    assert all(stage.startswith("python:3.14-slim") for stage in stages)
    build, image = stages
    assert "ARG LOCK=requirements.lock\n" in build
    assert "--require-hashes -r $LOCK" in build
    assert "requirements-test.lock" not in text
    assert re.findall(r"^USER (.+)$", image, re.MULTILINE) == ["10001"]
    assert "pip" not in image
    # Behind a private authority: trusted before anything is fetched, and by what runs.
    assert build.index("update-ca-certificates") < build.index("pip install")
    assert "COPY --from=build /etc/ssl/certs /etc/ssl/certs" in image


def test_one_check_takes_every_step_and_names_those_that_failed(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("ruff", "mypy", "lint-imports", "python"):
        tool = tmp_path / "bin" / name
        failing = "exit 1" if name in ("ruff", "lint-imports") else "exit 0"
        tool.write_text(f'#!/bin/sh\necho "{name} $*" >> {tmp_path}/called\n{failing}\n')
        tool.chmod(0o755)
    for mark in (".run", ".ready"):  # as new as can be: nothing is set up
        (tmp_path / mark).touch()
    done = subprocess.run(
        ["make", "check", f"VENV={tmp_path}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    called = (tmp_path / "called").read_text().splitlines()
    assert called == [
        "ruff format --check .",
        "ruff check .",
        "mypy ",
        "lint-imports ",
        "python -m pytest -n 0 -q tests/architecture",
    ]
    assert done.returncode != 0
    assert "make check failed at ruff format --check .; ruff check .; lint-imports" in done.stderr
    assert "mypy" not in done.stderr

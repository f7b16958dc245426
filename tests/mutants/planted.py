"""The list of planted faults (`list.toml`) as it is read, and where each stands in the
sources; runs nothing.

A fault is addressed by source text, not by file and line: `find` stands exactly once in the sources
of its `package` (a folder, or one file), so that moves within the package don't break the list.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.tree import ROOT

LIST = Path(__file__).with_name("list.toml")


@dataclass(frozen=True, slots=True)
class Fault:
    """A change of one place in the product and the test (`path::name`) that must fail for it."""

    package: str
    find: str
    put: str
    test: str

    def places(self, root: Path = ROOT) -> list[tuple[Path, int]]:
        """Every place (file, offset) where `find` stands in the package."""
        return [
            (path, at)
            for path in sources_of(self.package, root)
            for at in _all(path.read_text(encoding="utf-8"), self.find)
        ]


def faults() -> list[Fault]:
    """The list."""
    entries = tomllib.loads(LIST.read_text(encoding="utf-8"))["fault"]
    return [Fault(**entry) for entry in entries]


def part(listed: Sequence[Fault], parts: int, seed: int) -> Sequence[Fault]:
    """One of so many parts of the list; seeds in a row have one after the other."""
    return listed[seed % parts :: parts]


def sources_of(package: str, root: Path = ROOT) -> list[Path]:
    """The Python files of a folder and of those in it, or the one file."""
    path = root / package
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def functions_of(module: str, root: Path = ROOT) -> set[str]:
    """The names of a test module's functions; none where there is no such module."""
    path = root / module
    if not path.is_file():
        return set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in tree.body if isinstance(node, functions)}


def _all(text: str, wanted: str) -> list[int]:
    found, at = [], text.find(wanted)
    while at >= 0:
        found.append(at)
        at = text.find(wanted, at + 1)
    return found

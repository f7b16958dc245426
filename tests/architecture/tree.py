"""The tree as the architecture tests see it: its files, parsed sources and documents; no check."""

from __future__ import annotations

import ast
import subprocess
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: The packages that are the product; tests and load tests are judged by fewer rules.
PRODUCT = ("exchange", "schemas", "adapters", "partners")


@dataclass(frozen=True)
class Source:
    """A file by its path from the root (POSIX form) and its text."""

    name: str
    text: str

    @property
    def lines(self) -> int:
        """How many lines it has."""
        return len(self.text.splitlines())

    @cached_property
    def syntax(self) -> ast.Module:
        """Its syntax tree (Python sources only)."""
        return ast.parse(self.text)

    @property
    def docstrings(self) -> set[int]:
        """The identities of the nodes that are docstrings."""
        owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        bodies = [
            node.body for node in ast.walk(self.syntax) if isinstance(node, owners) and node.body
        ]
        return {id(body[0].value) for body in bodies if isinstance(body[0], ast.Expr)}


@cache
def names(*endings: str) -> list[str]:
    """Paths of the files that git knows or would take, with one of these endings; what is ignored
    is no part of the tree.
    """
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listing.returncode == 0:
        found = listing.stdout.decode().split("\0")
    else:  # an unpacked archive has no git
        hidden = {".git", ".venv", ".hypothesis", "data", "build", "dist", "reports"}
        paths = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
        found = [
            path.as_posix()
            for path in paths
            if not hidden & set(path.parts) and "__pycache__" not in path.parts
        ]
    return sorted(name for name in found if name.endswith(endings) and (ROOT / name).is_file())


def sources(*folders: str) -> list[Source]:
    """The Python files of these folders (everywhere when none is named)."""
    return [parsed(name) for name in names(".py") if not folders or name.split("/")[0] in folders]


@cache
def parsed(name: str) -> Source:
    """A Python file, parsed once for all tests."""
    return Source(name, (ROOT / name).read_text(encoding="utf-8"))


def texts(*endings: str) -> list[Source]:
    """The text files with these endings."""
    # A sample of a message may be in another encoding, on purpose.
    return [
        Source(name, (ROOT / name).read_text(encoding="utf-8", errors="replace"))
        for name in names(*endings)
    ]


def channels() -> list[str]:
    """The folders of `adapters/`."""
    return sorted(
        {
            name.split("/")[1]
            for name in names(".py")
            if name.startswith("adapters/") and name.count("/") > 1
        }
    )

"""Faults drawn at random from the sources: another operator, another comparison, a line removed;
runs nothing.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.tree import PRODUCT, ROOT

_COMPARED = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.In: ("in", "not in"),
    ast.Is: ("is", "is not"),
}
_COMPUTED = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "+"),
    ast.FloorDiv: ("//", "*"),
}
_JOINED = {ast.And: ("and", "or"), ast.Or: ("or", "and")}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A change of the text at [start, end) of a file (by its path from the root)."""

    file: str
    line: int
    start: int
    end: int
    put: str

    def tests(self) -> list[str]:
        """The folder of tests that lies beside the file, the nearest that there is; for a channel
        the conformance suite too, since most of its rules are tried by samples.
        """
        path = Path("tests") / Path(self.file).parent
        while not (ROOT / path).is_dir():
            path = path.parent
        samples = ["tests/conformance"] if self.file.startswith("adapters/") else []
        return [path.as_posix(), *samples]


def draw(number: int, seed: int, within: str = "") -> list[Drawn]:
    """So many faults from the sources of the product whose paths begin with `within`, each source
    as likely as it is long.
    """
    rng = random.Random(seed)
    all_of_them = [
        each
        for package in PRODUCT
        for path in sorted((ROOT / package).rglob("*.py"))
        if path.relative_to(ROOT).as_posix().startswith(within)
        and not any(part.is_symlink() for part in (path, *path.parents))
        for each in faults_of(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
    ]
    return rng.sample(all_of_them, min(number, len(all_of_them)))


def faults_of(file: str, text: str) -> Iterator[Drawn]:
    """Every fault that can be drawn from a source."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def place(line: int, column: int) -> int:
        # ast counts columns in bytes.
        whole = text[starts[line - 1] : starts[line]].encode()
        return starts[line - 1] + len(whole[:column].decode())

    def between(left: ast.expr, right: ast.expr, change: tuple[str, str]) -> Iterator[Drawn]:
        start = place(left.end_lineno or 0, left.end_col_offset or 0)
        end = place(right.lineno, right.col_offset)
        gap, (old, new) = text[start:end], change
        if gap.strip(" \n()") == old:
            at = start + gap.index(old)
            yield Drawn(file, left.end_lineno or 0, at, at + len(old), new)

    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARED:
            yield from between(node.left, node.comparators[0], _COMPARED[type(node.ops[0])])
        elif isinstance(node, ast.BinOp) and type(node.op) in _COMPUTED:
            yield from between(node.left, node.right, _COMPUTED[type(node.op)])
        elif isinstance(node, ast.BoolOp):
            yield from between(node.values[0], node.values[1], _JOINED[type(node.op)])
        elif isinstance(node, (ast.Assign, ast.AugAssign)) or (
            isinstance(node, ast.Expr) and isinstance(node.value, (ast.Call, ast.Await))
        ):
            start = place(node.lineno, node.col_offset)
            end = place(node.end_lineno or 0, node.end_col_offset or 0)
            yield Drawn(file, node.lineno, start, end, "pass")

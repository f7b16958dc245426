"""The product fills one top-level name: a user's project may have folders of any other."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from tests.architecture.tree import ROOT, sources

#: Folders at the root that are imported through a link in `exchange/`.
LINKED = ("adapters", "benchmarks", "partners", "schemas")


def imported(syntax: ast.Module) -> set[str]:
    """The top-level names that a source imports."""
    found: set[str] = set()
    for node in ast.walk(syntax):
        if isinstance(node, ast.Import):
            found.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def test_nothing_is_imported_by_a_folder_s_own_name() -> None:
    wrong = [source.name for source in sources() if imported(source.syntax) & set(LINKED)]
    assert wrong == []


def test_each_folder_has_its_link() -> None:
    links = {
        path.name: path.readlink() for path in (ROOT / "exchange").iterdir() if path.is_symlink()
    }
    assert links == {name: Path("..") / name for name in LINKED}


def test_a_project_with_folders_of_these_names_works(tmp_path: Path) -> None:
    for name in LINKED:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"raise ImportError('the user's {name}')\n")
    run = subprocess.run(
        [sys.executable, "-m", "exchange", "catalogue"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "kelmu.benefit-query" in run.stdout

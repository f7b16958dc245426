"""The documents: links that lead somewhere, commands and targets that exist, settings that say what
they are; not the prose.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import subprocess
import sys
from collections.abc import Collection, Iterator
from typing import Any

import pytest
from pydantic import BaseModel, Field

from tests.architecture.tree import ROOT, Source, names, texts

LINK = re.compile(r"\]\(([^)\s]+)\)")
MAKE = re.compile(r"\bmake ([a-z][a-z-]*)")
COMMAND = re.compile(r"^(?:\$ |`)?(?:\.venv/bin/)?exchange ([a-z][a-z-]*)", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`[^`\n]+`")

#: A file or folder of ours, without places to be filled in (`<channel>`, `NAME`).
PLACE = re.compile(
    r"(?:tests|exchange|adapters|schemas|partners|benchmarks|loadtests|docs)/[a-z0-9_/.-]+"
)
#: A Python file of ours by its name, or by the end of its path.
PYTHON_FILE = re.compile(r"[a-z0-9_/]+\.py")
#: What a row of a table of new names calls by its new one.
RENAMED = re.compile(r"^\| before \| now \|\n\|---\|---\|\n((?:\|.*\n)+)", re.MULTILINE)
#: Documents about what was: their names are those of their day.
OF_THE_PAST = {"docs/decisions.md", "docs/experiments.md", "CHANGELOG.md"}

#: Paths of somebody's machine; a container's own (`/data`, `/app`) are not among them.
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:home|Users|root|work|mnt|opt|tmp)/[\w.-]+")
TEXT_FILES = (
    ".py",
    ".md",
    ".toml",
    ".yml",
    ".yaml",
    ".xsd",
    ".xml",
    ".json",
    ".html",
    ".css",
    ".js",
    "Makefile",
    "Dockerfile",
    "run",
)


def code_in(document: Source) -> str:
    """The fenced and inline code of a document, a piece a line: prose such as "make sure" names no
    target.
    """
    pieces = FENCE.findall(document.text) + INLINE.findall(FENCE.sub("", document.text))
    return "\n".join(piece.strip("`") for piece in pieces)


def dead_links(document: Source) -> Iterator[str]:
    """Relative links that lead to nothing."""
    folder = (ROOT / document.name).parent
    for target in LINK.findall(FENCE.sub("", document.text)):
        if (
            not target.startswith(("http:", "https:", "mailto:", "#"))
            and not (folder / target.partition("#")[0]).exists()
        ):
            yield f"{document.name} links to {target}, which is not there"


def unknown_targets(document: Source, targets: Collection[str]) -> Iterator[str]:
    """`make` targets that a document names and the Makefile does not have."""
    for target in set(MAKE.findall(code_in(document))) - set(targets):
        yield f"{document.name} names make {target}, which is not in the Makefile"


def unknown_commands(document: Source, commands: Collection[str]) -> Iterator[str]:
    """Commands of `exchange` that a document names and the program does not have."""
    for command in set(COMMAND.findall(code_in(document))) - set(commands):
        yield f"{document.name} names exchange {command}, which is no command"


def unknown_places(document: Source) -> Iterator[str]:
    """Files, folders and tests of ours that a document names in code and that are not there."""
    for place in INLINE.findall(FENCE.sub("", document.text)):
        path, _, test = place.strip("`").partition("::")
        if not PLACE.fullmatch(path):
            continue
        if not (ROOT / path).exists() and not (ROOT / f"{path}.py").exists():
            yield f"{document.name} names {path}, which is not there"
        elif test and f"def {test}(" not in (ROOT / path).read_text(encoding="utf-8"):
            yield f"{document.name} names {test}, which is not in {path}"


def unknown_files(document: Source) -> Iterator[str]:
    """Python files that a document names in code and that neither are there nor are made by whoever
    follows the document (`file=` of a block).
    """
    there = [f"/{name}" for name in names(".py")]
    for piece in INLINE.findall(FENCE.sub("", document.text)):
        file = piece.strip("`")
        if not PYTHON_FILE.fullmatch(file) or f" file={file}\n" in document.text:
            continue
        if not any(path.endswith(f"/{file}") for path in there):
            yield file


def untold_files(decisions: Source) -> Iterator[str]:
    """Files of another day that an entry names as if they were there: no table of new names has
    them, and the entry is not withdrawn.
    """
    renamed = {
        piece.strip("`").rpartition("/")[2]
        for table in RENAMED.findall(decisions.text)
        for row in table.splitlines()
        for piece in INLINE.findall(row.split("|")[1])
    }
    for entry in decisions.text.split("\n## "):
        if "*Withdrawn " not in entry:
            for file in unknown_files(Source(decisions.name, entry)):
                if file.rpartition("/")[2] not in renamed:
                    yield f"{entry.splitlines()[0]}: {file}"


def unproved(document: Source) -> Iterator[str]:
    """Rows of the table of what always holds that name no test function."""
    _, _, table = document.text.partition("| promise | proved by |\n|---|---|\n")
    for row in table.partition("\n\n")[0].splitlines():
        places = [place.strip("`") for place in INLINE.findall(row)]
        if not any(place.startswith("tests/") and "::test_" in place for place in places):
            yield f"{document.name}: no test function proves {row.split('|')[1].strip()!r}"


def undescribed(model: type[BaseModel], path: str = "") -> Iterator[str]:
    """Settings without a description, however deep."""
    for name, field in model.model_fields.items():
        if not field.description:
            yield f"{path}{name} has no description"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from undescribed(field.annotation, f"{path}{name}.")


def machine_paths(source: Source) -> Iterator[str]:
    """Paths that exist on somebody's machine only."""
    for number, line in enumerate(source.text.splitlines(), 1):
        if found := MACHINE_PATHS.search(line):
            yield f"{source.name}:{number} names {found.group()}"


def make_targets() -> set[str]:
    """The targets of the Makefile."""
    return set(
        re.findall(
            r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
        )
    )


def documents() -> list[Source]:
    """Every document."""
    return texts(".md")


def test_every_link_leads_somewhere() -> None:
    assert [complaint for document in documents() for complaint in dead_links(document)] == []


def test_every_make_target_that_is_named_exists() -> None:
    assert [
        complaint
        for document in documents()
        for complaint in unknown_targets(document, make_targets())
    ] == []


def test_every_place_and_every_test_that_is_named_exists() -> None:
    assert [
        complaint
        for document in documents()
        if document.name not in OF_THE_PAST
        for complaint in unknown_places(document)
    ] == []


def test_every_python_file_that_is_named_exists() -> None:
    assert [
        f"{document.name} names {file}, which is not there"
        for document in documents()
        if document.name not in OF_THE_PAST
        for file in unknown_files(document)
    ] == []


def test_what_a_decision_calls_by_an_old_name_can_be_found() -> None:
    (decisions,) = [each for each in documents() if each.name == "docs/decisions.md"]
    assert list(untold_files(decisions)) == []


def test_every_promise_names_the_test_that_proves_it() -> None:
    (map_,) = [each for each in documents() if each.name == "docs/architecture.md"]
    assert "| promise | proved by |" in map_.text
    assert list(unproved(map_)) == []


def test_a_promise_without_a_test_is_found() -> None:
    head = "| promise | proved by |\n|---|---|\n"
    proved = "| a | `tests/x/test_a.py::test_a` |\n"
    assert not list(unproved(Source("docs/m.md", f"{head}{proved}\nwords")))
    assert list(
        unproved(Source("docs/m.md", f"{head}{proved}| b | `tests/x/test_b.py` |\n\nwords"))
    )


def test_the_readme_names_both_commands_first() -> None:
    fence = FENCE.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert fence is not None
    assert {"make run", "make test"} <= {
        line.split("#")[0].strip() for line in fence.group().splitlines()
    }


def test_no_file_names_a_path_of_a_machine() -> None:
    here = {"tests/architecture/test_documents.py"}
    assert [
        complaint
        for text in texts(*TEXT_FILES)
        if text.name not in here
        for complaint in machine_paths(text)
    ] == []


def test_the_changelog_has_a_place_for_the_next_release() -> None:
    lines = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    assert next(line for line in lines if line.startswith("## ")) == "## Unreleased"


def test_every_channel_has_a_page() -> None:
    folders = {name.split("/")[1] for name in names("channel.py") if name.startswith("adapters/")}
    assert [
        folder
        for folder in sorted(folders)
        if not (ROOT / "adapters" / folder / "README.md").is_file()
    ] == []


if importlib.util.find_spec("exchange.settings"):

    def test_every_setting_is_described() -> None:
        settings: Any = importlib.import_module("exchange.settings")
        assert list(undescribed(settings.Settings)) == []


if importlib.util.find_spec("exchange.cli"):

    def test_every_command_that_is_named_exists() -> None:
        called = subprocess.run(
            [sys.executable, "-m", "exchange", "--help"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        commands = set(re.findall(r"^[\s│|]*([a-z][a-z-]+)\s{2,}", called.stdout, re.MULTILINE))
        assert [
            complaint
            for document in documents()
            for complaint in unknown_commands(document, commands)
        ] == []


class Inner(BaseModel):
    body_bytes_max: int = 1


class Outer(BaseModel):
    limits: Inner = Field(default=Inner(), description="Limits.")


@pytest.mark.parametrize(
    "complaints",
    [
        dead_links(Source("README.md", "[gone](docs/gone.md)")),
        unknown_targets(Source("README.md", "```\nmake magic\n```"), {"run"}),
        unknown_commands(Source("README.md", "```console\n$ exchange conjure it\n```"), {"run"}),
        unknown_places(Source("docs/x.md", "see `exchange/nowhere.py`")),
        unknown_places(Source("docs/x.md", "see `tests/schemas/test_guard.py::test_nothing`")),
        unknown_files(Source("docs/x.md", "`document_limits.py`, `schemas/nowhere.py`")),
        untold_files(Source("d", "| before | now |\n|---|---|\n| `b.py` | `c` |\n\n`b.py` `e.py`")),
        undescribed(Outer),
        machine_paths(Source("docs/x.md", "see /home/somebody/notes")),
    ],
    ids=[
        "dead link",
        "unknown target",
        "unknown command",
        "unknown place",
        "unknown test",
        "unknown file",
        "file of another day",
        "undescribed setting",
        "path of a machine",
    ],
)
def test_the_check_catches_a_bad_document(complaints: Iterator[str]) -> None:
    assert len(list(complaints)) == 1


def test_prose_and_anchors_are_let_be() -> None:
    assert not list(unknown_targets(Source("README.md", "They make sure of it."), {"run"}))
    assert not list(
        dead_links(Source("README.md", "[below](#below) [law](https://example.org/law)"))
    )

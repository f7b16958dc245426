"""Who may import whom: the contracts of pyproject.toml, and what each room may see; not what a
source says otherwise.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import grimp
import pytest
from importlinter.cli import lint_imports

from exchange import discovery

#: What a room may import of ours, its own folder apart. The longest matching name decides.
MAY_IMPORT: Mapping[str, tuple[str, ...]] = {
    "exchange.schemas": ("exchange.schemas",),
    "exchange.partners": ("exchange.partners", "exchange.schemas"),
    "exchange.adapters": ("exchange.schemas", "exchange.ports", "exchange.errors"),
    "exchange.adapters.*.partner": ("exchange.schemas", "exchange.partners"),
    "exchange.adapters.*.generate": ("exchange.schemas",),
    "exchange.ports": ("exchange.ports", "exchange.schemas"),
    "exchange.errors": (),
    "exchange.statistics": (
        "exchange.statistics",
        "exchange.ports",
        "exchange.errors",
        "exchange.schemas",
    ),
    "exchange.publication": (
        "exchange.publication",
        "exchange.lifetime",
        "exchange.statistics",
        "exchange.errors",
        "exchange.schemas",
    ),
    "loadtests": ("exchange.lifetime",),
    "exchange.client": ("exchange.client", "exchange.errors", "exchange.schemas"),
}

#: What a stub may share with nobody of its folder.
OF_THE_CHANNEL = ("listen", "parse", "identify", "answer", "deliver", "rules", "channel", "routing")

#: A program that loads and uses the stub named and prints the modules that this loaded.
LOADING = """
import importlib, sys
from exchange.schemas.directory import load
importlib.import_module(sys.argv[1]).STUB.flows(load())
print(*sys.modules)
"""


def place_of(module: str) -> tuple[str, str, str]:
    """Where a module of `adapters/` lies: (channel, family, part). A part of a family is a part of
    the channel as if it lay beside the others; family and part are empty where there is none.
    """
    _, _, channel, *rest = module.split(".")
    if rest[:1] == ["families"] and len(rest) > 1:
        return channel, rest[1], ".".join(rest[2:3])
    return channel, "", ".".join(rest[:1])


def room_of(module: str) -> str | None:
    """The most specific room whose rule covers a module; a family's `partner` is in the room of the
    channel's.
    """
    names = [module]
    if module.startswith("exchange.adapters."):
        names.append(f"exchange.adapters.*.{place_of(module)[2]}")
    rooms = [
        room for room in MAY_IMPORT for name in names if name == room or name.startswith(room + ".")
    ]
    return max(rooms, key=lambda room: room.count("."), default=None)


def is_within(module: str, packages: Iterable[str]) -> bool:
    """Whether a module is one of these or inside one."""
    return any(module == package or module.startswith(package + ".") for package in packages)


def is_open_to(importer: str, imported: str) -> bool:
    """Whether a module of the same channel may be used: a stub only by stubs, the channel's parts
    only by the channel, a family's modules only by that family (the channel finds them by name). A
    part is a file or a folder of its name.
    """
    _, family, part = place_of(imported)
    if family and place_of(importer)[1] != family:
        return False
    room = room_of(importer)
    if part == "partner":
        return room == "exchange.adapters.*.partner"
    return room == "exchange.adapters" or part not in OF_THE_CHANNEL


def strangers(imports: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Imports (importer, imported) of ours that the importer's room may not make."""
    for importer, imported in imports:
        room = room_of(importer)
        if room is None or not is_within(imported, ("exchange",)):
            continue
        own = ".".join(importer.split(".")[:3]) + "."
        if (
            importer.startswith("exchange.adapters.")
            and imported.startswith(own)
            and is_open_to(importer, imported)
        ):
            continue
        if not is_within(imported, MAY_IMPORT[room]):
            yield f"{importer} imports {imported}"


def cycles(imports: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Modules that import each other in a ring: what is left when modules without importers or
    imports are taken away.
    """
    graph: dict[str, set[str]] = {}
    for importer, imported in imports:
        graph.setdefault(importer, set()).add(imported)
        graph.setdefault(imported, set())
    while True:
        wanted = {name for targets in graph.values() for name in targets}
        idle = {name for name, targets in graph.items() if not targets or name not in wanted}
        if not idle:
            return [sorted(graph)] if graph else []
        graph = {name: targets - idle for name, targets in graph.items() if name not in idle}


def of_one_folder(pair: tuple[str, str], depth: int) -> tuple[str, str] | None:
    """An import between two files or folders that lie side by side, their names cut to `depth`
    parts; None for any other import.
    """
    importer, imported = (name.split(".") for name in pair)
    if importer[: depth - 1] != imported[: depth - 1] or min(len(importer), len(imported)) < depth:
        return None
    first, second = ".".join(importer[:depth]), ".".join(imported[:depth])
    return (first, second) if first != second else None


def imports_of(*packages: str) -> list[tuple[str, str]]:
    """Every import (importer, imported) of packages, those under `TYPE_CHECKING` too."""
    graph = grimp.build_graph(*packages, exclude_type_checking_imports=False, cache_dir=None)
    return [
        (name, imported)
        for name in graph.modules
        for imported in graph.find_modules_directly_imported_by(name)
    ]


@pytest.fixture(scope="module")
def imports() -> list[tuple[str, str]]:
    return imports_of("exchange", "loadtests")


def test_the_contracts_are_kept() -> None:
    assert lint_imports(cache_dir=None, no_cache=True) == 0


def test_every_room_sees_only_what_it_may(imports: list[tuple[str, str]]) -> None:
    assert list(strangers(imports)) == []


@pytest.mark.parametrize("folder", discovery.adapter_folders())
def test_a_stub_loads_no_code_of_its_channel(folder: str) -> None:
    """What is imported by name is seen by no contract: a stub is loaded and used, in a process of
    its own.
    """
    run = subprocess.run(
        [sys.executable, "-c", LOADING, f"exchange.adapters.{folder}.partner"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = [each for each in run.stdout.split() if each.startswith("exchange.adapters.")]
    assert f"exchange.adapters.{folder}.partner" in loaded
    assert [each for each in loaded if place_of(each)[2] in OF_THE_CHANNEL] == []
    assert "exchange.ports" not in run.stdout.split()


def test_nothing_imports_in_a_ring(imports: list[tuple[str, str]]) -> None:
    assert cycles(imports) == []


@pytest.mark.parametrize("depth", [2, 3, 4, 5])
def test_folders_beside_each_other_do_not_import_each_other_in_a_ring(
    imports: list[tuple[str, str]], depth: int
) -> None:
    """What lies in one folder: its folders, each as a whole, and the files beside them."""
    beside = {pair for each in imports if (pair := of_one_folder(each, depth))}
    assert depth == 5 or len(beside) > 20
    assert cycles(beside) == []


def test_a_ring_of_folders_is_found_where_no_file_is_in_one() -> None:
    imports = [("exchange.a.one", "exchange.b.one"), ("exchange.b.two", "exchange.a.two")]
    assert cycles(imports) == []
    beside = [pair for each in imports if (pair := of_one_folder(each, 2))]
    assert cycles(beside) == [["exchange.a", "exchange.b"]]


def test_a_ring_by_way_of_type_checking_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "ringed"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "one.py").write_text("from ringed.two import b\na = b\n")
    (folder / "two.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ringed.one import a\nb = 1\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert cycles(imports_of("ringed")) == [["ringed.one", "ringed.two"]]


@pytest.mark.parametrize(
    "importer, imported",
    [
        ("exchange.schemas.xml", "exchange.errors"),
        ("exchange.adapters.kelmu.listen", "exchange.journey.accept"),
        ("exchange.adapters.kelmu.listen", "exchange.adapters.luova.parse"),
        ("exchange.adapters.kelmu.listen", "exchange.partners.stub"),
        ("exchange.adapters.kelmu.partner", "exchange.ports"),
        ("exchange.adapters.kelmu.partner", "exchange.adapters.kelmu.parse"),
        ("exchange.adapters.kelmu.generate", "exchange.adapters.kelmu.rules"),
        ("exchange.adapters.x.partner", "exchange.adapters.x.families.a.rules"),
        ("exchange.adapters.x.families.a.partner", "exchange.ports.channel"),
        ("exchange.adapters.x.families.a.generate", "exchange.ports.channel"),
        ("exchange.adapters.x.families.a.generate", "exchange.adapters.x.families.a.partner"),
        ("exchange.adapters.x.families.a.rules", "exchange.adapters.x.families.a.partner"),
        ("exchange.adapters.x.families.a.partner", "exchange.adapters.x.families.a.rules"),
        ("exchange.adapters.x.families.a.partner", "exchange.adapters.x.rules.fields"),
        ("exchange.adapters.x.families.a.partner", "exchange.adapters.x.routing"),
        ("exchange.adapters.x.families.a.partner", "exchange.adapters.x.families.b.partner"),
        ("exchange.adapters.x.families.a.rules", "exchange.adapters.x.families.b.generate"),
        ("exchange.adapters.x.rules.judge", "exchange.adapters.x.families.a.rules"),
        ("exchange.adapters.x.partner.payroll", "exchange.adapters.x.rules.pay"),
        ("exchange.adapters.x.partner.payroll", "exchange.adapters.x.parse"),
        ("exchange.adapters.x.generate.pay", "exchange.adapters.x.rules.judge"),
        ("exchange.adapters.x.rules.pay", "exchange.adapters.x.partner.payroll"),
        ("exchange.statistics.rows", "exchange.storage"),
        ("exchange.partners.stub", "exchange.errors"),
        ("loadtests.calls", "exchange.schemas.call"),
        ("loadtests.processes", "exchange.settings"),
    ],
)
def test_a_stranger_is_caught(importer: str, imported: str) -> None:
    assert list(strangers([(importer, imported)])) == [f"{importer} imports {imported}"]


@pytest.mark.parametrize(
    "importer, imported",
    [
        ("exchange.adapters.kelmu.listen", "exchange.adapters.kelmu.answer"),
        ("exchange.adapters.kelmu.partner", "exchange.adapters.kelmu.generate"),
        ("exchange.adapters.kelmu.partner", "exchange.partners.stub"),
        ("exchange.adapters.x.families.a.partner", "exchange.adapters.x.partner.sending"),
        ("exchange.adapters.x.families.a.rules", "exchange.adapters.x.rules.fields"),
        ("exchange.adapters.x.families.a.partner", "exchange.adapters.x.families.a.generate"),
        ("exchange.adapters.x.rules.judge", "exchange.adapters.x.discovery"),
        ("exchange.adapters.x.partner.payroll", "exchange.adapters.x.partner.data_user"),
        ("exchange.adapters.x.partner.payroll", "exchange.adapters.x.generate.pay"),
        ("exchange.adapters.x.rules.judge", "exchange.adapters.x.known.reader"),
        ("exchange.adapters.kelmu.channel", "exchange.ports.channel"),
    ],
)
def test_a_neighbour_is_let_in(importer: str, imported: str) -> None:
    assert list(strangers([(importer, imported)])) == []


def test_a_ring_is_caught() -> None:
    assert cycles([("a", "b"), ("b", "c"), ("c", "b"), ("d", "a")]) == [["b", "c"]]
    assert cycles([("a", "b"), ("b", "c")]) == []

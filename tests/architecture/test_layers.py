"""Who may import whom: the contracts of pyproject.toml, and what each room may see; not what a
source says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import grimp
import pytest
from importlinter.cli import lint_imports

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
        "exchange.statistics",
        "exchange.errors",
        "exchange.schemas",
    ),
    "loadtests": (),
    "exchange.client": ("exchange.client", "exchange.errors", "exchange.schemas"),
}

#: What a stub may share with nobody of its folder.
OF_THE_CHANNEL = ("listen", "parse", "identify", "answer", "deliver", "rules", "channel")


def part_of(name: str) -> str:
    """The part of a channel that a module belongs to: a part too large for one file goes on in
    files named after it.
    """
    return name.partition("_")[0]


def room_of(module: str) -> str | None:
    """The most specific room whose rule covers a module; `partner_tax` is in the room of
    `partner`.
    """
    parts = module.split(".")
    general = ".".join([*parts[:2], "*", *(part_of(name) for name in parts[3:])])
    rooms = [
        room
        for room in MAY_IMPORT
        for name in (module, general)
        if name == room or name.startswith(room + ".")
    ]
    return max(rooms, key=lambda room: room.count("."), default=None)


def is_within(module: str, packages: Iterable[str]) -> bool:
    """Whether a module is one of these or inside one."""
    return any(module == package or module.startswith(package + ".") for package in packages)


def is_open_to(room: str, imported: str) -> bool:
    """Whether a module of the same folder may be used: a stub only by its own files, the channel's
    parts only by the channel. A part is a file, files named after it, or a folder of its name.
    """
    part = part_of(imported.split(".")[3])
    return (
        room == "exchange.adapters.*.partner"
        if part == "partner"
        else room == "exchange.adapters" or part not in OF_THE_CHANNEL
    )


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
            and is_open_to(room, imported)
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


@pytest.fixture(scope="module")
def imports() -> list[tuple[str, str]]:
    graph = grimp.build_graph(
        "exchange", "loadtests", exclude_type_checking_imports=True, cache_dir=None
    )
    return [
        (name, imported)
        for name in graph.modules
        for imported in graph.find_modules_directly_imported_by(name)
    ]


def test_the_contracts_are_kept() -> None:
    assert lint_imports(cache_dir=None, no_cache=True) == 0


def test_every_room_sees_only_what_it_may(imports: list[tuple[str, str]]) -> None:
    assert list(strangers(imports)) == []


def test_nothing_imports_in_a_ring(imports: list[tuple[str, str]]) -> None:
    assert cycles(imports) == []


def test_the_rooms_of_a_channel_do_not_import_each_other_in_a_ring(
    imports: list[tuple[str, str]],
) -> None:
    """A room is a folder of a channel, or a file beside these."""
    rooms = {
        (".".join(importer.split(".")[:4]), ".".join(imported.split(".")[:4]))
        for importer, imported in imports
        if importer.startswith("exchange.adapters.")
        and importer.split(".")[:3] == imported.split(".")[:3]
        and imported.count(".") > 2
    }
    assert cycles(each for each in rooms if each[0] != each[1]) == []


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
        ("exchange.adapters.luova.partner", "exchange.adapters.luova.rules_population"),
        ("exchange.adapters.luova.partner_tax", "exchange.ports.channel"),
        ("exchange.adapters.luova.generate_tax", "exchange.ports.channel"),
        ("exchange.adapters.luova.generate_tax", "exchange.adapters.luova.partner_tax"),
        ("exchange.adapters.luova.rules_tax", "exchange.adapters.luova.partner_tax"),
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
        ("exchange.adapters.luova.partner", "exchange.adapters.luova.partner_tax"),
        ("exchange.adapters.luova.partner_tax", "exchange.adapters.luova.partner_sending"),
        ("exchange.adapters.luova.partner_tax", "exchange.adapters.luova.generate_tax"),
        ("exchange.adapters.luova.rules", "exchange.adapters.luova.rules_tax"),
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

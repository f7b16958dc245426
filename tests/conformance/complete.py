"""What a channel or a family still lacks, a line each: parts, samples, what is to be filled in."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

from exchange import discovery, schemas
from exchange.schemas.catalogue import Catalogue
from tests.conformance.samples import ROOT, samples, type_of

#: What stands where `exchange new-channel` and `exchange new-family` know nothing.
MARK = "FILL" + " IN"
#: A part of a family and what it declares.
PARTS = (
    ("rules", "RULES"),
    ("generate", "GENERATORS"),
    ("partner", "flows"),
    ("partner", "ANSWERS"),
)
TEXT_FILES = (".py", ".toml", ".md", ".xsd")


def types_of(family: str) -> set[str]:
    """The message types that lie in a folder of `schemas/`."""
    return {each.name for each in Catalogue.load() if each.folder.name == family}


def families_of(channel: str) -> list[Path]:
    """The families that a channel has in folders of its own."""
    marks = ("__init__.py", "family.toml")
    return sorted(
        {path.parent for mark in marks for path in ROOT.glob(f"{channel}/families/*/{mark}")}
    )


def unfilled(channel: str) -> Iterator[str]:
    """Lines of a channel and of the schemas of its families that are to be filled in."""
    carried = discovery.part(channel, "channel").CHANNEL.families
    folders = [ROOT / channel, *(Path(schemas.__file__).parent / each for each in carried)]
    for path in sorted(path for folder in folders for path in folder.rglob("*")):
        if path.suffix not in TEXT_FILES:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if MARK in line:
                name = path.relative_to(ROOT.parent).as_posix()
                yield f"{name}:{number} is to be filled in: {line.strip()}"


def without_samples(channel: str) -> Iterator[str]:
    """Kinds of samples that a channel lacks altogether, and types of its families without one."""
    for kind in ("valid", "invalid"):
        if not samples(kind, channel):
            yield f"adapters/{channel}/samples/{kind}: no sample"
    for family in families_of(channel):
        for kind in ("valid", "invalid"):
            sampled = {
                type_of(path) for path in samples(kind, channel) if path.is_relative_to(family)
            }
            where = f"adapters/{channel}/families/{family.name}/samples/{kind}"
            yield from (f"{where}: no sample of {each}" for each in types_of(family.name) - sampled)
            yield from (f"{where}: {each} is another's" for each in sampled - types_of(family.name))


def without_expectation(channel: str) -> Iterator[str]:
    """Invalid samples that do not say what is expected of them."""
    for path in samples("invalid", channel):
        if not path.with_name(path.stem + ".expected.json").is_file():
            yield f"{path.relative_to(ROOT.parent)}: no {path.stem}.expected.json beside it"


def without_parts(channel: str) -> Iterator[str]:
    """What the modules of a family do not declare, and types in them that are not the family's."""
    for family in families_of(channel):
        name = f"adapters/{channel}/families/{family.name}"
        if not types_of(family.name):
            yield f"schemas/{family.name}/message_types.toml: no type of {name}"
        for module, member in PARTS:
            if not (family / f"{module}.py").is_file():
                yield f"{name}/{module}.py is missing"
                continue
            path = f"exchange.adapters.{channel}.families.{family.name}.{module}"
            declared = getattr(importlib.import_module(path), member, None)
            if declared is None:
                yield f"{name}/{module}.py declares no {member}"
            elif isinstance(declared, dict):
                strange = set(declared) - types_of(family.name)
                yield from (f"{name}/{module}.py: {each} is another's" for each in sorted(strange))


CHECKS = (unfilled, without_samples, without_expectation, without_parts)


def complaints(channel: str) -> list[str]:
    """Everything that a channel lacks."""
    return [complaint for check in CHECKS for complaint in check(channel)]

"""Finding the folders of `families/`, the parts of each and what its `family.toml` says."""

from __future__ import annotations

import importlib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from exchange.schemas.directory import SECTORS

FOLDER = Path(__file__).with_name("families")
#: What a family is imported as; by name alone, since the families import this channel.
PACKAGE = f"{__package__}.{FOLDER.name}"
FILE_NAME = "family.toml"
_REQUIRED = {"message_types", "senders", "receivers"}
_OPTIONAL = {"default", "items", "answers"}
_ITEMS = re.compile(r"[^\W\d][\w.-]*(?:/[^\W\d][\w.-]*)*")


@dataclass(frozen=True, slots=True)
class Route:
    """What `family.toml` says of a message type.

    `senders` are the sectors that may send it, `receivers` those that may be named as receivers,
    `default` the partner that gets what names no receiver (empty: X-Receiver must name one).
    `items` is the path of its records below the root: names of elements divided by `/` in XML, a
    key in JSON (empty: the message is the only record). `answers` is the message type of the
    question that the type answers (empty: it is no answer).
    """

    message_type: str
    senders: tuple[str, ...]
    receivers: tuple[str, ...]
    default: str = ""
    items: str = ""
    answers: str = ""


@cache
def names() -> tuple[str, ...]:
    """The families, sorted: every folder in `families/` that is a package or has a table."""
    marks = ("__init__.py", FILE_NAME)
    found = {path.parent.name for mark in marks for path in FOLDER.glob(f"*/{mark}")}
    return tuple(sorted(found))


@cache
def parts(name: str) -> dict[str, ModuleType]:
    """The module of that name (`rules`, `generate` or `partner`) of every family.

    Raises:
        ValueError: when a family lacks it.
    """
    return {family: _part(family, name) for family in names()}


def tables(name: str) -> dict[str, Any]:
    """What the families' rules say under that name by message type; a family may say nothing."""
    found: dict[str, Any] = {}
    for module in parts("rules").values():
        found |= getattr(module, name, {})
    return found


def _part(family: str, name: str) -> ModuleType:
    path = f"{PACKAGE}.{family}.{name}"
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        if error.name == path:
            raise ValueError(f"families/{family}/{name}.py is missing") from error
        raise


def routes(folder: Path = FOLDER) -> dict[str, Route]:
    """What the `family.toml` of each folder below `folder` says, by message type.

    Raises:
        ValueError: naming the file and what is wrong with it.
    """
    found: dict[str, Route] = {}
    for family in names() if folder == FOLDER else sorted(each.name for each in folder.iterdir()):
        for route in _routes_of(folder / family / FILE_NAME):
            if route.message_type in found:
                raise ValueError(f"{family}/{FILE_NAME}: {route.message_type} stands twice")
            found[route.message_type] = route
    return found


def _routes_of(path: Path) -> Iterator[Route]:
    where = f"{path.parent.name}/{path.name}"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ValueError(f"{where} is missing") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{where}: {error}") from error
    entries = content.get("route")
    if (
        set(content) != {"route"}
        or not isinstance(entries, list)
        or not all(isinstance(entry, dict) for entry in entries)
    ):
        raise ValueError(f"{where}: expected [[route]] and nothing else")
    for entry in entries:
        yield from _of_entry(entry, where)


def _of_entry(entry: dict[str, Any], where: str) -> Iterator[Route]:
    if missing := _REQUIRED - set(entry):
        raise ValueError(f"{where}: a route lacks {', '.join(sorted(missing))}")
    if unknown := set(entry) - _REQUIRED - _OPTIONAL:
        known = ", ".join(sorted(_REQUIRED | _OPTIONAL))
        raise ValueError(f"{where}: unknown {', '.join(sorted(unknown))}; a route has {known}")
    for name in sorted(_REQUIRED):
        value = entry[name]
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise ValueError(f"{where}: {name} is a list of texts")
    for name in sorted(_OPTIONAL & set(entry)):
        if not isinstance(entry[name], str):
            raise ValueError(f"{where}: {name} is a text")
    if strange := sorted({*entry["senders"], *entry["receivers"]} - set(SECTORS)):
        raise ValueError(f"{where}: no sector: {', '.join(strange)}; sectors: {', '.join(SECTORS)}")
    if not _ITEMS.fullmatch(entry.get("items", "items")):
        raise ValueError(f"{where}: items is names of elements divided by /, or a key in JSON")
    for message_type in entry["message_types"]:
        yield Route(
            message_type=message_type,
            senders=tuple(entry["senders"]),
            receivers=tuple(entry["receivers"]),
            default=entry.get("default", ""),
            items=entry.get("items", ""),
            answers=entry.get("answers", ""),
        )

"""The catalogue of message types: read from every `schemas/<family>/message_types.toml`; knows no
channel, loads schemas lazily.
"""

from __future__ import annotations

import importlib
import threading
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from exchange.schemas.json import JsonSchema
from exchange.schemas.xml import XmlSchema

#: Where the families lie.
DEFAULT_FOLDER = Path(__file__).parent
FILE_NAME = "message_types.toml"

_LANGUAGES = ("fi", "sv", "en")
_REQUIRED = ("name", "format", "schema", "version", "basis", "source", "title")
_OPTIONAL = ("roots", "keys", "item", "official", "versions")
_VERSION_REQUIRED = ("version", "schema")
_VERSION_OPTIONAL = ("roots",)


@dataclass(frozen=True, slots=True)
class SchemaVersion:
    """Another version of a message type that is taken beside its own: told by its roots (XML, by
    their namespace) or named by the sender (JSON).
    """

    version: str
    schema: str
    roots: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MessageType:
    """A kind of message.

    `family` is the part of the name before the dot; `folder` the folder that its schema lies in;
    `schema` a file there or `models:Class`. `roots` are the root elements (`{namespace}local`),
    `keys` the top-level keys that tell it among JSON messages. `basis` is `published` or
    `modelled`, `source` says by whom and where, or what the model rests on. `item` names the
    records inside (empty: the message is the only one). `titles` has fi, sv and en. `official` is
    the file of the publisher's own schema package that says the same as `schema`, if there is one
    (see `schemas.official`). `versions` are further versions, each with a schema of its own.
    """

    name: str
    family: str
    format: str
    schema: str
    version: str
    basis: str
    source: str
    folder: Path
    roots: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    item: str = ""
    titles: Mapping[str, str] = field(default_factory=dict)
    official: str = ""
    versions: tuple[SchemaVersion, ...] = ()

    @property
    def all_versions(self) -> tuple[str, ...]:
        """Every version that is taken, its own first."""
        return (self.version, *(each.version for each in self.versions))

    @property
    def all_roots(self) -> tuple[str, ...]:
        """The root elements of every version."""
        return (*self.roots, *(root for each in self.versions for root in each.roots))

    def version_of(self, root: str) -> str:
        """The version whose root element this is; its own when it is none's."""
        return next((each.version for each in self.versions if root in each.roots), self.version)

    def as_dict(self) -> dict[str, Any]:
        """The message type as JSON: what an integrator may know of it."""
        return {
            "name": self.name,
            "format": self.format,
            "version": self.version,
            "versions": list(self.all_versions),
            "basis": self.basis,
            "source": self.source,
            "item": self.item,
            "roots": list(self.roots),
            "title": dict(self.titles),
        }


class Catalogue:
    """Every message type, in the order of the folders and files; its schemas are compiled once,
    when first asked for.
    """

    def __init__(self, message_types: Iterable[MessageType]) -> None:
        self._by_name: dict[str, MessageType] = {}
        self._by_root: dict[str, MessageType] = {}
        self._by_keys: list[tuple[frozenset[str], MessageType]] = []
        for message_type in message_types:
            if message_type.name in self._by_name:
                raise ValueError(f"message type {message_type.name} stands twice")
            self._by_name[message_type.name] = message_type
            for root in message_type.all_roots:
                if other := self._by_root.get(root):
                    raise ValueError(
                        f"root {root} belongs to both {other.name} and {message_type.name}"
                    )
                self._by_root[root] = message_type
            if message_type.keys:
                self._by_keys.append((frozenset(message_type.keys), message_type))
        # The most telling keys first, so that {a, b, c} wins over {a, b}.
        self._by_keys.sort(key=lambda pair: -len(pair[0]))
        self._schemas: dict[tuple[str, str], XmlSchema | JsonSchema] = {}
        self._lock = threading.Lock()

    @classmethod
    def load(cls, folder: Path = DEFAULT_FOLDER) -> Catalogue:
        """Every `message_types.toml` below `folder`. The product's own are read once, and their
        schemas compiled once, a process.

        Raises:
            ValueError: naming file, message type and what is wrong with it.
        """
        return _own() if folder == DEFAULT_FOLDER else cls(_below(folder))

    def __iter__(self) -> Iterator[MessageType]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def get(self, name: str) -> MessageType | None:
        """The message type of that name (`family.name`)."""
        return self._by_name.get(name)

    @property
    def families(self) -> tuple[str, ...]:
        """The families, in order, each once."""
        return tuple(dict.fromkeys(message_type.family for message_type in self))

    def of_root(self, qname: str) -> MessageType | None:
        """The message type whose root element this is (`{namespace}local`)."""
        return self._by_root.get(qname)

    def of_keys(self, data: Any) -> MessageType | None:
        """The message type whose keys all stand at the top of the JSON data; the one with most keys
        when several do.
        """
        if not isinstance(data, dict):
            return None
        return next(
            (message_type for keys, message_type in self._by_keys if keys <= data.keys()), None
        )

    def schema(self, name: str, version: str = "") -> XmlSchema | JsonSchema:
        """The compiled schema of a message type, its own or that of another version that it has.

        Raises:
            KeyError: when there is no such type.
            ValueError: when its schema can't be read.
        """
        if (compiled := self._schemas.get((name, version))) is not None:
            return compiled
        message_type = self._by_name[name]
        files = {each.version: each.schema for each in message_type.versions}
        with self._lock:
            if (name, version) not in self._schemas:
                file = files.get(version, message_type.schema)
                self._schemas[name, version] = _compile(message_type, file)
        return self._schemas[name, version]


@cache
def _own() -> Catalogue:
    return Catalogue(_below(DEFAULT_FOLDER))


def _below(folder: Path) -> Iterator[MessageType]:
    return (
        message_type
        for path in sorted(folder.glob(f"*/{FILE_NAME}"))
        for message_type in read(path)
    )


def read(path: Path) -> list[MessageType]:
    """The message types of one file.

    Raises:
        ValueError: naming file, message type and what is wrong with it.
    """
    where = f"{path.parent.name}/{path.name}"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{where}: {error}") from error
    if unknown := set(content) - {"message_type"}:
        raise ValueError(
            f"{where}: unknown: {', '.join(sorted(unknown))}; expected [[message_type]]"
        )
    return [_message_type(entry, path.parent, where) for entry in content.get("message_type", [])]


def _message_type(entry: dict[str, Any], folder: Path, where: str) -> MessageType:
    name = entry.get("name", "?")
    if problems := list(_problems(entry, folder)):
        raise ValueError(f"{where}: message type {name}: {'; '.join(problems)}")
    return MessageType(
        name=name,
        family=name.partition(".")[0],
        format=entry["format"],
        schema=entry["schema"],
        version=entry["version"],
        basis=entry["basis"],
        source=entry["source"],
        folder=folder,
        roots=tuple(entry.get("roots", ())),
        keys=tuple(entry.get("keys", ())),
        item=entry.get("item", ""),
        titles=dict(entry["title"]),
        official=entry.get("official", ""),
        versions=tuple(
            SchemaVersion(each["version"], each["schema"], tuple(each.get("roots", ())))
            for each in entry.get("versions", ())
        ),
    )


def _problems(entry: dict[str, Any], folder: Path) -> Iterator[str]:
    """Everything wrong with an entry."""
    if missing := [key for key in _REQUIRED if key not in entry]:
        yield f"missing: {', '.join(missing)}"
        return
    if unknown := set(entry) - set(_REQUIRED) - set(_OPTIONAL):
        yield f"unknown: {', '.join(sorted(unknown))}"
    family, _, rest = entry["name"].partition(".")
    if not family or not rest:
        yield "the name is not family.name"
    if entry["basis"] not in ("published", "modelled"):
        yield f"basis is published or modelled, not {entry['basis']}"
    if lacking := [language for language in _LANGUAGES if not entry["title"].get(language)]:
        yield f"no title in {', '.join(lacking)}"
    if entry["format"] not in ("xml", "json"):
        yield f"format is xml or json, not {entry['format']}"
        return
    yield from _schema_problems(entry, entry["format"], folder)
    taken = {entry["version"]}
    for each in entry.get("versions", ()):
        if missing := [key for key in _VERSION_REQUIRED if key not in each]:
            yield f"a version lacks {', '.join(missing)}"
            continue
        if unknown := set(each) - set(_VERSION_REQUIRED) - set(_VERSION_OPTIONAL):
            yield f"unknown in version {each['version']}: {', '.join(sorted(unknown))}"
        if each["version"] in taken:
            yield f"version {each['version']} stands twice"
        taken.add(each["version"])
        yield from _schema_problems(each, entry["format"], folder)


def _schema_problems(entry: dict[str, Any], written: str, folder: Path) -> Iterator[str]:
    """What is wrong with the schema of a version."""
    module, colon, class_name = entry["schema"].partition(":")
    if written == "xml":
        if not entry.get("roots"):
            yield "xml needs roots"
        if not (folder / entry["schema"]).is_file():
            yield f"no such schema file: {entry['schema']}"
    elif not colon or not class_name or not (folder / f"{module}.py").is_file():
        yield f"a json schema is module:Class of the folder, not {entry['schema']}"


def named_version(text: str) -> tuple[str, str]:
    """A message type as a sender names it, and the version that it names after `;v=` (empty: none,
    which is the type's own).
    """
    name, separator, rest = text.partition(";")
    label, _, version = rest.strip().partition("=")
    if not separator or label.strip() != "v":
        return text, ""
    return name.strip(), version.strip()


def _compile(message_type: MessageType, schema: str) -> XmlSchema | JsonSchema:
    if message_type.format == "xml":
        return XmlSchema(message_type.folder / schema)
    module_name, _, class_name = schema.partition(":")
    module = importlib.import_module(f"exchange.schemas.{message_type.folder.name}.{module_name}")
    model = getattr(module, class_name, None)
    if model is None:
        raise ValueError(
            f"{message_type.name}: schemas.{message_type.folder.name}.{module_name} has no "
            f"{class_name}"
        )
    return JsonSchema(model)

"""What the descriptions of the interface refer to by name: the schema of every message type, made
of its model or linked to its XSD, and a sample of each as an example.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exchange.ports.description import XML, Schema, reference
from exchange.schemas.catalogue import DEFAULT_FOLDER, Catalogue, MessageType
from exchange.schemas.json import JsonSchema

#: Where XSDs are given out, each under the folder of its family, so that what one includes is found
#: beside it.
SCHEMAS_PATH = "/api/schemas/{family}/{file}"
#: What several families include.
SHARED_PATH = "/api/schemas/{file}"


def message_schemas(catalogue: Catalogue) -> dict[str, Schema]:
    """The schemas of all message types by name, those of further versions as `name.v2`, and the
    parts that models share as `folder.Model`.
    """
    found: dict[str, Schema] = {}
    for message_type in catalogue:
        for version in message_type.all_versions:
            found[name_of(message_type, version)] = _schema(catalogue, message_type, version, found)
    return found


def name_of(message_type: MessageType, version: str) -> str:
    """The name of the schema of a version of a type."""
    own = version == message_type.version
    return message_type.name if own else f"{message_type.name}.v{version}"


def names_of(message_type: MessageType) -> list[str]:
    """The names of the schemas of all its versions."""
    return [name_of(message_type, version) for version in message_type.all_versions]


def _schema(
    catalogue: Catalogue, message_type: MessageType, version: str, found: dict[str, Schema]
) -> Schema:
    # (A title would be taken for the name of a class by generators of clients.)
    told = {
        "description": f"{message_type.titles['en']}, version {version} ({message_type.basis}). "
        f"{message_type.source}",
        "x-basis": message_type.basis,
    }
    if message_type.format == "xml":
        files = {each.version: each.schema for each in message_type.versions}
        path = SCHEMAS_PATH.format(
            family=message_type.folder.name, file=files.get(version, message_type.schema)
        )
        linked = {"description": "The XSD", "url": path}
        return {**XML, "externalDocs": linked, **told, "x-roots": list(message_type.roots)}
    schema = catalogue.schema(message_type.name, version)
    assert isinstance(schema, JsonSchema)
    described = _of_model(schema, message_type.folder.name, found)
    return {**{name: each for name, each in described.items() if name != "title"}, **told}


def _of_model(schema: JsonSchema, folder: str, found: dict[str, Schema]) -> Mapping[str, Any]:
    """The JSON schema of a model; what it defines beside itself goes to `found`."""
    described = schema.described(f"#/components/schemas/{folder}.{{model}}")
    for name, part in described.pop("$defs", {}).items():
        # (Its title is its name again, without the folder: generators of clients would take it.)
        part.pop("title", None)
        if found.setdefault(f"{folder}.{name}", part) != part:
            raise ValueError(f"two models of schemas/{folder} are named {name}: rename one")
    return described


def examples(samples: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """A sample of each message type as an Example Object: JSON as it is, XML as a text."""
    return {name: _example(path) for name, path in samples.items()}


def _example(path: Path) -> dict[str, Any]:
    body = path.read_bytes()
    if path.suffix == ".json":
        return {"summary": path.stem, "value": json.loads(body)}
    return {"summary": path.stem, "value": body.decode()}


def example_reference(name: str) -> dict[str, str]:
    """A reference to the example of a message type."""
    return {"$ref": f"#/components/examples/{name}"}


def one_of(names: list[str]) -> Schema:
    """The schema of a body that is one of several."""
    return reference(names[0]) if len(names) == 1 else {"anyOf": [*map(reference, names)]}


def xsd(catalogue: Catalogue, family: str, file: str) -> bytes | None:
    """An XSD of a family's folder, or with no family one that several include; None where there is
    none of that name.
    """
    folders = {each.folder.name: each.folder for each in catalogue} | {"": DEFAULT_FOLDER}
    folder = folders.get(family)
    if folder is None or file not in {path.name for path in folder.glob("*.xsd")}:
        return None
    return (folder / file).read_bytes()

"""A publisher's own schema files in place of the product's, for families whose message types name
them; judges no message.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from lxml import etree

from exchange.schemas.catalogue import DEFAULT_FOLDER, FILE_NAME, Catalogue, MessageType, read

_XS = "http://www.w3.org/2001/XMLSchema"
_REFERRING = tuple(f"{{{_XS}}}{name}" for name in ("import", "include", "redefine"))


def load(official: Mapping[str, Path], folder: Path = DEFAULT_FOLDER) -> Catalogue:
    """The catalogue in which each family (by the name of its folder, `income_register`) has the
    schema files of another folder.

    Every official schema is compiled at once, so that a bad package is told at the start and not by
    a message.

    Raises:
        ValueError: naming the family and each file that is missing or is no schema, or the families
        that there are.
    """
    message_types = [
        message_type
        for path in sorted(folder.glob(f"*/{FILE_NAME}"))
        for message_type in read(path)
    ]
    having = sorted(
        {message_type.folder.name for message_type in message_types if message_type.official}
    )
    if unknown := sorted(set(official) - set(having)):
        raise ValueError(f"official_{unknown[0]}: no such family; there are: {', '.join(having)}")
    for family, package in official.items():
        files = sorted(
            {
                each.official
                for each in message_types
                if each.folder.name == family and each.official
            }
        )
        try:
            lacking = missing(package, files)
        except ValueError as error:
            raise ValueError(f"official_{family}: {error}") from error
        if lacking:
            raise ValueError(f"official_{family}: {package} lacks {', '.join(lacking)}")
    catalogue = Catalogue(replaced(message_types, official))
    for message_type in catalogue:
        if message_type.official and message_type.folder.name in official:
            try:
                catalogue.schema(message_type.name)
            except ValueError as error:
                raise ValueError(f"official_{message_type.folder.name}: {error}") from error
    return catalogue


def replaced(
    message_types: Iterable[MessageType], official: Mapping[str, Path]
) -> Iterator[MessageType]:
    """The message types, with the official schema where their family has a folder of them and they
    name one.
    """
    for message_type in message_types:
        package = official.get(message_type.folder.name)
        if package is not None and message_type.official:
            # An absolute path stays itself when it is joined to the family's folder.
            yield dataclasses.replace(
                message_type, schema=str((package / message_type.official).resolve())
            )
        else:
            yield message_type


def missing(package: Path, files: Iterable[str]) -> list[str]:
    """The files that are not in the folder, among these and all that they import or include,
    however far.

    Raises:
        ValueError: naming a file that is no XML.
    """
    lacking, seen, waiting = [], set(), [package / file for file in files]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        if not path.is_file():
            lacking.append(
                path.relative_to(package).as_posix() if path.is_relative_to(package) else str(path)
            )
            continue
        try:
            root = etree.parse(
                str(path), etree.XMLParser(no_network=True, resolve_entities=False)
            ).getroot()
        except etree.XMLSyntaxError as error:
            raise ValueError(f"{path}: {error}") from error
        for element in root.iterchildren(*_REFERRING):
            if (location := element.get("schemaLocation")) and ":" not in location:
                waiting.append(path.parent / location)
    return sorted(lacking)

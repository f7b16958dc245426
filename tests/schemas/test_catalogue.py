"""The catalogue and the partner directory: what they find, and that a file with a fault is refused
with its name and every fault.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.schemas.catalogue import Catalogue, MessageType
from exchange.schemas.json import JsonSchema
from exchange.schemas.xml import XmlSchema

GOOD = """[[message_type]]
name = "notes.note"
format = "xml"
schema = "note.xsd"
version = "1"
basis = "modelled"
source = "ours"
roots = ["{urn:n}Note"]
title = { fi = "a", sv = "b", en = "c" }
"""


def family(folder: Path, text: str) -> Path:
    """A folder with one family."""
    (folder / "notes").mkdir()
    (folder / "notes" / "message_types.toml").write_text(text)
    (folder / "notes" / "note.xsd").write_text(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" '
        'targetNamespace="urn:n"><xs:element name="Note"/></xs:schema>'
    )
    (folder / "notes" / "models.py").write_text("")
    return folder


def test_a_family_is_found_by_its_file(tmp_path: Path) -> None:
    catalogue = Catalogue.load(family(tmp_path, GOOD))
    (found,) = catalogue
    assert (len(catalogue), catalogue.families, found.family) == (1, ("notes",), "notes")
    assert catalogue.of_root("{urn:n}Note") is catalogue.get("notes.note") is found
    assert catalogue.of_root("Note") is catalogue.get("notes") is None
    assert catalogue.schema("notes.note") is catalogue.schema("notes.note"), "compiled once"
    with pytest.raises(KeyError):
        catalogue.schema("notes.none")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[[message_type]]", "[[message_typ]]", "unknown: message_typ"),
        ("version = ", "vershun = ", "missing: version"),
        ('version = "1"', 'version = "1"\ncolour = "red"', "unknown: colour"),
        ("notes.note", "note", "the name is not family.name"),
        ("modelled", "guessed", "basis is published or modelled, not guessed"),
        ('sv = "b", ', "", "no title in sv"),
        ("roots = ", "keys = ", "xml needs roots"),
        ("note.xsd", "none.xsd", "no such schema file: none.xsd"),
        ('"xml"', '"csv"', "format is xml or json, not csv"),
        ('"xml"', '"json"', "a json schema is module:Class"),
        ("version = ", "version == ", "message_types.toml"),
    ],
)
def test_a_fault_in_a_file_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"notes/message_types\.toml") as refused:
        Catalogue.load(family(tmp_path, GOOD.replace(old, new)))
    assert said in str(refused.value)


def test_every_fault_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"basis is .*; no title in sv; .*no such schema"):
        Catalogue.load(
            family(
                tmp_path,
                GOOD.replace("modelled", "x")
                .replace('sv = "b", ', "")
                .replace("note.xsd", "none.xsd"),
            )
        )


@pytest.mark.parametrize(
    ("again", "said"),
    [(GOOD, "stands twice"), (GOOD.replace("notes.note", "notes.other"), "belongs to both")],
)
def test_a_name_or_root_that_stands_twice(tmp_path: Path, again: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Catalogue.load(family(tmp_path, GOOD + again))


def test_the_most_telling_keys_decide() -> None:
    def keyed(name: str, *keys: str) -> MessageType:
        return MessageType(name, "n", "json", "m:M", "1", "modelled", "s", Path(), keys=keys)

    few, many = keyed("n.few", "a", "b"), keyed("n.many", "a", "b", "c")
    for order in ([few, many], [many, few]):
        catalogue = Catalogue(order)
        assert catalogue.of_keys({"a": 1, "b": 2, "c": 3, "d": 4}) is many
        assert catalogue.of_keys({"a": 1, "b": 2}) is few
        assert (
            catalogue.of_keys({"a": 1}) is catalogue.of_keys([1]) is catalogue.of_keys(None) is None
        )


def test_every_schema_of_the_product_compiles() -> None:
    catalogue = Catalogue.load()
    for message_type in catalogue:
        assert isinstance(
            catalogue.schema(message_type.name),
            XmlSchema if message_type.format == "xml" else JsonSchema,
        )

"""The catalogue and the partner directory: what they find, and that a file with a fault is refused
with its name and every fault.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from exchange.schemas import directory
from exchange.schemas.catalogue import Catalogue, MessageType
from exchange.schemas.directory import SECTORS, Partner
from exchange.schemas.identifiers import is_business_id
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


def test_the_directory_of_the_product() -> None:
    everybody = directory.load()
    assert len(everybody) >= 55
    assert {partner.sector for partner in everybody} <= set(SECTORS)
    for partner in everybody:
        assert everybody.get(partner.id) is everybody.by_key(partner.key) is partner
        assert partner.key.startswith("key-"), "plainly synthetic"
        assert not partner.business_id or is_business_id(partner.business_id), partner.id
        assert partner.country == "FI" or partner.sector in ("eessi", "foreign-institution")
        if partner.eessi_id:
            assert everybody.by_eessi_id(partner.eessi_id) is partner
            assert partner.eessi_id.startswith(f"{partner.country}:")
    for values in (
        [each.business_id for each in everybody],
        [service for each in everybody for service in each.serves],
    ):
        assert not [value for value, count in Counter(values).items() if value and count > 1]
    assert (
        everybody.by_key("")
        is everybody.get("")
        is everybody.by_eessi_id("")
        is everybody.by_business_id("")
        is None
    )


ENTRY = '[[partner]]\nid = "a"\nname = "A"\nsector = "bank"\nkey = "k"\neessi_id = "FI:1"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ENTRY + ENTRY, "id stands twice: a"),
        (
            ENTRY + ENTRY.replace('"a"', '"b"').replace("FI:1", "FI:2"),
            "the same key stands twice: a, b",
        ),
        (ENTRY + ENTRY.replace('"a"', '"b"').replace('"k"', '"l"'), "eessi_id stands twice: FI:1"),
        (ENTRY.replace("bank", "bakery"), "unknown sector: bakery"),
    ],
)
def test_a_fault_in_a_directory_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"mine\.toml: {said}"):
        directory.load(path)


def test_a_directory_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(ENTRY + 'serves = ["pay"]\nurl = "http://127.0.0.1:1"\n')
    mine = directory.load(path)
    assert list(mine) == [
        Partner(
            "a", "A", "bank", eessi_id="FI:1", key="k", url="http://127.0.0.1:1", serves=("pay",)
        )
    ]
    assert mine.serving("pay") is mine.get("a")
    assert mine.in_sector("bank", "tax") == list(mine)
    assert mine.in_sector("tax") == []

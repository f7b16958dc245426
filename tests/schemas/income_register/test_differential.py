"""The project's schemas against the register's own: on grown documents, the register's examples and
mutants, every verdict is the same.
"""

from __future__ import annotations

import atexit
import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

from exchange.adapters import income_register
from exchange.schemas.catalogue import Catalogue, MessageType
from exchange.schemas.xml import XmlSchema, parse
from tests.schemas.income_register.grown import Grower
from tests.schemas.income_register.mutants import mutate

pytestmark = pytest.mark.reference

SEED = 20_240_229
GROWN_PER_ROOT = 24
MUTANTS_PER_TYPE = 800
MUTANTS_PER_EXAMPLE = 500
SHARE_MIN = 0.1
SAMPLES = Path(income_register.__file__).parent / "samples" / "valid"
TYPES = [each for each in Catalogue.load() if each.folder.name == "income_register"]


def reference() -> Path:
    """The folder with the register's schemas."""
    return next(Path(os.environ["EXCHANGE_REFERENCE"]).rglob("IRCommonTypes.xsd")).parent


def official_path(message_type: MessageType) -> Path:
    """The register's schema of a message type."""
    return reference() / message_type.official


@cache
def own_folder() -> Path:
    """A copy of our schemas as they were in 2022, of which year the register's are: without the
    elements that are for later payments.
    """
    copy = Path(tempfile.mkdtemp(prefix="schemas-2022-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    taken_out = 0
    for path in TYPES[0].folder.glob("*.xsd"):
        tree = etree.parse(str(path))
        for note in tree.xpath("//*[local-name()='documentation'][contains(.,'2026 and later')]"):
            element = note.getparent().getparent()
            element.getparent().remove(element)
            taken_out += 1
        tree.write(str(copy / path.name), xml_declaration=True, encoding="UTF-8")
    assert taken_out == 3, "StatisticsFinlandId twice, DemandForRectificationIds"
    return copy


def own_path(message_type: MessageType) -> Path:
    """Our schema of a message type in 2022."""
    return own_folder() / message_type.schema


@cache
def pair(name: str) -> tuple[etree.XMLSchema, etree.XMLSchema]:
    """Ours and theirs."""
    message_type = next(each for each in TYPES if each.name == name)
    return (
        etree.XMLSchema(etree.parse(str(own_path(message_type)))),
        etree.XMLSchema(etree.parse(str(official_path(message_type)))),
    )


@cache
def without_tree(name: str) -> XmlSchema:
    """Ours, as it reads without a tree."""
    message_type = next(each for each in TYPES if each.name == name)
    return XmlSchema(own_path(message_type))


def agree(name: str, document: etree._Element) -> bool:
    """The verdict of both; an assertion that they are the same."""
    # Written and read again: a tree in memory can hold what no document can.
    written = etree.tostring(document)
    document = etree.fromstring(written)
    ours, theirs = pair(name)
    verdict, wanted = ours.validate(document), theirs.validate(document)
    said = [each.message for each in ours.error_log]
    if verdict or not said or not all("'xs:ID'" in each for each in said):
        assert without_tree(name).accepts_bytes(written) is verdict, (
            f"{name}: without a tree not {verdict}\n{written.decode()[:20000]}"
        )
    if verdict != wanted:
        log = (theirs if verdict else ours).error_log
        pytest.fail(
            f"{name}: ours says {verdict}, the register's {wanted}: "
            f"{log}\n{etree.tostring(document).decode()[:20000]}"
        )
    return bool(verdict)


def grown(message_type: MessageType, rng: random.Random) -> Iterator[etree._Element]:
    """Documents grown from both schemas, under every root."""
    growers = [
        Grower(own_path(message_type)),
        Grower(official_path(message_type)),
    ]
    for root in message_type.roots:
        for number in range(GROWN_PER_ROOT):
            yield growers[number % 2].grow(
                root, rng, (0.1, 0.5, 0.9, 1.0)[number % 4 if number < 4 else rng.randrange(4)]
            )


@pytest.mark.parametrize("message_type", TYPES, ids=lambda each: each.name)
def test_both_give_the_same_verdict_on_what_grows_from_either_and_on_mutants(
    message_type: MessageType,
) -> None:
    rng = random.Random(f"{SEED} {message_type.name}")
    bases = list(grown(message_type, rng))
    for document in bases:
        assert agree(message_type.name, document), etree.tostring(document)
    bases += [
        parse(path.read_bytes()) for path in sorted(SAMPLES.glob(f"{message_type.name}--*.xml"))
    ]
    small = [document for document in bases if sum(1 for _ in document.iter()) < 400] or bases
    valid = sum(
        agree(message_type.name, mutate(rng.choice(small), rng)) for _ in range(MUTANTS_PER_TYPE)
    )
    print(f"{message_type.name}: {MUTANTS_PER_TYPE} mutants, {valid / MUTANTS_PER_TYPE:.0%} valid")
    assert SHARE_MIN < valid / MUTANTS_PER_TYPE < 1 - SHARE_MIN


def test_both_give_the_same_verdict_on_mutants_of_the_registers_examples() -> None:
    rng = random.Random(SEED)
    paths = sorted((reference().parent / "examples").glob("*.xml"))
    assert len(paths) == 3
    valid = total = 0
    for path in paths:
        document = parse(path.read_bytes())
        assert agree("income-register.wage-reports", document)
        valid += sum(
            agree("income-register.wage-reports", mutate(document, rng))
            for _ in range(MUTANTS_PER_EXAMPLE)
        )
        total += MUTANTS_PER_EXAMPLE
    print(f"examples: {total} mutants, {valid / total:.0%} valid")
    assert SHARE_MIN < valid / total < 1 - SHARE_MIN
    assert total + MUTANTS_PER_TYPE * len(TYPES) >= 5000

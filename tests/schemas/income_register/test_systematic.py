"""The project's schemas against the register's own, field by field: every value in every leaf,
every element dropped, doubled or swapped.
"""

from __future__ import annotations

import copy
import random

import pytest
from lxml import etree

from exchange.schemas.catalogue import MessageType
from tests.schemas.income_register.grown import VALUES, Grower
from tests.schemas.income_register.test_differential import TYPES, official_path, own_path, pair

pytestmark = pytest.mark.reference

#: Documents with all that is optional, one grown from each schema, so that every element of either
#: is in one.
FULL = 1.0


def wrong(schema: etree.XMLSchema, document: etree._Element) -> set[str]:
    """The paths of the elements that the schema finds fault with."""
    schema.validate(document)
    return {str(entry.path) for entry in schema.error_log}  # type: ignore[attr-defined]


@pytest.fixture(scope="module", params=TYPES, ids=lambda each: each.name)
def message_type(request: pytest.FixtureRequest) -> MessageType:
    """Each of the register's types."""
    found: MessageType = request.param
    return found


@pytest.fixture(scope="module")
def full(message_type: MessageType) -> list[bytes]:
    """Documents with everything, one from each schema; choices are drawn, so there are more where
    the documents are small.
    """
    growers = (
        Grower(own_path(message_type)),
        Grower(official_path(message_type)),
    )
    rng = random.Random(message_type.name)
    documents = [grower.grow(message_type.roots[0], rng, FULL) for grower in growers]
    if sum(1 for _ in documents[0].iter()) <= 150:
        documents += [grower.grow(message_type.roots[0], rng, FULL) for grower in growers * 9]
    return [etree.tostring(document) for document in documents]


def test_every_leaf_takes_the_same_values(message_type: MessageType, full: list[bytes]) -> None:
    ours, theirs = pair(message_type.name)
    for document in map(etree.fromstring, full):
        leaves = [element for element in document.iter("*") if len(element) == 0]
        for value in VALUES:
            for leaf in leaves:
                leaf.text = value
            assert wrong(ours, document) == wrong(theirs, document), value


def test_every_element_may_be_left_out_doubled_or_swapped_in_both_or_neither(
    message_type: MessageType, full: list[bytes]
) -> None:
    ours, theirs = pair(message_type.name)
    for document in map(etree.fromstring, full[:2]):
        for element in list(document.iter("*"))[1:]:
            parent, after = element.getparent(), element.getnext()
            assert parent is not None
            path = document.getroottree().getpath(element)
            double = copy.deepcopy(element)
            element.addnext(double)
            assert ours.validate(document) == theirs.validate(document), f"doubled {path}"
            parent.remove(double)
            if after is not None:
                after.addnext(element)
                assert ours.validate(document) == theirs.validate(document), f"swapped {path}"
                after.addprevious(element)
            place = parent.index(element)
            parent.remove(element)
            assert ours.validate(document) == theirs.validate(document), f"left out {path}"
            parent.insert(place, element)

"""Tests that judging a broken message of the further families always ends in violations, never in
an exception.
"""

from __future__ import annotations

import copy
import datetime
import functools
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from lxml import etree

from exchange.adapters.luova.families.payments.generate import credit_transfers
from exchange.adapters.luova.generate import GENERATORS
from exchange.assembly import checking

DAY = datetime.date(2024, 5, 2)
FAMILIES = ("bilateral", "certificates", "payments", "pension", "tax")
TYPES = sorted(name for name in GENERATORS if name.partition(".")[0] in FAMILIES)
ODD_TEXTS = (
    "",
    " ",
    "-1",
    "NaN",
    "1e999",
    "9" * 400,
    "٣",
    "2024-13-45",
    "\u00e4",
    "FI",
    "RF",
    "true",
)
ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    10**400,
    10**4000,
    1e300,
    "",
    "x" * 500,
    [],
    {},
    [[]],
    {"total": {}},
    "2024-13-45",
)
judge = functools.cache(checking)


def small(name: str) -> bytes:
    """A message of few records, so that a test is quick."""
    if name == "payments.credit-transfers":
        return credit_transfers(random.Random(1), DAY, 1, 2).body
    return min((GENERATORS[name](random.Random(seed), DAY, 1).body for seed in range(60)), key=len)


def broken_elements(root: Any, rng: random.Random) -> Iterator[bytes]:
    """Each element left out, doubled, emptied, given odd text, or without its attributes; some of
    each.
    """
    for number, _ in enumerate(root.iter("*")):
        changed = copy.deepcopy(root)
        element = list(changed.iter("*"))[number]
        parent = element.getparent()
        deed = rng.randrange(5) if parent is not None else 2 + rng.randrange(3)
        if deed == 0:
            parent.remove(element)
        elif deed == 1:
            parent.insert(0, copy.deepcopy(element))
        elif deed == 2:
            element.clear()
        elif deed == 3:
            element.text = rng.choice(ODD_TEXTS)
            for attribute in element.attrib:
                element.set(attribute, rng.choice(ODD_TEXTS))
        else:
            element.insert(0, etree.Comment("aside"))
            element.attrib.clear()
        yield etree.tostring(changed, encoding="utf-8")


def broken_values(data: dict[str, Any], rng: random.Random) -> Iterator[bytes]:
    """Each member, one level down too, left out or of another kind."""
    for key, value in data.items():
        yield json.dumps({name: member for name, member in data.items() if name != key}).encode()
        for odd in ODD_VALUES:
            yield json.dumps({**data, key: odd}).encode()
        for inner in value if isinstance(value, dict) else ():
            yield json.dumps({**data, key: {**value, inner: rng.choice(ODD_VALUES)}}).encode()
    yield b"[]"
    yield b"{}"


@pytest.mark.parametrize("name", TYPES)
def test_a_broken_message_is_judged_and_never_brings_judging_down(name: str) -> None:
    rng, body, rejected = random.Random(name), small(name), 0
    made = (
        broken_values(json.loads(body), rng)
        if body[:1] == b"{"
        else broken_elements(etree.fromstring(body), rng)
    )
    total = 0
    for changed in made:
        total += 1
        checked = judge().check(changed, name)
        assert all(each.rule and each.message for each in checked.violations)
        rejected += not checked.valid
    assert total >= 5
    assert rejected > total / 3, "most of what is broken is found"

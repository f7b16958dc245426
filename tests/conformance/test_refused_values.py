"""No rule is judged on a value that the schema refused: one value of a valid message is spoilt, and
nothing is said of the others.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from exchange.assembly.parts import checking
from exchange.journey.check import Checking
from tests.conformance.samples import ROOT, samples, type_of

#: Values of a sample that are spoilt, one at a time.
SPOILT_MAX = 8
#: What no schema takes that asks for more than a text, and what a date or a number nearly is.
SPOILERS = ("2026-13-02", "\u00a7", "")
#: What the schema says of a message.
OF_SCHEMA = ("json.", "xsd.")
#: What a signed sample is told besides, whatever is changed in it: it was signed as it was.
OF_SIGNATURE = "ir.signature"


@pytest.fixture(scope="module")
def judge() -> Checking:
    return checking()


def spoilt(path: Path, chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """The sample with one value spoilt, and which."""
    body = path.read_bytes()
    if path.suffix == ".json":
        places = list(_leaves(json.loads(body)))
        for place in chance.sample(places, min(SPOILT_MAX, len(places))):
            for spoiler in (*SPOILERS[:-1], None):
                document = json.loads(body)
                parent = document
                for step in place[:-1]:
                    parent = parent[step]
                parent[place[-1]] = spoiler
                yield f"{place} = {spoiler!r}", json.dumps(document).encode()
        return
    root = etree.fromstring(body)
    leaves = [
        number
        for number, each in enumerate(root.iter("*"))
        if len(each) == 0 and (each.text or "").strip()
    ]
    for number in chance.sample(leaves, min(SPOILT_MAX, len(leaves))):
        for spoiler in SPOILERS:
            made = copy.deepcopy(root)
            element = list(made.iter("*"))[number]
            element.text = spoiler
            yield f"{element.tag} = {spoiler!r}", etree.tostring(made)


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict | list):
        members = value.items() if isinstance(value, dict) else enumerate(value)
        for key, member in members:
            yield from _leaves(member, (*path, key))
    elif path:
        yield path


#: Types whose schema is of texts alone: what stands in them is the rules' to judge.
TAKES_ANY_TEXT = {"population-register.person-query"}


@pytest.mark.parametrize("path", samples("valid"), ids=lambda path: path.name)
def test_a_value_that_the_schema_refuses_blames_no_other(path: Path, judge: Checking) -> None:
    before = judge.check(path.read_bytes(), type_of(path))
    assert before.valid
    known = {each.rule for each in before.violations}
    tried = refused = 0
    for what, body in spoilt(path, random.Random(path.name)):
        tried += 1
        told = judge.check(body, type_of(path)).violations
        rules = {each.rule for each in told if each.severity == "error"}
        if not any(rule.startswith(OF_SCHEMA) for rule in rules):
            continue  # The schema takes it: rules may say what they like.
        refused += 1
        others = [
            each.as_text()
            for each in told
            if not each.rule.startswith(OF_SCHEMA) and each.rule not in {*known, OF_SIGNATURE}
        ]
        assert others == [], what
        last = body, told
    taken = type_of(path) in TAKES_ANY_TEXT
    assert refused or not tried or taken, "the schema refuses something of it"
    if refused:
        assert judge.check(last[0], type_of(path)).violations == last[1], "nothing was learned"


def test_the_end_of_a_time_is_not_blamed_for_its_beginning(judge: Checking) -> None:
    body = (
        ROOT / "kelmu/samples/valid/kelmu.benefit-query--supplementary-assistance.json"
    ).read_bytes()
    document = json.loads(body)
    document["from"] = "2026-13-02"
    document["to"] = "2024-05-31"
    told = judge.check(json.dumps(document).encode(), "kelmu.benefit-query").violations
    assert [each.path for each in told] == ["/from"]
    document["from"] = "2024-06-02"
    told = judge.check(json.dumps(document).encode(), "kelmu.benefit-query").violations
    assert [each.rule for each in told] == ["kelmu.dates"], "which is what the rule is for"


def test_what_is_wrong_elsewhere_is_still_said(judge: Checking) -> None:
    body = (
        ROOT / "kelmu/samples/valid/kelmu.benefit-query--supplementary-assistance.json"
    ).read_bytes()
    document = json.loads(body)
    document["purpose"] = "\u00a7"
    document["from"], document["to"] = "2024-06-02", "2024-05-31"
    told = judge.check(json.dumps(document).encode(), "kelmu.benefit-query").violations
    assert {each.path for each in told} == {"/purpose", "/to"}

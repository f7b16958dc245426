"""What every channel must be: found by discovery, with the same files, samples that say what they
claim, types in the catalogue.
"""

from __future__ import annotations

import datetime
import json
import random
from pathlib import Path
from typing import Any

import pydantic_core
import pytest

from exchange import discovery
from exchange.assembly import checking
from exchange.journey.check import Checked, Checking
from exchange.journey.validate import Judge, Judgement
from exchange.schemas import guard
from exchange.schemas.catalogue import Catalogue
from tests.conformance.samples import ROOT, samples, type_of

FILES = (
    "channel",
    "listen",
    "parse",
    "identify",
    "answer",
    "deliver",
    "rules",
    "generate",
    "partner",
)
FOLDERS = discovery.adapter_folders()
DAY = datetime.date(2026, 3, 2)


@pytest.fixture(scope="module")
def judge() -> Checking:
    """What `exchange validate` judges with."""
    return checking()


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_channel_has_every_part(folder: str) -> None:
    for name in FILES:
        discovery.part(folder, name)
    assert (ROOT / folder / "README.md").read_text().startswith("# ")


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_message_type_of_a_channel_has_both_kinds_of_samples_and_a_generator(
    folder: str,
) -> None:
    channel = discovery.part(folder, "channel").CHANNEL
    generators = discovery.part(folder, "generate").GENERATORS
    types = {each.name for each in Catalogue.load() if each.folder.name in channel.families}
    assert types, "a channel carries something"
    assert set(generators) <= types
    sampled = {type_of(path) for path in samples("valid", folder)}
    assert sampled <= types
    assert sampled, "a channel shows what is valid"
    assert samples("invalid", folder), "and what is not"


def test_every_message_type_is_carried_by_one_channel() -> None:
    """A folder of `schemas/` whose types no channel carries was forgotten by its channel."""
    carried = [family for each in discovery.channels().values() for family in each.families]
    assert sorted(carried) == sorted({each.folder.name for each in Catalogue.load()})


def checked_by(judge: Checking, path: Path, monkeypatch: pytest.MonkeyPatch) -> Checked:
    """What is found in a sample; what is kept of it is what its journey goes on with."""
    judged: list[Judgement] = []
    decide = Judge.decide

    def noted(self: Judge, *given: Any) -> Judgement:
        judged.append(decide(self, *given))
        return judged[-1]

    monkeypatch.setattr(Judge, "decide", noted)
    checked = judge.check(path.read_bytes(), type_of(path))
    for detail in (each.verdict.detail for each in judged):
        assert pydantic_core.from_json(pydantic_core.to_json(detail)) == detail, (
            "no tuples, no keys that are no texts"
        )
    return checked


@pytest.mark.parametrize("path", samples("valid"), ids=lambda path: path.name)
def test_a_valid_sample_is_valid(
    path: Path, judge: Checking, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = checked_by(judge, path, monkeypatch)
    assert checked.valid, [violation.as_text() for violation in checked.violations]
    assert checked.message_type == type_of(path)


@pytest.mark.parametrize("path", samples("invalid"), ids=lambda path: path.name)
def test_an_invalid_sample_has_exactly_the_violations_expected(
    path: Path, judge: Checking, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = json.loads(path.with_name(path.stem + ".expected.json").read_text())
    violations = [
        violation.as_dict() for violation in checked_by(judge, path, monkeypatch).violations
    ]
    found = [
        {name: each[name] for name in ("rule", "path", "line", "column")} for each in violations
    ]
    assert found == [
        {name: each[name] for name in ("rule", "path", "line", "column")} for each in expected
    ]


@pytest.mark.parametrize("type_name", sorted(discovery.generators()))
def test_what_a_generator_makes_is_valid_artificial_and_the_same_for_the_same_seed(
    type_name: str, judge: Checking
) -> None:
    generator = discovery.generators()[type_name]
    ids = set()
    for serial in range(5):
        made, again = (generator(random.Random(serial), DAY, serial) for _ in range(2))
        assert made == again
        assert not guard.real_person_in(made.body)
        checked = judge.check(made.body, type_name)
        assert checked.valid, [violation.as_text() for violation in checked.violations]
        ids.add(made.message_id)
    assert len(ids) == 5, "a message id of its own for each serial number"

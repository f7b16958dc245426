"""The process tables: consistent in themselves and, where the published tables are at hand, the
same as those.
"""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.schemas.catalogue import Catalogue
from exchange.schemas.eessi.processes import Process, load

PROCESSES = load()
NAMES = sorted(PROCESSES.by_name)
REFERENCE = Path(os.environ.get("EXCHANGE_REFERENCE", ".")) / "eessi"
FLAGS = {
    "updatable": "updatable_seds(hasMultipleVersions)",
    "cancellable": "invalidatable_seds(hasCancel,X008)",
    "rejectable": "rejectable_seds(hasReject,X011)",
    "clarifiable": "clarifiable_seds(hasClarify,X012/X013)",
    "attachable": "seds_allowing_attachments",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_process_uses_only_seds_that_its_opening_leads_to(name: str) -> None:
    process = PROCESSES.by_name[name]
    reached = {process.opens}
    for _ in process.step:
        for step in process.step:
            if step.after in reached:
                reached.update(step.create, step.reply)
    assert {step.after for step in process.step} <= reached
    about = {entry.sed for entry in PROCESSES.about} | set(PROCESSES.effects)
    for flag in FLAGS:
        assert set(getattr(process, flag)) <= reached - about
    known = {each.name for each in Catalogue.load()}
    assert {f"eessi.{sed.lower()}" for sed in reached} <= known


def test_both_roles_are_told_what_they_may_ever_send() -> None:
    claim = PROCESSES.by_name["P_BUC_01"]
    assert PROCESSES.ever(claim, "PO")[0] == "P2000"
    assert "P2000" not in PROCESSES.ever(claim, "CP")
    assert "P7000" not in PROCESSES.ever(claim, "CP")
    assert PROCESSES.effect_of("X001") == "close"
    assert PROCESSES.effect_of("X008") == "cancel"
    assert PROCESSES.effect_of("P2000") == ""
    assert PROCESSES.get("P_BUC_01", "4.3") is None
    assert PROCESSES.get("P_BUC_99") is None


def test_a_table_with_a_process_twice_or_a_key_that_means_nothing_is_refused(
    tmp_path: Path,
) -> None:
    one = '[[process]]\nname="A"\nversion="4.2"\nopens="A001"\nparticipants="bilateral"\ntitle={en="A"}\nstep=[]\n'
    rest = '[[effect]]\nsed="X001"\neffect="close"\n[[about]]\nsed="X008"\nby="sender"\n'
    twice = tmp_path / "twice.toml"
    twice.write_text(one + one + rest)
    with pytest.raises(ValueError, match="twice"):
        load(twice)
    unknown = tmp_path / "unknown.toml"
    unknown.write_text(one + "colour = 1\n" + rest)
    with pytest.raises(TypeError, match="colour"):
        load(unknown)


def published(name: str) -> Iterator[dict[str, str]]:
    """The rows of a published table."""
    with (REFERENCE / name).open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines, delimiter="\t")


def steps_of(process: Process) -> dict[tuple[str, ...], set[str]]:
    """Our steps as the published tables tell them: (role, document, on, action, delay) -> SEDs."""
    found: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for step in process.step:
        on, delay = f"DOC_{step.on.upper()}", f"{step.delay_days}d" if step.delay_days else ""
        for action, seds in (("DOC_CREATE", step.create), ("DOC_CREATE_REPLY", step.reply)):
            if seds:
                found[step.role, step.after, on, action, delay].update(seds)
    return found


@pytest.mark.reference
@pytest.mark.parametrize("name", NAMES)
def test_the_steps_are_those_of_the_published_triggers(name: str) -> None:
    process = PROCESSES.by_name[name]
    told: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for row in published("buc_triggers_4.2.tsv"):
        if (row["buc"], row["version"], row["trigger"]) != (
            name,
            process.version,
            "createActionTrigger",
        ):
            continue
        if row["actionType"].startswith("DOC_CREATE"):
            told[
                row["role"], row["document"], row["onAction"], row["actionType"], row["delay"]
            ].add(row["documentType"])
    assert told
    assert steps_of(process) == told


@pytest.mark.reference
@pytest.mark.parametrize("name", NAMES)
def test_opening_participants_and_flags_are_those_of_the_published_catalogue(name: str) -> None:
    process = PROCESSES.by_name[name]
    (row,) = [row for row in published("catalogue.tsv") if row["buc"] == name]
    assert (row["opening_sed"], row["participants"]) == (process.opens, process.participants)
    for flag, column in FLAGS.items():
        assert set(getattr(process, flag)) == set(filter(None, row[column].split(","))), flag


@pytest.mark.reference
def test_every_sed_is_one_of_the_published_ones() -> None:
    known = {row["sed"] for row in published("seds.tsv")}
    assert {
        each.name.removeprefix("eessi.").upper()
        for each in Catalogue.load()
        if each.family == "eessi"
    } <= known
